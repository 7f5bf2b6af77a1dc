# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ledger's only writer, used by the coordinator alone.

Each method is one transaction. A file moves `new` -> `surveyed` -> `done`; a result
for a file that is not in the state it was sent out from is a second telling of the
same (Dask runs a task at least once) and changes nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import codec
from pipeline.core.errors import ConfigError, LedgerBusyError, RunStoppedError
from pipeline.core.paths import display
from pipeline.core.records import (
    Event,
    FileKind,
    FileRecord,
    Identification,
    Outcome,
    now,
)
from pipeline.ledger import connection, event_rows, rows


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run states of itself."""

    policy_name: str
    policy_sha256: str
    policy: str
    settings: str
    workers: int
    machine: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be surveyed."""

    file: int
    raw: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class SurveyedFile:
    """A file to be processed."""

    file: int
    generation: int
    raw: bytes
    size: int
    sha256: str
    identification: Identification


class Ledger:
    """See the module. Raises RunStoppedError when the database cannot be written."""

    def __init__(self, path: Path, source: Path | str, delivery: str, producer: str) -> None:
        self._db = connection.open_writer(path)
        row = self._db.execute("SELECT * FROM ledger").fetchone()
        raw = os.fsencode(source)
        if row is None:
            self._db.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?)",
                (connection.VERSION, raw, delivery, producer),
            )
        else:
            connection.check_version(path, row["version"])
            if row["source"] != raw:
                raise ConfigError(
                    f"{path.parent} belongs to the source {os.fsdecode(row['source'])}; "
                    "give each delivery an output folder of its own"
                )
        self.run = 0

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            # SQLite's own words (sqlite.org/rescode.html, "SQLITE_FULL", "SQLITE_BUSY").
            passing = any(word in str(error) for word in ("disk is full", "is locked"))
            raise (LedgerBusyError if passing else RunStoppedError)(
                f"the ledger cannot be written ({error}); make room or free the file, "
                "then run the same command again: nothing is lost"
            ) from error

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # -- runs -----------------------------------------------------------------------

    def start_run(self, facts: RunFacts) -> int:
        """Record that a run begins; one that never ended is recorded as stopped."""
        with self._transaction() as db:
            db.execute("UPDATE runs SET status = 'stopped' WHERE status = 'running'")
            cursor = db.execute(
                "INSERT INTO runs (started, status, policy_name, policy_sha256, policy,"
                " settings, workers, machine) VALUES (?, 'running', ?, ?, ?, ?, ?, ?)",
                (
                    now(),
                    facts.policy_name,
                    facts.policy_sha256,
                    facts.policy,
                    facts.settings,
                    facts.workers,
                    facts.machine,
                ),
            )
            self.run = int(cursor.lastrowid or 0)
        return self.run

    def end_run(self, status: str) -> None:
        """Record how the run ended: done, interrupted or stopped."""
        with self._transaction() as db:
            db.execute(
                "UPDATE runs SET ended = ?, status = ? WHERE id = ?", (now(), status, self.run)
            )

    # -- scan -----------------------------------------------------------------------

    def scanned(self, records: Sequence[FileRecord], retry: frozenset[Outcome]) -> int:
        """Take in what the scan met; return how many files are to be worked on anew.

        A file that is done stays so unless its size or time changed, its outcome's cause
        lay outside the file, or `retry` names its outcome.
        """
        fresh = 0
        with self._transaction() as db:
            for record in records:
                fresh += self._scanned(db, record, retry)
        return fresh

    def _scanned(
        self, db: sqlite3.Connection, record: FileRecord, retry: frozenset[Outcome]
    ) -> int:
        old = db.execute("SELECT * FROM files WHERE raw = ?", (record.raw,)).fetchone()
        if old is None:
            cursor = db.execute(
                "INSERT INTO files (raw, path, kind, size, mtime_ns, state, seen_run)"
                " VALUES (?, ?, ?, ?, ?, 'new', ?)",
                (
                    record.raw,
                    display(record.raw),
                    record.kind.value,
                    record.size,
                    record.mtime_ns,
                    self.run,
                ),
            )
            return self._settle(db, int(cursor.lastrowid or 0), record)
        same = (old["kind"], old["size"], old["mtime_ns"]) == (
            record.kind.value,
            record.size,
            record.mtime_ns,
        )
        db.execute(
            "UPDATE files SET seen_run = ?, kind = ?, size = ?, mtime_ns = ? WHERE id = ?",
            (self.run, record.kind.value, record.size, record.mtime_ns, old["id"]),
        )
        if old["state"] == "done":
            outcome = Outcome(old["outcome"])
            again = outcome in retry or (outcome.transient and record.kind is FileKind.REGULAR)
            if same and not again:
                return 0
            db.execute(
                "UPDATE files SET generation = generation + 1, state = 'new', outcome = NULL,"
                " code = NULL, detail = NULL, same_as = NULL, done_run = NULL, sha256 = NULL,"
                " sha512 = NULL, puid = NULL WHERE id = ?",
                (old["id"],),
            )
        elif not same:
            # Not finished before, and no longer what was surveyed then.
            rows.forget_generation(db, old["id"], old["generation"])
            db.execute("UPDATE files SET state = 'new' WHERE id = ?", (old["id"],))
        elif old["state"] == "surveyed":
            return 1
        return self._settle(db, old["id"], record)

    def _settle(self, db: sqlite3.Connection, file: int, record: FileRecord) -> int:
        """Give an entry that is no regular file its outcome; return 1 for a regular one."""
        if record.kind is FileKind.REGULAR:
            return 1
        outcome, code = {
            FileKind.SYMLINK: (Outcome.LINK, "scan.link_outside"),
            FileKind.SPECIAL: (Outcome.NOT_A_FILE, "scan.special"),
            FileKind.UNREADABLE: (Outcome.UNREADABLE, "scan.unreadable"),
        }[record.kind]
        if record.inside:
            # What it leads to is in the delivery and gets an outcome of its own.
            outcome, code = Outcome.OK, "scan.link_inside"
        rows.finish(db, file, self.run, outcome, code, record.note)
        return 0

    # -- survey ---------------------------------------------------------------------

    def new_files(self, after: int, limit: int) -> list[NewFile]:
        """Return files to be surveyed, by id."""
        found = self._db.execute(
            "SELECT id, raw, size, mtime_ns FROM files"
            " WHERE state = 'new' AND kind = 'regular' AND seen_run = ? AND id > ?"
            " ORDER BY id LIMIT ?",
            (self.run, after, limit),
        )
        return [NewFile(row["id"], row["raw"], row["size"], row["mtime_ns"]) for row in found]

    def surveyed(self, found: Sequence[rows.Surveyed]) -> list[SurveyedFile]:
        """Record surveys; return the files that are now to be processed."""
        with self._transaction() as db:
            for one in found:
                rows.survey(db, self.run, one)
            db.execute(
                "UPDATE runs SET surveyed = surveyed + ? WHERE id = ?", (len(found), self.run)
            )
        ids = [one.file for one in found]
        marks = ",".join("?" * len(ids))
        return list(self._surveyed(f"files.id IN ({marks})", ids))

    def surveyed_files(self, after: int, limit: int) -> list[SurveyedFile]:
        """Return files surveyed but not processed, by id: what an earlier run left."""
        where = "files.seen_run = ? AND files.id > ? ORDER BY files.id LIMIT ?"
        return list(self._surveyed(where, [self.run, after, limit]))

    def _surveyed(self, where: str, values: Iterable[int]) -> Iterator[SurveyedFile]:
        query = (
            "SELECT files.id, files.generation, raw, size, sha256, t.text AS record FROM files"
            " JOIN identifications AS i ON i.file = files.id AND i.generation = files.generation"
            " JOIN shared_texts AS t ON t.id = i.record"
            f" WHERE state = 'surveyed' AND {where}"
        )
        for row in self._db.execute(query, tuple(values)):
            yield SurveyedFile(
                row["id"],
                row["generation"],
                row["raw"],
                row["size"],
                row["sha256"],
                codec.loads(row["record"]),
            )

    def last_surveyed(self) -> int:
        """Return the highest id of a file surveyed but not processed, 0 if none."""
        row = self._db.execute("SELECT max(id) FROM files WHERE state = 'surveyed'").fetchone()
        return int(row[0] or 0)

    # -- results ----------------------------------------------------------------------

    def twin(self, sha256: str, puid: str | None) -> int | None:
        """Return a file of the same content and format that this policy has brought to an end."""
        # Left to itself SQLite walks through all that is done in the order of ids: that took
        # half of a coordinator's time at 30,000 files, and more with each.
        row = self._db.execute(
            "SELECT files.id, outcome FROM files INDEXED BY files_done LEFT JOIN decisions AS d"
            " ON d.file = files.id AND d.generation = files.generation"
            " WHERE sha256 = ? AND files.puid IS ? AND state = 'done' AND same_as IS NULL"
            " AND (d.policy_sha256 IS NULL OR d.policy_sha256 ="
            " (SELECT policy_sha256 FROM runs WHERE id = ?)) ORDER BY files.id LIMIT 1",
            (sha256, puid, self.run),
        ).fetchone()
        if row is None or Outcome(row["outcome"]).transient:
            return None
        return int(row["id"])

    def output_of(self, file: int) -> tuple[str, str, bool, str] | None:
        """Return (path, sha256, accepted, extension) of a file's present output."""
        row = self._db.execute(
            "SELECT output, m.sha256, accepted FROM migrations AS m JOIN files"
            " ON files.id = m.file AND files.generation = m.generation WHERE m.file = ?",
            (file,),
        ).fetchone()
        if row is None:
            return None
        return row["output"], row["sha256"], bool(row["accepted"]), Path(row["output"]).suffix

    def end_of(self, file: int) -> tuple[Outcome, str]:
        """Return the outcome of a file that is done, and its code."""
        row = self._db.execute("SELECT outcome, code FROM files WHERE id = ?", (file,)).fetchone()
        return Outcome(row["outcome"]), str(row["code"])

    def output_taken(self, output: str, file: int, generation: int, sha256: str) -> bool:
        """Whether another file, or other content of this one, has that output."""
        return (
            self._db.execute(
                "SELECT 1 FROM migrations WHERE output = ?"
                " AND NOT (file = ? AND (generation = ? OR sha256 = ?))",
                (output, file, generation, sha256),
            ).fetchone()
            is not None
        )

    def evidence_taken(self, path: str, sha256: str) -> bool:
        """Whether another picture has that path."""
        query = "SELECT 1 FROM evidence WHERE path = ? AND sha256 <> ?"
        return self._db.execute(query, (path, sha256)).fetchone() is not None

    def finished(self, found: Sequence[tuple[rows.Finished, Sequence[tuple[int, str]]]]) -> None:
        """Record the ends of files, each with the same end for files of the same content.

        One transaction: a commit waits for the disk, a file of a few bytes does not. Of each
        file: its row, and (file, output) of its twins; the output is "" where there is none.
        """
        with self._transaction() as db:
            done = 0
            for result, twins in found:
                done += rows.result(db, self.run, result)
                for file, output in twins:
                    done += rows.copy(db, self.run, result.file, file, output)
            db.execute("UPDATE runs SET processed = processed + ? WHERE id = ?", (done, self.run))

    def copied(self, found: Sequence[tuple[int, int, str]]) -> None:
        """Record for files what is recorded for others of the same content.

        Of each: (the other one, the file, its output).
        """
        with self._transaction() as db:
            done = sum(rows.copy(db, self.run, twin, file, output) for twin, file, output in found)
            db.execute("UPDATE runs SET processed = processed + ? WHERE id = ?", (done, self.run))

    def failed(
        self, file: int, outcome: Outcome, code: str, detail: str, events: Sequence[Event] = ()
    ) -> None:
        """Record an end without a result, e.g. of a file whose worker died each time."""
        with self._transaction() as db:
            event_rows.add(db, self.run, file, events)
            if rows.finish(db, file, self.run, outcome, code, detail):
                db.execute("UPDATE runs SET processed = processed + 1 WHERE id = ?", (self.run,))

    def reopen(self, files: Iterable[int]) -> int:
        """Send files that are done through decision and migration once more."""
        count = 0
        with self._transaction() as db:
            for file in files:
                rows.reopen(db, file)
                count += 1
        return count

    @property
    def database(self) -> sqlite3.Connection:
        """The connection, for queries."""
        return self._db
