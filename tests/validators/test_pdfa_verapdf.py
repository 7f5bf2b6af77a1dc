# SPDX-License-Identifier: AGPL-3.0-or-later
"""veraPDF against its own corpus, and what happens when Java breaks."""

from __future__ import annotations

import os
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import psutil
import pytest

from pipeline.core import isolate
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import CrashError, OutOfMemoryError
from pipeline.core.isolate import Pool
from pipeline.core.records import Outcome, ValidationResult, Verdict
from tests.contract.samples import pdf, pdfa_2b
from validators.pdfa_verapdf import VALIDATOR

SUITE = re.compile(r"PDF_(?:A-([1-4][a-f]?)|(UA)-([12]))/")
VERDICTS = {"valid": Verdict.VALID, "invalid": Verdict.INVALID}


@pytest.fixture
def fresh() -> Iterator[None]:
    """A Java machine of the test's own, since it is going to be spoilt."""
    isolate.server(Pool.JVM).close()
    yield
    isolate.server(Pool.JVM).close()


def judge(path: Path, flavour: str = "") -> ValidationResult:
    with budget(60, 2048 * MIB):
        return VALIDATOR.validate_as(path, flavour)


def saved(tmp_path: Path, data: bytes, name: str = "a.pdf") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_agrees_with_the_names_of_its_own_corpus(
    corpus: Path, manifest: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row for row in manifest if row["expected_pdfa_validity"]]
    assert len(rows) >= 139
    wrong = []
    for row in rows:
        suite = SUITE.match(row["source_path"])
        flavour = "".join(part or "" for part in suite.groups()).lower() if suite else ""
        found = judge(corpus / row["path"], flavour)
        if found.verdict is not VERDICTS[row["expected_pdfa_validity"]]:
            wrong.append((row["source_path"], row["expected_pdfa_validity"], found.verdict.value))
    with capsys.disabled():
        print(f"\nveraPDF: {len(rows) - len(wrong)} of {len(rows)} as their names say; {wrong}")
    assert len(wrong) <= 1, wrong


def test_a_failed_rule_says_where_it_stands(corpus: Path, manifest: list[dict[str, str]]) -> None:
    row = next(row for row in manifest if "PDF_A-2b" in row["source_path"]
               and row["expected_pdfa_validity"] == "invalid")  # fmt: skip
    found = judge(corpus / row["path"], "2b")
    assert found.outcome is Outcome.INVALID
    assert found.properties["pdfa_failed_rules"] == len(found.messages) > 0
    # What the folder is named after, e.g. "6.2 Graphics/6.2.2 ...".
    assert "ISO 19005-2:2011 6." in found.messages[0].detail


def test_a_valid_file(tmp_path: Path) -> None:
    found = judge(saved(tmp_path, pdfa_2b()))
    assert (found.verdict, found.messages) == (Verdict.VALID, ())
    assert (found.properties["pdfa"], found.properties["pdfa_valid"]) == ("2b", True)


def test_a_stricter_flavour_than_the_claim_can_be_asked_for(tmp_path: Path) -> None:
    found = judge(saved(tmp_path, pdfa_2b()), "2a")
    assert (found.verdict, found.properties["pdfa"]) == (Verdict.INVALID, "2a")


def test_accessible_alone_is_not_archival(corpus: Path, manifest: list[dict[str, str]]) -> None:
    """A valid PDF/UA that claims no PDF/A must not be kept as if it were one."""
    seen = 0
    for row in manifest:
        if not row["source_path"].startswith("PDF_UA") or row["expected_pdfa_validity"] != "valid":
            continue
        found = judge(corpus / row["path"])
        if found.properties["pdfa"]:
            continue
        seen += 1
        assert found.verdict is Verdict.VALID
        assert found.properties["pdfua"]
        assert found.properties["pdfa_valid"] is False
    assert seen > 5


def test_no_claim_is_undecided(tmp_path: Path) -> None:
    found = judge(saved(tmp_path, pdf()))
    assert (found.verdict, found.outcome) == (Verdict.UNDECIDED, Outcome.OK)
    assert [one.code for one in found.messages] == ["pdfa.no_claim"]
    assert found.properties["pdfa_valid"] is False


def test_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "locked.pdf"
    with pikepdf.open(saved(tmp_path, pdfa_2b())) as document:
        document.save(path, encryption=pikepdf.Encryption(user="hemlig", owner="hemlig"))
    found = judge(path)
    assert (found.verdict, found.outcome) == (Verdict.INVALID, Outcome.PASSWORD)
    assert [one.code for one in found.messages] == ["pdf.password"]


@pytest.mark.parametrize(
    ("data", "outcome"),
    [(b"", Outcome.EMPTY), (random.Random(1).randbytes(50_000), Outcome.DAMAGED)],
    ids=["empty", "random"],
)
def test_what_is_no_pdf(tmp_path: Path, data: bytes, outcome: Outcome) -> None:
    found = judge(saved(tmp_path, data))
    assert (found.verdict, found.outcome) == (Verdict.INVALID, outcome)


def hungry(tmp_path: Path) -> Path:
    """Return a PDF that inflates to far more than a small heap holds."""
    path = tmp_path / "hungry.pdf"
    with pikepdf.open(saved(tmp_path, pdfa_2b())) as document:
        # One name of 64 MB: many small objects are collected for half a minute first.
        document.pages[0].Contents = document.make_stream(b"/" + b"n" * 64_000_000 + b" gs")
        document.save(path, compress_streams=True)
    return path


@pytest.mark.usefixtures("fresh")
def test_an_exhausted_heap_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = saved(tmp_path, pdfa_2b())
    big = hungry(tmp_path)
    monkeypatch.setenv("SKANEARKIV_VERAPDF_HEAP", "24m")
    assert judge(good).verdict is Verdict.VALID
    with pytest.raises(OutOfMemoryError):
        judge(big)
    assert judge(good).verdict is Verdict.VALID


@pytest.mark.usefixtures("fresh")
def test_a_killed_machine_is_started_anew(tmp_path: Path) -> None:
    good = saved(tmp_path, pdfa_2b())
    assert judge(good).verdict is Verdict.VALID
    server = isolate.server(Pool.JVM)
    assert server.pid is not None
    java = [
        one
        for one in psutil.Process(server.pid).children(recursive=True)
        if "warm_child" in " ".join(one.cmdline()) and not one.children()
    ]
    assert len(java) == 1
    os.kill(java[0].pid, signal.SIGKILL)
    java[0].wait(timeout=10)
    try:
        assert judge(good).verdict is Verdict.VALID
    except CrashError:  # asked before its shell had ended: that file is blamed, no other
        assert judge(good).verdict is Verdict.VALID
