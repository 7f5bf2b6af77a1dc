# SPDX-License-Identifier: AGPL-3.0-or-later
"""PREMIS events and their agents to rows, within the caller's transaction."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence

from pipeline.core.records import Agent, Event

# Names the events of this program: RFC 9562 version 5, so that the same event of the
# same file always gets the same identifier.
_NAMESPACE = uuid.UUID("6d3f2f0e-6a53-5d1c-9a54-5b0c9c1f7a10")


def add(db: sqlite3.Connection, run: int, file: int, events: Sequence[Event]) -> None:
    """Append events to a file's present generation."""
    row = db.execute("SELECT generation FROM files WHERE id = ?", (file,)).fetchone()
    for event in events:
        number = _insert(
            db, run, file, row["generation"], event.type.value, event.time, event.outcome,
            event.detail, event.subject,
        )  # fmt: skip
        for agent in dict.fromkeys(event.agents):
            db.execute("INSERT INTO event_agents VALUES (?, ?)", (number, _agent(db, agent)))


def copy(db: sqlite3.Connection, run: int, source: sqlite3.Row, file: int, generation: int) -> None:
    """Tell the events of the work, not those of hash and identification: each has its own."""
    olds = db.execute(
        "SELECT * FROM events WHERE file = ? AND generation = ? AND NOT (subject = 'source'"
        " AND type IN ('message digest calculation', 'format identification')) ORDER BY number",
        (source["id"], source["generation"]),
    ).fetchall()
    for old in olds:
        event = _insert(
            db, run, file, generation, old["type"], old["time"], old["outcome"],
            f"{old['detail']} (done once for the same content: {source['path']})", old["subject"],
        )  # fmt: skip
        db.execute(
            "INSERT INTO event_agents SELECT ?, agent FROM event_agents WHERE event = ?",
            (event, old["id"]),
        )


def _insert(
    db: sqlite3.Connection, run: int, file: int, generation: int, type_: str, time: str,
    outcome: str, detail: str, subject: str,
) -> int:  # fmt: skip
    raw, number = db.execute(
        "SELECT raw, (SELECT coalesce(max(number), 0) + 1 FROM events"
        " WHERE file = files.id AND generation = ?) FROM files WHERE id = ?",
        (generation, file),
    ).fetchone()
    name = uuid.uuid5(_NAMESPACE, f"{raw.hex()}/{generation}/{number}")
    cursor = db.execute(
        "INSERT INTO events (uuid, file, generation, number, type, time, outcome, detail,"
        " subject, run) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            str(name),
            file,
            generation,
            number,
            type_,
            time,
            outcome,
            storable(detail),
            subject,
            run,
        ),
    )
    return int(cursor.lastrowid or 0)


def _agent(db: sqlite3.Connection, agent: Agent) -> int:
    values = (storable(agent.name), storable(agent.version), storable(agent.note))
    db.execute("INSERT OR IGNORE INTO agents (name, version, note) VALUES (?,?,?)", values)
    row = db.execute(
        "SELECT id FROM agents WHERE name = ? AND version = ? AND note = ?", values
    ).fetchone()
    return int(row["id"])


def storable(value: str) -> str:
    """Return text that SQLite and XML can hold: what tools say may hold lone surrogates."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
