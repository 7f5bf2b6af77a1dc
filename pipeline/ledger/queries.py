# SPDX-License-Identifier: AGPL-3.0-or-later
"""Questions to a ledger. Each takes a connection, so that readers and the writer share them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from pipeline.core.records import Scalar


class _Tally(Protocol):
    files: int
    bytes: int
    before: int
    before_bytes: int
    outcomes: Counter[str]


T = TypeVar("T", bound=_Tally)


def tally(db: sqlite3.Connection, into: T) -> T:
    """Fill in how much there is and how much of it is done already."""
    # A file has an outcome when it is done, and never before: an index holds all of this.
    row = db.execute(
        "SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes,"
        " count(outcome) AS done,"
        " coalesce(sum(size) FILTER (WHERE outcome IS NOT NULL), 0) AS done_bytes FROM files"
    ).fetchone()
    into.files, into.bytes = row["files"], row["bytes"]
    into.before, into.before_bytes = row["done"], row["done_bytes"]
    into.outcomes = outcomes(db)
    return into


def count(db: sqlite3.Connection) -> int:
    """Return the number of files."""
    return int(db.execute("SELECT count(*) FROM files").fetchone()[0])


def missing(db: sqlite3.Connection) -> int:
    """Return how many files the last scan did not find any more."""
    (last,) = db.execute("SELECT max(id) FROM runs").fetchone()
    row = db.execute("SELECT count(*) FROM files WHERE seen_run < ?", (last,))
    return int(row.fetchone()[0])


def outcomes(db: sqlite3.Connection) -> Counter[str]:
    """Return the number of files per outcome, of files that are done."""
    found = db.execute(
        "SELECT outcome, count(*) FROM files WHERE outcome IS NOT NULL GROUP BY outcome"
    )
    return Counter({row[0]: row[1] for row in found})


def other_policies(db: sqlite3.Connection, sha256: str) -> list[tuple[str, str]]:
    """Return (SHA-256, text) of every other policy by which files stand decided."""
    rows = db.execute(
        "SELECT DISTINCT d.policy_sha256, (SELECT policy FROM runs"
        " WHERE runs.policy_sha256 = d.policy_sha256 LIMIT 1) AS policy FROM decisions AS d"
        " JOIN files ON files.id = d.file AND files.generation = d.generation"
        " WHERE d.policy_sha256 <> ?",
        (sha256,),
    )
    return [(row["policy_sha256"], row["policy"]) for row in rows]


def decided(db: sqlite3.Connection, sha256: str) -> Iterator[tuple[int, str, dict[str, Scalar]]]:
    """Yield (file, PUID, properties) of each file that is done, decided by that policy."""
    found = db.execute(
        "SELECT files.id, files.puid, files.generation FROM files JOIN decisions AS d"
        " ON d.file = files.id AND d.generation = files.generation"
        " WHERE state = 'done' AND d.policy_sha256 = ?",
        (sha256,),
    )
    for row in found.fetchall():
        facts: dict[str, Scalar] = {}
        results = db.execute(
            "SELECT properties FROM validations WHERE file = ? AND generation = ?"
            " AND subject = 'source' ORDER BY id",
            (row["id"], row["generation"]),
        )
        for (properties,) in results:
            facts.update(json.loads(properties))
        yield row["id"], row["puid"], facts


def state(db: sqlite3.Connection) -> dict[str, Any]:
    """Return the ledger in a few numbers; the outcomes and `pending` add up to `files`."""
    found = outcomes(db)
    total = count(db)
    run = db.execute("SELECT * FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    head = db.execute("SELECT delivery, producer FROM ledger").fetchone()
    keys = ("id", "status", "started", "ended", "surveyed", "processed", "workers")
    return {
        "delivery": head["delivery"],
        "producer": head["producer"],
        "run": {key: run[key] for key in keys} if run else {},
        "files": total,
        "pending": total - sum(found.values()),
        "missing": missing(db) if run else 0,
        "outcomes": dict(found),
    }


def with_outcome(db: sqlite3.Connection, outcome: str) -> Iterator[dict[str, Any]]:
    """Yield path, PUID and reason of each file with that outcome."""
    rows = db.execute(
        "SELECT path, puid, code, detail FROM files WHERE outcome = ? ORDER BY path", (outcome,)
    )
    for row in rows:
        yield dict(row)
