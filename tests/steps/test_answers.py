# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an event and an outcome say of the engines' answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from format_registry import policy as policies
from pipeline.config.settings import Settings
from pipeline.core.hashing import digest
from pipeline.core.records import (
    Agreement,
    Basis,
    Candidate,
    Clues,
    EventType,
    Identification,
    Opinion,
    Outcome,
)
from pipeline.steps import answers
from pipeline.steps.file_job import process
from pipeline.steps.jobs import Context, FileJob, SurveyJob
from pipeline.steps.survey import survey

ONE = Opinion("Siegfried", "1.11", "V125", ("fmt/1105",), Basis.SIGNATURE)
TWO = Opinion("FIDO", "1.6", "v109", ("x-fmt/342",), Basis.SIGNATURE)
CONFLICT = Identification(
    "fmt/1105", Basis.SIGNATURE, "Siegfried", "V125",
    candidates=("fmt/1105", "x-fmt/342"), conflict=True, opinions=(ONE, TWO),
    agreement=Agreement.CONFLICT,
)  # fmt: skip
UNKNOWN = Identification(
    None, Basis.NONE, "FIDO", "v109", opinions=(replace(ONE, puids=(), basis=Basis.NONE),),
    agreement=Agreement.WEAK,
    clues=Clues("image/x-dwg", "AutoCAD", 5.0, b"AC10",
                (Candidate("fmt/21", "AutoCAD Drawing 1.0", "extension"),), "image/x-dwg .dwg"),
)  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "in").mkdir()
    return Context(
        tmp_path / "in", tmp_path / "staging", policies.load(policies.default_path()), Settings()
    )


def ended(context: Context, name: bytes, found: Identification) -> tuple[Outcome, str, str]:
    """Return the end of a file of the source that was identified so."""
    path = context.source / name.decode()
    job = FileJob(1, 1, name, path.stat().st_size, digest(path).sha256, found)
    result = process(job, context)
    return result.outcome, result.code, result.detail


def told(context: Context, name: str, data: bytes) -> str:
    """Return what the event of a file's identification says."""
    (context.source / name).write_bytes(data)
    found = survey(SurveyJob(1, name.encode(), len(data), 0), context)
    (event,) = [one for one in found.events if one.type is EventType.IDENTIFICATION]
    assert {one.name for one in event.agents} == {"Siegfried", "FIDO"}
    assert all("ignature" in one.note or "formats" in one.note for one in event.agents)
    return event.detail


def test_each_answer_in_words() -> None:
    both = "Siegfried: fmt/1105 (signature); FIDO: x-fmt/342 (signature)"
    assert answers.answers(CONFLICT) == both
    many = replace(TWO, puids=tuple(f"fmt/{n}" for n in range(20)), basis=Basis.EXTENSION)
    said = answers.answers(replace(CONFLICT, opinions=(many,)))
    assert said.endswith("fmt/7 and 12 more (extension)")
    failed = Opinion("Siegfried", "1.11", "", (), Basis.NONE, "it crashed")
    assert answers.answers(replace(CONFLICT, opinions=(failed,))) == "Siegfried: failed, it crashed"
    assert answers.answers(UNKNOWN) == "Siegfried: no answer"


def test_only_what_differs_is_told_to_differ() -> None:
    assert answers.differ(CONFLICT)
    same = replace(TWO, puids=ONE.puids)
    assert not answers.differ(replace(CONFLICT, opinions=(ONE, same)))
    assert not answers.differ(replace(CONFLICT, opinions=(ONE,)))


def test_a_conflict_goes_to_review_with_both_answers(context: Context, corpus: Path) -> None:
    image = corpus / "format-corpus" / "blank-untitled-volume.img"
    (context.source / "a.img").write_bytes(image.read_bytes())
    assert ended(context, b"a.img", CONFLICT) == (
        Outcome.REVIEW,
        "identify.conflict",
        "Siegfried: fmt/1105 (signature); FIDO: x-fmt/342 (signature)",
    )


def test_an_unknown_file_says_what_it_may_be(context: Context) -> None:
    (context.source / "a.dwg").write_bytes(b"AC10 and nothing more")
    assert ended(context, b"a.dwg", UNKNOWN) == (
        Outcome.UNIDENTIFIED,
        "identify.unknown",
        "libmagic: image/x-dwg, AutoCAD; nearest: fmt/21 AutoCAD Drawing 1.0 (extension)",
    )
    old = replace(UNKNOWN, clues=None, candidates=("fmt/21", "fmt/22"))
    assert ended(context, b"a.dwg", old)[2] == "perhaps fmt/21, fmt/22"
    assert ended(context, b"a.dwg", replace(UNKNOWN, clues=None))[2] == ""


def test_answers_that_differ_are_in_the_event(context: Context, corpus: Path) -> None:
    # This Keynote came to PRONOM's container signatures after those that opf-fido ships.
    (keynote,) = (corpus / "tika").glob("*__testKeynote2013.key")
    detail = told(context, "a.key", keynote.read_bytes())
    assert detail.startswith("fmt/1441 by container; ")
    assert "; Siegfried: fmt/1441 (container); FIDO: x-fmt/263 (signature)" in detail


def test_weak_evidence_is_told(context: Context) -> None:
    assert told(context, "a.wq1", b"\xc8\x01\x00\x07" * 30).startswith(
        "x-fmt/121 by extension only"
    )
    detail = told(context, "a.txt", "Räksmörgås\r\n".encode("cp1252") * 9)
    assert detail.startswith("x-fmt/111 by text only; engines: weak")
    assert "guessed, line ends CRLF" in detail
    detail = told(context, "a.qqz", b"QQZ1\x00\x01\x02\x03" + bytes(range(90)))
    assert detail.startswith("unknown; engines: weak; libmagic: application/octet-stream, data")


def test_strong_evidence_needs_no_reservation(context: Context) -> None:
    assert told(context, "a.pdf", b"%PDF-1.4\n%%EOF\n") == "fmt/18 by signature; engines: agree"
