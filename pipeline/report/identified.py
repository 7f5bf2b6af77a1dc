# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the files were identified, asked of the ledger.

Counts are SQLite's, in its own bounded memory: a thousand unknown files of one kind are
one line, and of a million kinds the commonest are listed.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, takewhile
from typing import Any

from pipeline.core.paths import extension
from pipeline.core.records import Agreement

EXAMPLES = 3
GROUPS = 200  # of conflicts and of unknown files; the CSV has every file
_NEAREST = 5
_EXTENSIONS = 5

_PRESENT = "files.id = i.file AND files.generation = i.generation"
# One engine's answer as text, its PUIDs with spaces between; NULL where it was not asked.
_ANSWER = (
    "(SELECT (SELECT group_concat(p.value, ' ') FROM json_each(o.value, '$.puids') AS p)"
    " FROM json_each(t.text) AS o WHERE o.value ->> '$.engine' = '{engine}' LIMIT 1)"
)
_BASIS = (
    "(SELECT o.value ->> '$.basis' FROM json_each(t.text) AS o"
    " WHERE o.value ->> '$.engine' = '{engine}' LIMIT 1)"
)
# Of the CSV: each engine's answer, and on what it rests. Files share what engines say: it
# is read out of the JSON once for all of them, into a table beside the ledger.
_COLUMNS = {
    f"{engine.lower()}_{name}": form.format(engine=engine)
    for engine in ("Siegfried", "FIDO")
    for name, form in (("puid", _ANSWER), ("basis", _BASIS))
}
ANSWERS = {name: f"said.{name}" for name in _COLUMNS}
_SAID = (
    f"CREATE TEMP TABLE said (id INTEGER PRIMARY KEY, {', '.join(_COLUMNS)});"
    f"INSERT INTO said SELECT t.id, {', '.join(_COLUMNS.values())} FROM shared_texts AS t"
    " WHERE t.kind = 'opinions'"
)

# The one pass over all identifications: few combinations, whatever the number of files.
_FACTS = (
    "SELECT i.agreement, i.basis, files.puid, i.encoding, i.line_ends, max(i.name) AS name,"
    " max(i.version) AS version, count(*) AS files, sum(files.size) AS bytes"
    f" FROM identifications AS i JOIN files ON {_PRESENT}"
    " GROUP BY i.agreement, i.basis, files.puid, i.encoding, i.line_ends"
)
_SIGNATURES = (
    "SELECT t.text, c.files FROM (SELECT i.opinions AS id, count(*) AS files"
    f" FROM identifications AS i JOIN files ON {_PRESENT} GROUP BY i.opinions) AS c"
    " JOIN shared_texts AS t ON t.id = c.id"
)
_CONFLICTS = (
    f"WITH found AS (SELECT {_ANSWER.format(engine='Siegfried')} AS siegfried,"
    f" {_ANSWER.format(engine='FIDO')} AS fido, files.puid, i.name, path"
    f" FROM identifications AS i JOIN files ON {_PRESENT}"
    " JOIN shared_texts AS t ON t.id = i.opinions WHERE i.conflict = 1),"
    " counted AS (SELECT *, count(*) OVER kind AS files,"
    " row_number() OVER (kind ORDER BY path) AS number FROM found"
    " WINDOW kind AS (PARTITION BY siegfried, fido, puid, name))"
    " SELECT * FROM counted WHERE number <= ?"
    " ORDER BY files DESC, siegfried, fido, puid, name, number LIMIT ?"
)
_UNKNOWN = f"identifications AS i JOIN files ON {_PRESENT}"
# With the second term SQLite sees that its index of unknown files holds them all.
_ALIKE = "i.clue_group = ? AND i.clue_group <> ''"
_GROUPS = (
    "SELECT i.clue_group, count(*) AS files, sum(files.size) AS bytes,"
    " min(i.clues ->> '$.entropy') AS lowest, max(i.clues ->> '$.entropy') AS highest,"
    " min(i.clues ->> '$.first') AS first_in_order, max(i.clues ->> '$.first') AS last_in_order"
    f" FROM {_UNKNOWN} WHERE i.clue_group <> ''"
    " GROUP BY i.clue_group ORDER BY files DESC, i.clue_group LIMIT ?"
)
_HOW_MANY_GROUPS = f"SELECT count(DISTINCT i.clue_group) FROM {_UNKNOWN} WHERE i.clue_group <> ''"


