# SPDX-License-Identifier: AGPL-3.0-or-later
"""Records to rows, within the caller's transaction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.core import codec
from pipeline.core.measuring import Measure
from pipeline.core.records import (
    Check,
    Clues,
    Decision,
    Event,
    Identification,
    Message,
    MigrationResult,
    Outcome,
    ValidationResult,
)
from pipeline.core.signed import Signature
from pipeline.ledger import event_rows, measures
from pipeline.ledger.event_rows import storable

_PER_GENERATION = (
    "identifications", "validations", "signatures", "decisions", "migrations", "checks",
    "evidence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a survey found of a file; `outcome` where it ends the file's way already."""

    file: int
    sha256: str | None
    sha512: str | None
    identification: Identification | None
    outcome: Outcome | None
    code: str
    detail: str
    events: tuple[Event, ...]
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Evidence in its place: `path` below the output folder."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a file; `output` is its path below the output folder, "" if none."""

    file: int
    outcome: Outcome
    code: str
    detail: str
    validations: tuple[ValidationResult, ...]
    decision: Decision | None
    policy_sha256: str
    migration: MigrationResult | None
    output: str
    target: tuple[ValidationResult, ...]
    checks: tuple[Check, ...]
    events: tuple[Event, ...]
    seconds: float
    evidence: tuple[Picture, ...] = ()
    measures: tuple[Measure, ...] = ()


def survey(db: sqlite3.Connection, run: int, found: Surveyed) -> None:
    """Record a survey of a file that is `new`."""
    row = db.execute(
        "SELECT generation, size FROM files WHERE id = ? AND state = 'new'", (found.file,)
    ).fetchone()
    if row is None:
        return
    generation = row["generation"]
    one = found.identification
    db.execute(
        "UPDATE files SET state = 'surveyed', sha256 = ?, sha512 = ?, puid = ?, peak_memory = ?"
        " WHERE id = ?",
        (
            found.sha256, found.sha512 or None, one.puid if one else None,
            measures.peak(found.measures), found.file,
        ),
    )  # fmt: skip
    measures.add(db, one.puid if one else None, row["size"], found.measures)
    if one is not None:
        opinions = [
            {
                "engine": o.engine,
                "version": o.engine_version,
                "signatures": o.signatures,
                "puids": list(o.puids),
                "basis": o.basis.value,
                "note": o.note,
            }
            for o in one.opinions
        ]
        db.execute(
            "INSERT INTO identifications VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                found.file,
                generation,
                one.puid,
                one.name,
                one.version,
                one.mime,
                one.basis.value,
                one.engine,
                one.signatures,
                one.extension_mismatch,
                one.conflict,
                _json(list(one.candidates)),
                _shared(db, "opinions", _json(opinions)),
                one.agreement.value,
                one.text.encoding if one.text else "",
                one.text.line_ends if one.text else "",
                storable(one.clues.group) if one.clues else "",
                _clues(one.clues) if one.clues else None,
                _shared(db, "identification", codec.dumps(one).decode()),
            ),
        )
    event_rows.add(db, run, found.file, found.events)
    if found.outcome is not None:
        finish(db, found.file, run, found.outcome, found.code, found.detail)


