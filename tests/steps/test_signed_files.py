# SPDX-License-Identifier: AGPL-3.0-or-later
"""A signed file on its way: verified first, told as events, its original kept."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest

from format_registry import policy as policies
from pipeline.config.settings import Settings
from pipeline.core import isolate
from pipeline.core.hashing import digest
from pipeline.core.records import Event, EventType, Outcome
from pipeline.steps.file_job import process
from pipeline.steps.jobs import Context, FileJob, FileResult, SurveyJob
from pipeline.steps.survey import survey
from tests.contract.samples import pdf, pdfa_2b
from tests.validators.signing import SigSeedSubFilter, authority, sign, signed, trust

# A rule that would give the original away.
POLICY = """
[policy]
name = "test"
version = "1"
date = 2026-01-01
basis = "test"

[[rules]]
id = "pdf-keep"
puids = ["fmt/14", "fmt/15", "fmt/16", "fmt/17", "fmt/18", "fmt/19", "fmt/20", "fmt/276"]
action = "keep"
keep_original = false
reason = "r"
basis = "b"
source = "s"
date = 2026-01-01
"""


@pytest.fixture
def way(tmp_path: Path) -> Callable[[bytes, Path], FileResult]:
    (tmp_path / "source").mkdir()
    (tmp_path / "staging").mkdir()

    def go(data: bytes, policy: Path) -> FileResult:
        path = tmp_path / "source" / "a.pdf"
        path.write_bytes(data)
        context = Context(
            tmp_path / "source", tmp_path / "staging", policies.load(policy), Settings()
        )
        status = os.stat(path)
        found = survey(SurveyJob(1, b"a.pdf", status.st_size, status.st_mtime_ns), context)
        assert found.identification is not None
        job = FileJob(1, 1, b"a.pdf", len(data), digest(path).sha256, found.identification)
        result = process(job, context)
        assert path.read_bytes() == data
        return result

    return go


def told(result: FileResult) -> list[Event]:
    return [one for one in result.events if one.type is EventType.SIGNATURE]


def own(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def test_an_event_each_and_the_original_is_kept(
    tmp_path: Path, way: Callable[[bytes, Path], FileResult]
) -> None:
    result = way(sign(signed(), "Justering"), own(tmp_path))
    assert result.outcome is Outcome.OK
    assert result.decision is not None
    assert (result.decision.rule, result.decision.keep_original) == ("pdf-keep", True)
    first, second = told(result)
    assert (first.outcome, first.subject) == ("warning", "source")
    for words in ("'Underskrift'", "intact_untrusted", "CN=Åsa Öst", "revision", "sha256"):
        assert words in first.detail
    assert "'Justering'" in second.detail
    assert "pyhanko" in {one.name for one in first.agents}
    kinds = [one.type for one in result.events]
    assert kinds.index(EventType.SIGNATURE) < kinds.index(EventType.DECISION)
    (decided,) = [one for one in result.events if one.type is EventType.DECISION]
    assert "kept because it is signed" in decided.detail


def test_without_a_signature_the_rule_decides(
    tmp_path: Path, way: Callable[[bytes, Path], FileResult]
) -> None:
    result = way(pdf(), own(tmp_path))
    assert result.decision is not None
    assert not result.decision.keep_original
    assert told(result) == []


def test_a_broken_signature_does_not_stop_the_migration(
    tmp_path: Path, way: Callable[[bytes, Path], FileResult]
) -> None:
    data = signed()
    place = data.index(b"/MediaBox")
    data = data[:place] + data[place:].replace(b"0 0 595", b"0 0 596", 1)
    result = way(data, policies.default_path())
    (event,) = told(result)
    assert (event.outcome, "altered" in event.detail) == ("failure", True)
    assert result.migration is not None, result.detail
    assert result.decision is not None
    assert result.decision.keep_original


def test_valid_pdfa_stays_byte_for_byte(
    tmp_path: Path, way: Callable[[bytes, Path], FileResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [str(trust(tmp_path / "trust", authority()))]
    monkeypatch.setenv("SKANEARKIV_SIGNATURE_TRUST", json.dumps(listed))
    isolate.close_all()
    result = way(sign(pdfa_2b(), subfilter=SigSeedSubFilter.PADES), policies.default_path())
    isolate.close_all()
    assert (result.outcome, result.code, result.migration) == (Outcome.OK, "policy.kept", None)
    assert [one.outcome for one in told(result)] == ["success"]


def test_also_where_a_page_is_damaged(
    tmp_path: Path, way: Callable[[bytes, Path], FileResult]
) -> None:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf("ett", "två"))) as document:
        document.pages[1].Contents = document.make_stream(b"q " * 100_000)
        document.save(buffer)
    result = way(sign(buffer.getvalue()), own(tmp_path))
    assert result.outcome is Outcome.DAMAGED
    assert len(told(result)) == 1