def gather(db: sqlite3.Connection) -> dict[str, Any]:
    """Return what the reports say of the identification, as plain data."""
    db.create_function("extension_of", 1, _extension_of, deterministic=True)
    facts = [dict(row) for row in db.execute(_FACTS)]
    order = {one.value: number for number, one in enumerate(Agreement)}
    weak = [one for one in facts if one["agreement"] == Agreement.WEAK.value and one["puid"]]
    return {
        "agreement": sorted(
            _summed(facts, "agreement"), key=lambda one: order[str(one["agreement"])]
        ),
        "signatures": _signatures(db),
        "conflicts": list(_conflicts(db)),
        "weak": _summed(weak, "puid", "basis"),
        "texts": _summed([one for one in facts if one["encoding"]], "encoding", "line_ends"),
        "unknown": _unknown(db, [one for one in facts if one["puid"] is None]),
    }


def answers(db: sqlite3.Connection) -> None:
    """Make the table `said` of this connection, from which `ANSWERS` comes."""
    for statement in _SAID.split(";"):
        db.execute(statement)


def _signatures(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return which signatures each engine used, and for how many files."""
    found: Counter[tuple[str, str, str]] = Counter()
    for opinions, files in db.execute(_SIGNATURES):
        for one in json.loads(opinions):
            if one["signatures"]:  # an engine that failed on a file used none
                found[one["engine"], one["version"], one["signatures"]] += files
    return [
        {"engine": engine, "version": version, "signatures": signatures, "files": files}
        # Siegfried before FIDO, as everywhere.
        for (engine, version, signatures), files in sorted(
            found.items(), key=lambda item: (item[0][0] != "Siegfried", item[0])
        )
    ]


def _summed(facts: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Return the files and bytes of facts that have the same values, most files first."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in facts:
        entry = found.setdefault(
            tuple(one[key] for key in keys),
            {
                **{key: one[key] for key in keys},
                "name": one["name"],
                "version": one["version"],
                "files": 0,
                "bytes": 0,
            },
        )
        entry["files"] += one["files"]
        entry["bytes"] += one["bytes"]
    if "puid" not in keys:
        for entry in found.values():
            del entry["name"], entry["version"]
    return sorted(found.values(), key=lambda one: (-one["files"], *(one[key] for key in keys)))


def _conflicts(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    keys = ("siegfried", "fido", "puid", "name", "files")
    rows = db.execute(_CONFLICTS, (EXAMPLES, EXAMPLES * GROUPS))
    for kind, same in groupby(rows, key=lambda row: tuple(row[key] for key in keys)):
        examples = [row["path"] for row in same]
        yield {**dict(zip(keys, kind, strict=True)), "examples": examples}


def _unknown(db: sqlite3.Connection, facts: list[dict[str, Any]]) -> dict[str, Any]:
    groups = db.execute(_GROUPS, (GROUPS,)).fetchall()
    return {
        "files": sum(one["files"] for one in facts),
        "bytes": sum(one["bytes"] for one in facts),
        "groups": int(db.execute(_HOW_MANY_GROUPS).fetchone()[0]),
        "listed": [_group(db, row) for row in groups],
    }


def _group(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    name = row["clue_group"]
    # Of what is sorted, the first and the last have in common what all have.
    ends = zip(row["first_in_order"], row["last_in_order"], strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    examples = db.execute(
        f"SELECT path FROM {_UNKNOWN} WHERE {_ALIKE} ORDER BY path LIMIT ?",
        (name, EXAMPLES),
    )
    nearest = db.execute(
        "SELECT n.value ->> '$.puid' AS puid, n.value ->> '$.name' AS name,"
        " n.value ->> '$.why' AS why, count(*) AS files"
        f" FROM {_UNKNOWN}, json_each(i.clues, '$.nearest') AS n WHERE {_ALIKE}"
        " GROUP BY 1, 2, 3 ORDER BY files DESC, min(n.key), puid LIMIT ?",
        (name, _NEAREST),
    )
    return {
        "group": name,
        "files": row["files"],
        "bytes": row["bytes"],
        **_commonest(db, name),
        "entropy": [row["lowest"], row["highest"]],
        "alike": alike // 2,
        "extensions": _extensions(db, name),
        "nearest": [dict(one) for one in nearest],
        "examples": [one["path"] for one in examples],
    }


def _commonest(db: sqlite3.Connection, group: str) -> dict[str, str]:
    """Return MIME type, description and first bytes that most files of a group have."""
    found = {}
    for key in ("mime", "description", "first"):
        row = db.execute(
            f"SELECT i.clues ->> '$.{key}' FROM {_UNKNOWN} WHERE {_ALIKE}"
            " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
            (group,),
        ).fetchone()
        found[key] = str(row[0])
    return found


def _extensions(db: sqlite3.Connection, group: str) -> list[str]:
    rows = db.execute(
        f"SELECT extension_of(path), count(*) FROM {_UNKNOWN} WHERE {_ALIKE}"
        " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
        (group, _EXTENSIONS),
    )
    return [str(row[0]) for row in rows]


def _extension_of(path: str) -> str:
    return extension(path.encode("utf-8"))
