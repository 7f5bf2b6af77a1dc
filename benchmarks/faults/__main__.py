# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fault table: what is done to runs of the real command, and what becomes of the files.

    python -m benchmarks.faults [--times 3] [--only NAME ...] [--jobs 1] [--json]
        [--out FOLDER] [--page FILE]

Each attempt is a delivery of its own in a folder of its own, the real `skanearkiv run`, a
fault that is seen to happen, the same command again where it ended the run, and a
comparison of the ledger and the outputs on disk with those of an undisturbed run. Exit
code 1 if anything differs from what is expected, or could not be done here. As root
everything can be done: some rows mount a small tmpfs or make folders immutable.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.faults.catalogue import ROWS
from benchmarks.faults.model import Attempt, Row
from benchmarks.faults.work import Table

_MARKS = ("<!-- table -->", "<!-- end of table -->")


def cells(row: Row, attempts: list[Attempt]) -> list[str]:
    """Return a row of the table; different findings of its attempts stand beside each other."""
    got = " / ".join(dict.fromkeys(one.got for one in attempts))
    right = sum(one.right(row) for one in attempts)
    counts = [
        str(sum(getattr(one, name) for one in attempts)) for name in ("lost", "twice", "blamed")
    ]
    slowest = max((one.seconds for one in attempts), default=0.0)
    return [row.name, row.what, row.expected, got, *counts, f"{right}/{len(attempts)}",
            f"{slowest:.0f}"]  # fmt: skip


HEAD = ("fault", "what is done", "expected", "got", "files lost", "events twice",
        "innocents blamed", "as expected", "s")  # fmt: skip


def table(found: list[tuple[Row, list[Attempt]]]) -> str:
    """Return the table in Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    lines += [f"| {' | '.join(cells(row, attempts))} |" for row, attempts in found]
    return "\n".join(lines)


def as_data(row: Row, attempts: list[Attempt]) -> dict[str, object]:
    """Return a row for JSON."""
    return {
        "fault": row.name, "what": row.what, "expected": row.expected,
        "right": sum(one.right(row) for one in attempts),
        "attempts": [
            {"got": one.got, "lost": one.lost, "twice": one.twice, "blamed": one.blamed,
             "seconds": round(one.seconds, 1), "detail": one.detail}
            for one in attempts
        ],
    }  # fmt: skip


def told(data: dict[str, Any]) -> str:
    """Return when and where a table was made."""
    times, cores, machine = (data[one] for one in ("times", "cores", "machine"))
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, each row {times} times, {cores} cores, {machine}."


def put(page: Path, text: str) -> None:
    """Exchange what stands between the marks of a page. Raises ValueError without them."""
    before, first, rest = page.read_text(encoding="utf-8").partition(_MARKS[0])
    _, last, after = rest.partition(_MARKS[1])
    if not (first and last):
        raise ValueError(f"{page} has no lines {' and '.join(_MARKS)}")
    whole = f"{before}{first}\n{text}\n{last}{after}"
    page.write_text(whole, encoding="utf-8")


def main() -> None:
    """Make the table, as Markdown or JSON, and `faults.json` in --out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=3, help="attempts at each row")
    parser.add_argument("--only", nargs="*", default=[], help="rows whose name has this in it")
    parser.add_argument("--jobs", type=int, default=1, help="attempts at the same time")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--out", type=Path, help="folder for faults.json")
    parser.add_argument("--page", type=Path, help="Markdown page to put the table into")
    asked = parser.parse_args()
    # A shell that starts this in the background has it ignore Ctrl-C, and all it starts with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rows = [one for one in ROWS if not asked.only or any(word in one.name for word in asked.only)]
    if not rows or asked.times < 1:
        parser.error("no row has such a name, or no attempt is asked for")
    with Table(rows, asked.times, asked.jobs, lambda text: print(text, file=sys.stderr)) as made:
        found = made.found()
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    data = {
        "times": asked.times, "machine": machine, "cores": len(os.sched_getaffinity(0)),
        "rows": [as_data(row, attempts) for row, attempts in found],
    }  # fmt: skip
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(data, ensure_ascii=False, indent=1)
        (asked.out / "faults.json").write_text(text + "\n", encoding="utf-8")
    if asked.page:
        put(asked.page, f"{told(data)}\n\n{table(found)}")
    print(json.dumps(data, ensure_ascii=False, indent=1) if asked.json else table(found))
    wrong = [row.name for row, attempts in found if not all(one.right(row) for one in attempts)]
    if wrong:
        print(f"not as expected: {', '.join(wrong)}", file=sys.stderr)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
