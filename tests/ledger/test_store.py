# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ledger: one outcome a file, nothing told twice, nothing forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.core.errors import ConfigError
from pipeline.core.records import (
    Action,
    Agent,
    Agreement,
    Basis,
    Candidate,
    Check,
    Clues,
    Decision,
    Event,
    EventType,
    FileKind,
    FileRecord,
    Identification,
    Message,
    MigrationResult,
    Outcome,
    TextFacts,
    ValidationResult,
    Verdict,
)
from pipeline.core.signed import Signature, SignatureCoverage, SignatureStatus, SignatureTrust
from pipeline.ledger import connection, queries, rows
from pipeline.ledger.store import Ledger, RunFacts

PROGRAM = Agent("test", "1.0", "a note")
FOUND = Identification("fmt/276", Basis.SIGNATURE, "test", "V125", "PDF", "1.7", "application/pdf")
HASHED = Event(EventType.DIGEST, "2026-01-02T03:04:05.678Z", "success", "SHA-256", (PROGRAM,))
MADE = Event(EventType.NORMALIZATION, "2026-01-02T03:04:06.678Z", "success", "made", (PROGRAM,))
FACTS = RunFacts("policy 1", "p1", "[policy]", "{}", 2, "Linux")
NOBODY: frozenset[Outcome] = frozenset()
TABLES = ("files", "identifications", "validations", "signatures", "decisions", "migrations",
          "checks", "evidence", "events", "event_agents", "agents")  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = opened(tmp_path)
    one.start_run(FACTS)
    yield one
    one.close()


def opened(out: Path, source: str = "/deliveries/a") -> Ledger:
    return Ledger(connection.path_in(out), Path(source), "Ärenden", "Kommunen")


def record(name: str, *, size: int = 10, mtime: int = 1) -> FileRecord:
    return FileRecord(name.encode(), FileKind.REGULAR, size, mtime)


def scanned(ledger: Ledger, *names: str, retry: frozenset[Outcome] = NOBODY, mtime: int = 1) -> int:
    return ledger.scanned([record(name, mtime=mtime) for name in names], retry)


def survey(ledger: Ledger, file: int, sha256: str = "aa") -> rows.Surveyed:
    return rows.Surveyed(file, sha256, None, FOUND, None, "", "", (HASHED,))


def finished(file: int, outcome: Outcome = Outcome.OK, *, migrated: bool = True) -> rows.Finished:
    migration = MigrationResult("m", "pdfa-2b", "mended", "s", "pdf", 9, "bb", "fmt/477")
    return rows.Finished(
        file=file,
        outcome=outcome,
        code="policy.migrated",
        detail="mended",
        validations=(
            ValidationResult("pdf", Verdict.VALID, messages=(Message("pdf.signed"),),
                             properties={"pages": 2}),
        ),
        decision=Decision(Action.MIGRATE, "rule", "reason", "m", "pdfa-2b"),
        policy_sha256="p1",
        migration=migration if migrated else None,
        output="migrated/a.pdf" if migrated else "",
        target=(ValidationResult("verapdf", Verdict.VALID),),
        checks=(Check("document.pages", "2", "2", 1.0, True),),
        events=(MADE,),
        seconds=0.5,
    )  # fmt: skip


def done(ledger: Ledger, name: str, outcome: Outcome = Outcome.OK) -> int:
    """Bring one file to an outcome; return its id."""
    scanned(ledger, name)
    (file,) = [one.file for one in ledger.new_files(0, 10) if one.raw == name.encode()]
    ledger.surveyed([survey(ledger, file)])
    ledger.finished([(finished(file, outcome), [])])
    return file


def column(ledger: Ledger, query: str, *values: object) -> list[object]:
    return [row[0] for row in ledger.database.execute(query, values)]


def dump(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: [tuple(row) for row in ledger.database.execute(f"SELECT * FROM {table}")]
        for table in TABLES
    }


def state(ledger: Ledger, file: int) -> tuple[str, int, str | None]:
    row = ledger.database.execute("SELECT * FROM files WHERE id = ?", (file,)).fetchone()
    return row["state"], row["generation"], row["outcome"]


