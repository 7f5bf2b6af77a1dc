# SPDX-License-Identifier: AGPL-3.0-or-later
"""Make format_registry/risk.csv from NARA's risk matrix and preservation action plans.

Both are CSV files of the U.S. National Archives' Digital Preservation Framework. The same
two files always give the same table. Afterwards bring format_registry/risk.toml up to date
by hand: the date, and the hashes that this program prints.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import re
import sys
from pathlib import Path

COLUMNS = ("puid", "level", "rating", "action", "plan", "nara_id", "nara_name", "category")
_TABLE = Path(__file__).resolve().parent.parent / "format_registry" / "risk.csv"
_EXAMPLE = """example:
  python tools/make_risk_table.py risk-matrix-20260320.csv action-plans-20260320.csv
"""
# PRONOM's other kinds (x-cmp, chr: compressions, character sets) name no format.
_PUID = re.compile(r"\b(?:x-)?fmt/[1-9][0-9]*", re.IGNORECASE)
_LEVELS = {"Low Risk": "low", "Moderate Risk": "moderate", "High Risk": "high"}


class TableError(Exception):
    """The two files are not what this program can read, or contradict each other."""


def main() -> int:
    """Read the command line, write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("matrix", type=Path, help="NARA's risk matrix (CSV)")
    parser.add_argument("plans", type=Path, help="NARA's preservation action plans (CSV)")
    parser.add_argument("--out", type=Path, default=_TABLE, help="where to (default: %(default)s)")
    given = parser.parse_args()
    try:
        rows = table(read(given.matrix), read(given.plans))
        given.out.write_text(text(rows), encoding="utf-8", newline="")
    except (TableError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    formats = len({row["puid"] for row in rows})
    sys.stderr.write(f"{given.out}: {len(rows)} lines, {formats} PUIDs\n")
    for name, path in (("matrix_sha256", given.matrix), ("plans_sha256", given.plans)):
        sys.stderr.write(f'{name} = "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n')
    return 0


def read(path: Path) -> dict[str, dict[str, str]]:
    """Return a file's rows by NARA's format ID, runs of blanks made one."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = [
            # The matrix names "Risk Level" twice; a dict keeps one, and both say the same.
            {key: " ".join((value or "").split()) for key, value in row.items() if key}
            for row in csv.DictReader(stream)
        ]
    if not rows or "NARA Format ID" not in rows[0]:
        raise TableError(f"{path}: there is no column 'NARA Format ID'")
    found = {row["NARA Format ID"]: row for row in rows}
    if len(found) != len(rows):
        raise TableError(f"{path}: a NARA Format ID stands there twice")
    return found


def table(
    matrix: dict[str, dict[str, str]], plans: dict[str, dict[str, str]]
) -> list[dict[str, str]]:
    """Return one row per PUID and NARA format, in order."""
    if odd := sorted(matrix.keys() ^ plans.keys()):
        raise TableError(f"in one file only: {', '.join(odd)}; are they of the same date?")
    rows = []
    for number, plan in plans.items():
        risk = matrix[number]
        try:
            if risk["Risk Level"] != plan["NARA Risk Level"]:
                raise TableError(f"{number}: the two files tell different risk levels")
            row = {
                "level": _LEVELS[risk["Risk Level"]],
                "rating": f"{float(risk['Numeric Risk Rating']):g}",
                "action": plan["NARA Preservation Action"],
                "plan": plan["NARA Proposed Preservation Plan"],
                "nara_id": number,
                "nara_name": plan["Format Name"],
                "category": plan["Category/Plan(s)"],
            }
            puids = {one.lower() for one in _PUID.findall(plan["PRONOM URL"])}
        except (KeyError, ValueError) as error:
            raise TableError(f"{number}: {error} is not known to this program") from error
        rows.extend({"puid": puid, **row} for puid in puids)
    return sorted(rows, key=_order)


def text(rows: list[dict[str, str]]) -> str:
    """Return the table as CSV."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _order(row: dict[str, str]) -> tuple[str, int, str]:
    kind, _, number = row["puid"].partition("/")
    return kind, int(number), row["nara_id"]


if __name__ == "__main__":
    sys.exit(main())
