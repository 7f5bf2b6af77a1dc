# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the reports say of signed documents, asked of the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from pipeline.core.signed import SignatureStatus

LISTED = 200  # rows of the list in HTML; signatures.csv has them all

_PRESENT = "s.file = files.id AND s.generation = files.generation"
_ORDER = {one.value: number for number, one in enumerate(SignatureStatus)}
# Worst first: what is cut off at the end of a long list is what needs nobody.
_RANK = " ".join(f"WHEN '{name}' THEN {-number}" for name, number in _ORDER.items())
_COUNTS = (
    "SELECT s.status, count(*) AS signatures, count(DISTINCT s.file) AS files"
    f" FROM signatures AS s JOIN files ON {_PRESENT} GROUP BY s.status"
)
_ALL = (
    "SELECT path, files.outcome, files.code, d.action, d.keep_original, m.output, m.accepted,"
    " s.number, s.field, s.kind, s.status, s.reason, s.signer, s.issuer, s.serial, s.time,"
    " s.time_source, s.subfilter, s.digest_algorithm, s.algorithm, s.intact, s.holds, s.trust,"
    f" s.coverage, s.changes, s.certification FROM signatures AS s JOIN files ON {_PRESENT}"
    " LEFT JOIN decisions AS d ON d.file = s.file AND d.generation = s.generation"
    " LEFT JOIN migrations AS m ON m.file = s.file AND m.generation = s.generation"
)


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


def rows(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Yield one row per signature, for the CSV."""
    for row in db.execute(f"{_ALL} ORDER BY path, s.number"):
        yield {key: "" if row[key] is None else row[key] for key in list(row.keys())}
