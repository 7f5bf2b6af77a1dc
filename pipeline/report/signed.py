# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the reports say of signed documents, asked of the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from pipeline.core.signed import SignatureStatus
from pipeline.report.table import Table, lines

LISTED = 200  # rows of the list in HTML; signatures.csv has them all

_PRESENT = "s.file = files.id AND s.generation = files.generation"
_ORDER = {one.value: number for number, one in enumerate(SignatureStatus)}
# Worst first: what is cut off at the end of a long list is what needs nobody.
_RANK = " ".join(f"WHEN '{name}' THEN {-number}" for name, number in _ORDER.items())
_COUNTS = (
    "SELECT s.status, count(*) AS signatures, count(DISTINCT s.file) AS files"
    f" FROM signatures AS s JOIN files ON {_PRESENT} GROUP BY s.status"
)
_COLUMNS = {
    "path": "path",
    **{name: f"files.{name}" for name in ("outcome", "code")},
    **{name: f"d.{name}" for name in ("action", "keep_original")},
    **{name: f"m.{name}" for name in ("output", "accepted")},
    **{
        name: f"s.{name}"
        for name in (
            "number", "field", "kind", "status", "reason", "signer", "issuer", "serial", "time",
            "time_source", "subfilter", "digest_algorithm", "algorithm", "intact", "holds",
            "trust", "coverage", "changes", "certification",
        )
    },
}  # fmt: skip
_FREE = frozenset(
    {
        "path", "output", "field", "reason", "signer", "issuer", "serial", "time", "subfilter",
        "digest_algorithm", "algorithm", "changes", "certification",
    }
)  # fmt: skip
_FROM = (
    f"signatures AS s JOIN files ON {_PRESENT}"
    " LEFT JOIN decisions AS d ON d.file = s.file AND d.generation = s.generation"
    " LEFT JOIN migrations AS m ON m.file = s.file AND m.generation = s.generation"
)
_ALL = f"SELECT {', '.join(_COLUMNS.values())} FROM {_FROM}"


def gather(db: sqlite3.Connection) -> dict[str, Any]:
    """Return counts by status, best first, and the list of signatures, worst first."""
    counts = [dict(row) for row in db.execute(_COUNTS)]
    (files,) = db.execute(
        f"SELECT count(DISTINCT s.file) FROM signatures AS s JOIN files ON {_PRESENT}"
    ).fetchone()
    query = f"{_ALL} ORDER BY CASE s.status {_RANK} END, path, s.number LIMIT ?"
    return {
        "files": files,
        "statuses": sorted(counts, key=lambda one: _ORDER[one["status"]]),
        "listed": [dict(row) for row in db.execute(query, (LISTED,))],
    }


def rows(db: sqlite3.Connection) -> Iterator[str]:
    """Yield one row per signature, by path, as CSV."""
    return lines(db, Table(_COLUMNS, _FREE, f"{_FROM} ORDER BY path, s.number"))
