# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the reports say, asked of the ledger; no words and no layout here."""

from __future__ import annotations

import json
import os
import sqlite3
import tomllib
from collections.abc import Iterator
from typing import Any

from pipeline.core.records import Outcome, now
from pipeline.ledger import queries
from pipeline.report import identified, signed
from pipeline.report.table import Table, lines

EXAMPLES = 3
LISTED = 500  # rows of a list in HTML; the CSV has them all

# "Done well": in SQL, the one outcome that needs nobody.
_GOOD = Outcome.OK.value
_PRESENT = "m.file = files.id AND m.generation = files.generation"


def gather(db: sqlite3.Connection) -> dict[str, Any]:
    """Return the whole report as plain data. Sizes in bytes."""
    head = db.execute("SELECT * FROM ledger").fetchone()
    runs = [dict(row) for row in db.execute(_RUNS)]
    state = queries.state(db)
    return {
        "generated": now(),
        "delivery": head["delivery"],
        "producer": head["producer"],
        "source": os.fsdecode(head["source"]).encode("utf-8", "backslashreplace").decode(),
        "runs": runs,
        "files": state["files"],
        "pending": state["pending"],
        "missing": state["missing"],
        "bytes": int(db.execute("SELECT coalesce(sum(size), 0) FROM files").fetchone()[0]),
        "outcomes": _outcomes(db),
        "formats": [dict(row) for row in db.execute(_FORMATS, (_GOOD, _GOOD))],
        "identification": identified.gather(db),
        "attention": _attention(db),
        "reasons": _reasons(db),
        "signed": signed.gather(db),
        "migrations": _migrations(db),
        "proof": [dict(row) for row in db.execute(_PROOF)],
        "migrated": _migrated(db),
        "mismatches": _listed(db, _MISMATCHES),
        "mismatch_count": int(db.execute(_MISMATCH_COUNT).fetchone()[0]),
        "noticed": _noticed(db),
        "duplicates": dict(db.execute(_DUPLICATES).fetchone()),
        "agents": [dict(row) for row in db.execute(_AGENTS)],
    }


_AGENTS = "SELECT name, version, note FROM agents ORDER BY name, version, note"
_RUNS = (
    "SELECT id, started, ended, status, policy_name, policy_sha256, workers, surveyed,"
    " processed, machine FROM runs ORDER BY id"
)
_FORMATS = (
    "SELECT files.puid, coalesce(max(i.name), '') AS name, coalesce(max(i.version), '') AS version,"
    " count(*) AS files, sum(files.size) AS bytes, count(m.file) AS migrated,"
    " count(*) FILTER (WHERE i.basis = 'extension') AS by_extension,"
    " count(*) FILTER (WHERE i.basis = 'text') AS by_text,"
    " count(*) FILTER (WHERE i.conflict = 1) AS in_conflict,"
    " count(*) FILTER (WHERE outcome = ?) AS good,"
    " count(*) FILTER (WHERE outcome IS NOT NULL AND outcome <> ?) AS attention"
    " FROM files LEFT JOIN identifications AS i"
    " ON i.file = files.id AND i.generation = files.generation"
    f" LEFT JOIN migrations AS m ON {_PRESENT} AND m.accepted"
    " GROUP BY files.puid ORDER BY count(*) DESC, files.puid"
)
_PROOF = (
    "SELECT c.property, count(*) AS files, sum(c.passed) AS passed, min(c.score) AS worst,"
    " avg(c.score) AS mean FROM checks AS c JOIN files"
    " ON files.id = c.file AND files.generation = c.generation"
    " GROUP BY c.property ORDER BY c.property"
)
_MISMATCHES = (
    "SELECT path, files.puid, i.name FROM files JOIN identifications AS i"
    " ON i.file = files.id AND i.generation = files.generation WHERE i.mismatch ORDER BY path"
)
_MISMATCH_COUNT = (
    "SELECT count(*) FROM files JOIN identifications AS i"
    " ON i.file = files.id AND i.generation = files.generation WHERE i.mismatch"
)
_DUPLICATES = (
    "SELECT count(*) AS contents, coalesce(sum(n - 1), 0) AS files, coalesce(sum((n - 1) * s), 0)"
    " AS bytes FROM (SELECT count(*) AS n, max(size) AS s FROM files"
    " WHERE sha256 IS NOT NULL AND size > 0 GROUP BY sha256 HAVING count(*) > 1)"
)


def _outcomes(db: sqlite3.Connection) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT outcome, count(*) AS files, sum(size) AS bytes FROM files"
        " WHERE outcome IS NOT NULL GROUP BY outcome ORDER BY count(*) DESC, outcome"
    )
    return [{**dict(row), "good": Outcome(row["outcome"]).good} for row in rows]