def _shared(db: sqlite3.Connection, kind: str, text: str) -> int:
    """Return the number of a text that is kept once for all files that have it."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    query = "SELECT id FROM shared_texts WHERE digest = ?"
    row = db.execute(query, (digest,)).fetchone()
    if row is None:
        insert = "INSERT INTO shared_texts (kind, digest, text) VALUES (?, ?, ?)"
        return int(db.execute(insert, (kind, digest, text)).lastrowid or 0)
    return int(row["id"])


def _clues(clues: Clues) -> str:
    return _json(
        {
            "mime": clues.mime,
            "description": clues.description,
            "entropy": clues.entropy,
            "first": clues.first.hex(),
            "nearest": [
                {"puid": one.puid, "name": one.name, "why": one.why} for one in clues.nearest
            ],
        }
    )


def result(db: sqlite3.Connection, run: int, found: Finished) -> int:
    """Record the end of a file that is `surveyed`; return 1, or 0 if it was told before."""
    row = db.execute(
        "SELECT generation, puid, size FROM files WHERE id = ? AND state = 'surveyed'",
        (found.file,),
    ).fetchone()
    if row is None:
        return 0
    generation = row["generation"]
    measures.add(db, row["puid"], row["size"], found.measures)
    db.execute(
        "UPDATE files SET peak_memory = max(peak_memory, ?) WHERE id = ?",
        (measures.peak(found.measures), found.file),
    )
    for subject, results in (("source", found.validations), ("target", found.target)):
        for one in results:
            _validation(db, found.file, generation, subject, one)
    signed = (one for result in found.validations for one in result.signatures)
    for number, signature in enumerate(signed, 1):
        _signature(db, found.file, generation, number, signature)
    if found.decision is not None:
        d = found.decision
        db.execute(
            "INSERT INTO decisions VALUES (?,?,?,?,?,?,?,?,?)",
            (
                found.file, generation, d.action.value, d.rule, d.reason, d.migrator, d.target,
                d.keep_original, found.policy_sha256,
            ),
        )  # fmt: skip
    if found.migration is not None:
        m = found.migration
        db.execute(
            "INSERT INTO migrations VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                found.file, generation, m.migrator, m.target, storable(m.method), found.output,
                m.size, m.sha256, m.puid, m.format_name, m.format_version,
                found.outcome is Outcome.OK, _messages(m.messages), m.seconds,
            ),
        )  # fmt: skip
    for check in found.checks:
        db.execute(
            "INSERT INTO checks VALUES (?,?,?,?,?,?,?,?)",
            (
                found.file, generation, check.property, storable(check.before),
                storable(check.after), check.score, check.passed, storable(check.note),
            ),
        )  # fmt: skip
    for picture in found.evidence:
        db.execute(
            "INSERT INTO evidence VALUES (?,?,?,?,?)",
            (found.file, generation, picture.path, picture.size, picture.sha256),
        )
    event_rows.add(db, run, found.file, found.events)
    finish(db, found.file, run, found.outcome, found.code, found.detail, found.seconds)
    return 1


def _validation(
    db: sqlite3.Connection, file: int, generation: int, subject: str, one: ValidationResult
) -> None:
    db.execute(
        "INSERT INTO validations (file, generation, subject, validator, verdict, outcome,"
        " messages, properties, seconds) VALUES (?,?,?,?,?,?,?,?,?)",
        (
            file,
            generation,
            subject,
            one.validator,
            one.verdict.value,
            one.outcome.value,
            _messages(one.messages),
            _json(dict(one.properties)),
            round(one.seconds, 3),
        ),
    )


def _signature(
    db: sqlite3.Connection, file: int, generation: int, number: int, one: Signature
) -> None:
    values: dict[str, Any] = {"file": file, "generation": generation, "number": number}
    values |= {
        name: storable(value) if isinstance(value, str) else value
        for name, value in asdict(one).items()
    }
    marks = ", ".join("?" * len(values))
    db.execute(
        f"INSERT INTO signatures ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
    )


def finish(
    db: sqlite3.Connection,
    file: int,
    run: int,
    outcome: Outcome,
    code: str,
    detail: str,
    seconds: float = 0.0,
) -> bool:
    """Give a file its one final outcome; return False if it has one."""
    cursor = db.execute(
        "UPDATE files SET state = 'done', outcome = ?, code = ?, detail = ?, done_run = ?,"
        " seconds = ? WHERE id = ? AND state <> 'done'",
        (outcome.value, code, storable(detail), run, seconds, file),
    )
    return cursor.rowcount == 1


def copy(db: sqlite3.Connection, run: int, origin: int, file: int, output: str) -> int:
    """Record for `file` what is recorded for `origin`, which has the same content."""
    row = db.execute(
        "SELECT generation FROM files WHERE id = ? AND state = 'surveyed'", (file,)
    ).fetchone()
    if row is None:
        return 0
    source = db.execute("SELECT * FROM files WHERE id = ?", (origin,)).fetchone()
    if source["state"] != "done":
        return 0
    keys = {"file": file, "generation": row["generation"]}
    where = (origin, source["generation"])
    for table in ("validations", "signatures", "decisions", "migrations", "checks", "evidence"):
        query = f"SELECT * FROM {table} WHERE file = ? AND generation = ?"
        for old in db.execute(query, where).fetchall():
            values = {name: old[name] for name in list(old.keys()) if name != "id"} | keys
            if table == "migrations":
                values["output"] = output
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            db.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",
                tuple(values.values()),
            )
    event_rows.copy(db, run, source, file, row["generation"])
    db.execute("UPDATE files SET same_as = ? WHERE id = ?", (origin, file))
    finish(db, file, run, Outcome(source["outcome"]), source["code"], source["detail"])
    return 1


def forget_generation(db: sqlite3.Connection, file: int, generation: int) -> None:
    """Drop what an unfinished generation recorded: its file changed before its end."""
    db.execute(
        "DELETE FROM event_agents WHERE event IN"
        " (SELECT id FROM events WHERE file = ? AND generation = ?)",
        (file, generation),
    )
    for table in (*_PER_GENERATION, "events"):
        db.execute(
            f"DELETE FROM {table} WHERE file = ? AND generation = ?",
            (file, generation),
        )


def reopen(db: sqlite3.Connection, file: int) -> None:
    """Begin a generation that keeps hash and identification of the last."""
    db.execute(
        "INSERT INTO identifications SELECT i.file, i.generation + 1, i.puid, i.name, i.version,"
        " i.mime, i.basis, i.engine, i.signatures, i.mismatch, i.conflict, i.candidates,"
        " i.opinions, i.agreement, i.encoding, i.line_ends, i.clue_group, i.clues,"
        " i.record FROM identifications AS i JOIN files"
        " ON files.id = i.file AND files.generation = i.generation WHERE i.file = ?",
        (file,),
    )
    db.execute(
        "UPDATE files SET generation = generation + 1, state = 'surveyed', outcome = NULL,"
        " code = NULL, detail = NULL, same_as = NULL, done_run = NULL WHERE id = ?",
        (file,),
    )


def _messages(messages: Sequence[Message]) -> str:
    return _json(
        [{"code": m.code, "severity": m.severity.value, "detail": m.detail} for m in messages]
    )


def _json(value: Mapping[str, Any] | Sequence[object]) -> str:
    # ASCII: what tools say may hold lone surrogates, which SQLite's text cannot.
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