def test_a_file_goes_from_new_to_done(ledger: Ledger) -> None:
    assert scanned(ledger, "a.pdf") == 1
    (new,) = ledger.new_files(0, 10)
    assert state(ledger, new.file) == ("new", 1, None)
    (job,) = ledger.surveyed([survey(ledger, new.file)])
    assert (job.sha256, job.identification, job.generation) == ("aa", FOUND, 1)
    assert state(ledger, new.file) == ("surveyed", 1, None)
    assert ledger.new_files(0, 10) == []
    assert ledger.surveyed_files(0, 10) == [job]
    ledger.finished([(finished(new.file), [])])
    assert state(ledger, new.file) == ("done", 1, "ok")
    assert ledger.surveyed_files(0, 10) == []
    assert ledger.output_of(new.file) == ("migrated/a.pdf", "bb", True, ".pdf")
    assert column(ledger, "SELECT surveyed FROM runs") == [1]
    assert column(ledger, "SELECT processed FROM runs") == [1]


def test_a_result_told_twice_changes_nothing(ledger: Ledger) -> None:
    file = done(ledger, "a.pdf")
    before = dump(ledger)
    ledger.surveyed([survey(ledger, file, "cc")])
    ledger.finished([(finished(file, Outcome.CRASH), [])])
    ledger.failed(file, Outcome.CRASH, "file.crash", "")
    assert dump(ledger) == before
    assert column(ledger, "SELECT processed FROM runs") == [1]