def _attention(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Group what needs a person by reason and format: a thousand of one kind are one line."""
    groups = db.execute(
        "SELECT outcome, code, files.puid, max(i.name) AS name, count(*) AS files,"
        " sum(files.size) AS bytes, max(d.rule) AS rule FROM files LEFT JOIN identifications AS i"
        " ON i.file = files.id AND i.generation = files.generation LEFT JOIN decisions AS d"
        " ON d.file = files.id AND d.generation = files.generation"
        " WHERE outcome IS NOT NULL AND outcome <> ? GROUP BY outcome, code, files.puid"
        " ORDER BY count(*) DESC, outcome, code, files.puid",
        (_GOOD,),
    ).fetchall()
    found = []
    for group in groups:
        examples = db.execute(
            "SELECT id, generation, path, detail FROM files WHERE outcome = ? AND code = ?"
            " AND puid IS ? ORDER BY path LIMIT ?",
            (group["outcome"], group["code"], group["puid"], EXAMPLES),
        ).fetchall()
        shown = [
            {"path": one["path"], "detail": one["detail"], "evidence": _evidence(db, one)}
            for one in examples
        ]
        found.append({**dict(group), "examples": shown})
    return found


def _evidence(db: sqlite3.Connection, file: sqlite3.Row) -> list[str]:
    """Return the pictures of a file's pages that differ: paths below the output folder."""
    rows = db.execute(
        "SELECT path FROM evidence WHERE file = ? AND generation = ? ORDER BY path",
        (file["id"], file["generation"]),
    )
    return [row["path"] for row in rows]


def _reasons(db: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Return, per rule of the last run's policy, why it says what it says, per language."""
    (text,) = db.execute("SELECT policy FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    return {
        rule["id"]: {"en": rule["reason"], "sv": rule.get("reason_sv") or rule["reason"]}
        for rule in tomllib.loads(text).get("rules", ())
    }


def _migrations(db: sqlite3.Connection) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT m.migrator, m.target, m.method, m.accepted, count(*) AS files,"
        " sum(files.size) AS before, sum(m.size) AS after, sum(m.seconds) AS seconds"
        f" FROM migrations AS m JOIN files ON {_PRESENT}"
        " GROUP BY m.migrator, m.target, m.method, m.accepted ORDER BY count(*) DESC, m.method"
    )
    return [dict(row) for row in rows]


def _migrated(db: sqlite3.Connection) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT files.id, files.generation, path, files.puid, files.size, m.method, m.output,"
        " m.size AS made_size, m.puid AS made_puid, m.sha256, m.accepted"
        f" FROM migrations AS m JOIN files ON {_PRESENT} ORDER BY path LIMIT ?",
        (LISTED,),
    ).fetchall()
    found = []
    for row in rows:
        checks = db.execute(
            "SELECT property, before, after, score, passed, note FROM checks"
            " WHERE file = ? AND generation = ? ORDER BY rowid",
            (row["id"], row["generation"]),
        )
        told = [dict(check) for check in checks]
        found.append({**dict(row), "checks": told, "evidence": _evidence(db, row)})
    return found


def _noticed(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Count what validators and migrators remarked on files, by code; errors are told above."""
    found: dict[str, dict[str, Any]] = {}
    queries_ = (
        "SELECT files.id, path, messages FROM validations AS m JOIN files"
        f" ON {_PRESENT} AND m.subject = 'source' WHERE messages <> '[]' ORDER BY path",
        f"SELECT files.id, path, messages FROM migrations AS m JOIN files ON {_PRESENT}"
        " WHERE messages <> '[]' ORDER BY path",
    )
    for query in queries_:
        for row in db.execute(query):
            told = {
                one["code"] for one in json.loads(row["messages"]) if one["severity"] == "warning"
            }
            for code in sorted(told):
                entry = found.setdefault(code, {"code": code, "files": 0, "examples": []})
                entry["files"] += 1
                if len(entry["examples"]) < EXAMPLES:
                    entry["examples"].append(row["path"])
    return sorted(found.values(), key=lambda entry: (-entry["files"], entry["code"]))


def _listed(db: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(f"{query} LIMIT ?", (LISTED,))]


def files(db: sqlite3.Connection) -> Iterator[str]:
    """Yield one row per file, by path, as CSV."""
    identified.answers(db)
    # Sorting numbers alone, not rows as long as these, which would go to the disk and back.
    db.execute("CREATE TEMP TABLE ordered AS SELECT id FROM files ORDER BY path")
    return lines(db, _FILES)


_OF_FILE = "file = files.id AND {0}.generation = files.generation"
_FILES = Table(
    columns={
        **{name: f"files.{name}" for name in ("path", "kind", "size", "sha256", "sha512", "puid")},
        "format": "i.name",
        **{name: f"i.{name}" for name in ("version", "mime", "basis", "engine", "agreement")},
        **identified.ANSWERS,
        "extension_mismatch": "i.mismatch",
        **{name: f"i.{name}" for name in ("conflict", "encoding", "line_ends", "clue_group")},
        **{name: f"files.{name}" for name in ("outcome", "code", "detail")},
        **{name: f"d.{name}" for name in ("action", "rule", "keep_original")},
        "signatures": "(SELECT group_concat(status, ' ') FROM signatures AS s"
        f" WHERE s.{_OF_FILE.format('s')})",
        **{name: f"m.{name}" for name in ("migrator", "method", "output")},
        **{f"output_{name}": f"m.{name}" for name in ("size", "sha256", "puid")},
        "same_as": "twin.path",
        "validation": "(SELECT group_concat(validator || '=' || verdict, ' ') FROM validations AS v"
        f" WHERE v.{_OF_FILE.format('v')} AND subject = 'source')",
        "seconds": "files.seconds",
        # A file's pictures lie in one folder.
        "evidence": "(SELECT rtrim(e.path, replace(e.path, '/', ''))"
        f" FROM evidence AS e WHERE e.{_OF_FILE.format('e')} LIMIT 1)",
    },
    free=frozenset(
        {"path", "clue_group", "detail", "rule", "method", "output", "same_as", "evidence"}
    ),
    rows="ordered CROSS JOIN files ON files.id = ordered.id LEFT JOIN identifications AS i"
    " ON i.file = files.id AND i.generation = files.generation"
    " LEFT JOIN said ON said.id = i.opinions"
    " LEFT JOIN decisions AS d ON d.file = files.id AND d.generation = files.generation"
    f" LEFT JOIN migrations AS m ON {_PRESENT}"
    " LEFT JOIN files AS twin ON twin.id = files.same_as ORDER BY ordered.rowid",
)