def test_a_result_before_its_survey_is_not_taken(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf")
    ledger.finished([(finished(1), [])])
    assert state(ledger, 1) == ("new", 1, None)


def test_events_have_the_same_names_whenever_they_are_told(tmp_path: Path) -> None:
    names = []
    for out in ("one", "two"):
        (tmp_path / out).mkdir()
        ledger = opened(tmp_path / out)
        ledger.start_run(FACTS)
        done(ledger, "åäö.pdf")
        names.append(column(ledger, "SELECT uuid FROM events ORDER BY number"))
        ledger.close()
    assert names[0] == names[1]
    assert len(set(names[0])) == 2


def test_a_second_scan_finds_nothing_to_do(ledger: Ledger) -> None:
    done(ledger, "a.pdf")
    before = dump(ledger)
    assert scanned(ledger, "a.pdf") == 0
    assert dump(ledger) == before


def test_a_changed_file_is_worked_on_anew_and_its_past_is_kept(ledger: Ledger) -> None:
    file = done(ledger, "a.pdf")
    assert scanned(ledger, "a.pdf", mtime=2) == 1
    assert state(ledger, file) == ("new", 2, None)
    ledger.surveyed([survey(ledger, file, "dd")])
    ledger.finished([(finished(file), [])])
    assert column(ledger, "SELECT generation FROM events ORDER BY id") == [1, 1, 2, 2]
    assert len(set(column(ledger, "SELECT uuid FROM events"))) == 4
    assert column(ledger, "SELECT sha256 FROM files") == ["dd"]


def test_a_file_that_changed_before_its_end_starts_over(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf")
    ledger.surveyed([survey(ledger, 1)])
    assert scanned(ledger, "a.pdf", mtime=2) == 1
    assert state(ledger, 1) == ("new", 1, None)
    assert column(ledger, "SELECT count(*) FROM events") == [0]
    ledger.surveyed([survey(ledger, 1, "ee")])
    assert [one.sha256 for one in ledger.surveyed_files(0, 10)] == ["ee"]


def test_retry_names_outcomes(ledger: Ledger) -> None:
    file = done(ledger, "a.pdf", Outcome.TIMEOUT)
    assert scanned(ledger, "a.pdf") == 0
    assert scanned(ledger, "a.pdf", retry=frozenset({Outcome.CRASH})) == 0
    assert scanned(ledger, "a.pdf", retry=frozenset({Outcome.TIMEOUT})) == 1
    assert state(ledger, file) == ("new", 2, None)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_lay_outside_the_file_is_tried_again(ledger: Ledger, outcome: Outcome) -> None:
    done(ledger, "a.pdf", outcome)
    wanted = {Outcome.DISK_FULL, Outcome.UNREADABLE, Outcome.VANISHED, Outcome.CHANGED}
    wanted.add(Outcome.STORAGE)
    assert scanned(ledger, "a.pdf") == int(outcome in wanted)


def test_entries_that_are_no_files_have_their_outcome_at_once(ledger: Ledger) -> None:
    entries = [
        FileRecord(b"in", FileKind.SYMLINK, note="a.pdf", inside=True),
        FileRecord(b"out", FileKind.SYMLINK, note="/etc/passwd"),
        FileRecord(b"pipe", FileKind.SPECIAL, note="FIFO"),
        FileRecord(b"locked", FileKind.UNREADABLE, note="Permission denied"),
    ]
    assert ledger.scanned(entries, NOBODY) == 0
    found = dict(ledger.database.execute("SELECT path, outcome FROM files").fetchall())
    assert found == {"in": "ok", "out": "link", "pipe": "not_a_file", "locked": "unreadable"}


def test_a_survey_may_be_the_end(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf")
    end = rows.Surveyed(1, "aa", None, None, Outcome.EMPTY, "file.empty", "0 bytes", (HASHED,))
    assert ledger.surveyed([end]) == []
    assert state(ledger, 1) == ("done", 1, "empty")


def test_reopened_files_keep_hash_and_identification(ledger: Ledger) -> None:
    file = done(ledger, "a.pdf")
    assert ledger.reopen([file]) == 1
    assert state(ledger, file) == ("surveyed", 2, None)
    (job,) = ledger.surveyed_files(0, 10)
    assert (job.sha256, job.identification, job.generation) == ("aa", FOUND, 2)
    ledger.finished([(replace(finished(file), policy_sha256="p2"), [])])
    assert column(ledger, "SELECT policy_sha256 FROM decisions ORDER BY generation") == ["p1", "p2"]


def test_an_output_of_an_earlier_generation_stays_taken(ledger: Ledger) -> None:
    file = done(ledger, "a.pdf")
    (made,) = column(ledger, "SELECT sha256 FROM migrations")
    assert ledger.output_taken("migrated/a.pdf", file, 2, "other content")
    assert not ledger.output_taken("migrated/a.pdf", file, 2, made)
    assert not ledger.output_taken("migrated/a.pdf", file, 1, "other content")
    assert ledger.output_taken("migrated/a.pdf", file + 1, 1, made)


def test_duplicates_are_worked_on_once_and_recorded_each(ledger: Ledger) -> None:
    first = done(ledger, "a.pdf")
    scanned(ledger, "b.pdf")
    ledger.surveyed([survey(ledger, 2)])
    assert ledger.twin("aa", "fmt/276") == first
    assert ledger.twin("aa", "fmt/18") is None
    assert ledger.twin("xx", "fmt/276") is None
    ledger.copied([(first, 2, "migrated/b.pdf")])
    assert state(ledger, 2) == ("done", 1, "ok")
    assert column(ledger, "SELECT same_as FROM files WHERE id = 2") == [first]
    assert ledger.output_of(2) == ("migrated/b.pdf", "bb", True, ".pdf")
    for table in ("validations", "decisions", "migrations", "checks"):
        counts = column(ledger, f"SELECT count(*) FROM {table} GROUP BY file ORDER BY file")
        assert len(counts) == 2, table
        assert counts[0] == counts[1], table
    details = column(ledger, "SELECT detail FROM events WHERE file = 2 ORDER BY number")
    assert details == ["SHA-256", "made (done once for the same content: a.pdf)"]
    agents = column(
        ledger,
        "SELECT count(*) FROM event_agents JOIN events ON events.id = event"
        " GROUP BY event ORDER BY event",
    )
    assert agents == [1, 1, 1, 1]
    assert ledger.twin("aa", "fmt/276") == first, "a copy is not copied again"
    before = dump(ledger)
    ledger.copied([(first, 2, "migrated/b.pdf")])
    assert dump(ledger) == before


def test_twins_that_waited_are_recorded_with_their_model(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf", "b.pdf")
    ledger.surveyed([survey(ledger, 1), survey(ledger, 2)])
    ledger.finished([(finished(1), [(2, "migrated/b.pdf")])])
    assert state(ledger, 2) == ("done", 1, "ok")
    assert column(ledger, "SELECT processed FROM runs") == [2]


def test_what_failed_for_outer_reasons_is_no_model(ledger: Ledger) -> None:
    done(ledger, "a.pdf", Outcome.DISK_FULL)
    assert ledger.twin("aa", "fmt/276") is None


def test_another_policys_result_is_no_model(ledger: Ledger) -> None:
    done(ledger, "a.pdf")
    ledger.start_run(replace(FACTS, policy_sha256="p2"))
    assert ledger.twin("aa", "fmt/276") is None


def test_outcomes_and_pending_add_up(ledger: Ledger) -> None:
    for number, outcome in enumerate((Outcome.OK, Outcome.OK, Outcome.DAMAGED)):
        done(ledger, f"{number}.pdf", outcome)
    scanned(ledger, "new.pdf")
    found = queries.state(ledger.database)
    assert found["outcomes"] == {"ok": 2, "damaged": 1}
    assert sum(found["outcomes"].values()) + found["pending"] == found["files"] == 4


def test_files_that_are_gone_are_counted_not_forgotten(ledger: Ledger) -> None:
    done(ledger, "a.pdf")
    ledger.start_run(FACTS)
    scanned(ledger, "b.pdf")
    assert (queries.count(ledger.database), queries.missing(ledger.database)) == (2, 1)


def test_a_run_that_never_ended_was_stopped(ledger: Ledger) -> None:
    ledger.start_run(FACTS)
    ledger.end_run("done")
    assert column(ledger, "SELECT status FROM runs ORDER BY id") == ["stopped", "done"]


def test_another_source_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="belongs to the source /deliveries/a"):
        opened(tmp_path, "/deliveries/b")
    opened(tmp_path).close()


def test_another_version_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    ledger.database.execute("UPDATE ledger SET version = 99")
    with pytest.raises(ConfigError, match="version 99"):
        opened(tmp_path)
    with pytest.raises(ConfigError, match="version"):
        connection.open_reader(tmp_path)


def test_an_older_version_is_refused_with_what_to_do(ledger: Ledger, tmp_path: Path) -> None:
    ledger.database.execute("UPDATE ledger SET version = 1")
    for attempt in (opened, connection.open_reader):
        with pytest.raises(ConfigError, match=r"version 1, written by an earlier .* new output"):
            attempt(tmp_path)


def test_what_was_found_of_a_text_can_be_asked_for(ledger: Ledger) -> None:
    scanned(ledger, "a.txt")
    text = replace(FOUND, agreement=Agreement.WEAK, text=TextFacts("cp1252", "CRLF", guessed=True))
    (job,) = ledger.surveyed([replace(survey(ledger, 1), identification=text)])
    assert job.identification == text
    asked = "SELECT agreement, encoding, line_ends, clue_group, clues FROM identifications"
    assert tuple(ledger.database.execute(asked).fetchone()) == ("weak", "cp1252", "CRLF", "", None)


def test_what_helps_with_an_unknown_file_can_be_asked_for(ledger: Ledger) -> None:
    scanned(ledger, "a.bin")
    near = (Candidate("fmt/1", "Broadcast WAVE", "mime"),)
    # Nothing that a tool said of a hostile file may keep it from being recorded.
    clues = Clues("a/b", "half \ud83d", 7.5, b"\0\xff", near, "a/b .\ud83d")
    unknown = replace(FOUND, puid=None, basis=Basis.NONE, clues=clues)
    (job,) = ledger.surveyed([replace(survey(ledger, 1), identification=unknown)])
    assert job.identification == unknown
    row = ledger.database.execute(
        "SELECT clue_group, clues ->> '$.first' AS first, clues ->> '$.entropy' AS entropy,"
        " clues ->> '$.nearest[0].puid' AS near, encoding FROM identifications"
    ).fetchone()
    assert tuple(row) == ("a/b .\\ud83d", "00ff", 7.5, "fmt/1", "")


def test_a_reopened_file_keeps_its_clues(ledger: Ledger) -> None:
    scanned(ledger, "a.bin")
    clues = Clues("a/b", "", 7.5, b"ab", (), "a/b")
    unknown = replace(FOUND, puid=None, basis=Basis.NONE, clues=clues, agreement=Agreement.WEAK)
    ledger.surveyed([replace(survey(ledger, 1), identification=unknown)])
    ledger.finished([(finished(1), [])])
    ledger.reopen([1])
    columns = "agreement, encoding, line_ends, clue_group, clues, record"
    first, second = ledger.database.execute(
        f"SELECT {columns} FROM identifications ORDER BY generation"
    ).fetchall()
    assert tuple(first) == tuple(second)


def test_readers_do_not_write(ledger: Ledger, tmp_path: Path) -> None:
    reader = connection.open_reader(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM files")
    reader.close()


def test_any_name_and_any_words_can_be_held(ledger: Ledger) -> None:
    raw = b"latin\xe5\n<.pdf"
    ledger.scanned([FileRecord(raw, FileKind.REGULAR, 1, 1)], NOBODY)
    ledger.failed(1, Outcome.CRASH, "file.crash", "said \udce5 and \0")
    row = ledger.database.execute("SELECT raw, path, detail FROM files").fetchone()
    assert (row["raw"], row["path"]) == (raw, "latin%E5%0A<.pdf")
    assert row["detail"].startswith("said \\udce5")


def test_words_of_a_document_may_be_no_text(ledger: Ledger) -> None:
    """LibreOffice hands on half of a surrogate pair; that must not stop the run."""
    half = "\ud83d"
    scanned(ledger, "a.docx")
    ledger.surveyed([survey(ledger, 1)])
    said = replace(
        finished(1),
        detail=half,
        checks=(Check("document.text", half, half, 0.5, False, f"not found: {half}"),),
        events=(replace(MADE, detail=half, agents=(Agent("t", "1", half),)),),
        validations=(
            ValidationResult("ooxml", Verdict.VALID, messages=(Message("a", detail=half),),
                             properties={"title": half}),
        ),
    )  # fmt: skip
    ledger.finished([(said, [])])
    assert state(ledger, 1) == ("done", 1, "ok")
    assert column(ledger, "SELECT note FROM checks") == ["not found: \\ud83d"]


SIGNED = (
    Signature(
        "beslut.\udce5", "signature", SignatureStatus.VALID, signer="CN=Åsa", intact=True,
        holds=True, trust=SignatureTrust.TRUSTED, coverage=SignatureCoverage.FILE,
    ),
    Signature("b", "timestamp", SignatureStatus.UNREADABLE, "no TSTInfo"),
)  # fmt: skip


def with_signatures(file: int) -> rows.Finished:
    found = ValidationResult("pdf_signatures", Verdict.UNDECIDED, signatures=SIGNED)
    one = finished(file)
    return replace(one, validations=(*one.validations, found))


def test_signatures_are_kept_with_their_file_and_its_twins(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf", "b.pdf")
    ledger.surveyed([survey(ledger, 1), survey(ledger, 2)])
    ledger.finished([(with_signatures(1), [(2, "migrated/b.pdf")])])
    told = ledger.database.execute(
        "SELECT number, field, status, reason, signer, intact, trust, coverage FROM signatures"
        " WHERE file = ? ORDER BY number",
        (1,),
    ).fetchall()
    assert [tuple(row) for row in told] == [
        (1, "beslut.\\udce5", "valid", "", "CN=Åsa", 1, "trusted", "file"),
        (2, "b", "unreadable", "no TSTInfo", "", None, "unknown", "unknown"),
    ]
    assert column(ledger, "SELECT file FROM signatures ORDER BY id") == [1, 1, 2, 2]
    # Told once more, nothing is added; worked on anew, both generations are there.
    ledger.finished([(with_signatures(1), [])])
    assert column(ledger, "SELECT count(*) FROM signatures") == [4]
    ledger.reopen([1])
    ledger.finished([(with_signatures(1), [])])
    assert column(ledger, "SELECT generation FROM signatures WHERE file = 1 ORDER BY id") == [
        1, 1, 2, 2,
    ]  # fmt: skip


def with_evidence(file: int, sha256: str = "dd") -> rows.Finished:
    pictures = tuple(
        rows.Picture(f"evidence/a.pdf.pdf/page-000{page}.png", 100, sha256) for page in (1, 3)
    )
    return replace(finished(file, Outcome.REVIEW), evidence=pictures)


def test_evidence_is_kept_with_its_file_and_its_twins(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf", "b.pdf")
    ledger.surveyed([survey(ledger, 1), survey(ledger, 2)])
    ledger.finished([(with_evidence(1), [(2, "review/b.pdf.pdf")])])
    paths = [f"evidence/a.pdf.pdf/page-000{page}.png" for page in (1, 3)]
    for file in (1, 2):
        assert column(ledger, "SELECT path FROM evidence WHERE file = ?", file) == paths
    ledger.finished([(with_evidence(1), [])])
    assert column(ledger, "SELECT count(*) FROM evidence") == [4]
    ledger.reopen([1])
    ledger.finished([(with_evidence(1), [])])
    assert column(ledger, "SELECT count(*) FROM evidence WHERE file = 1") == [4]


def test_a_path_of_evidence_is_taken_by_other_content_only(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf")
    ledger.surveyed([survey(ledger, 1)])
    ledger.finished([(with_evidence(1), [])])
    assert ledger.evidence_taken("evidence/a.pdf.pdf/page-0001.png", "ee")
    assert not ledger.evidence_taken("evidence/a.pdf.pdf/page-0001.png", "dd")
    assert not ledger.evidence_taken("evidence/a.pdf.pdf/page-0002.png", "ee")


def test_evidence_of_a_generation_that_never_ended_is_forgotten(ledger: Ledger) -> None:
    scanned(ledger, "a.pdf")
    ledger.surveyed([survey(ledger, 1)])
    ledger.database.execute("INSERT INTO evidence VALUES (1, 1, 'evidence/x', 1, 'dd')")
    scanned(ledger, "a.pdf", mtime=2)
    assert column(ledger, "SELECT count(*) FROM evidence") == [0]
