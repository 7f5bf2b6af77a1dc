# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stages and tools took, summed up by format and size.

One row per (stage, tool, PUID, size class, class of seconds), not one per file: six
measures a file would add 250 MB to the ledger of a million files, a tenth; these are some
thousand rows whatever the delivery, and reading them costs a run nothing. A class is a power
of two: `size_class` n holds sizes below 2**n bytes, `time_class` n seconds below 2**n ms.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.core.measuring import Measure


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stage (tool "") or a tool took of files of one format and size class.

    `seconds` and `cpu` are sums; `longest` seconds and `memory` bytes the largest of one.
    """

    stage: str
    tool: str
    puid: str
    size_class: int
    count: int
    seconds: float
    longest: float
    cpu: float
    memory: int


def size_class(size: int) -> int:
    """Return the power of two that a size in bytes lies below."""
    return size.bit_length()


def time_class(seconds: float) -> int:
    """Return the power of two that a time, in milliseconds, lies below."""
    return int(seconds * 1000).bit_length()


def add(db: sqlite3.Connection, puid: str | None, size: int, found: Iterable[Measure]) -> None:
    """Add what one file took, within the caller's transaction."""
    kind = size_class(size)
    db.executemany(
        "INSERT INTO measures VALUES (?,?,?,?,?,1,?,?,?,?) ON CONFLICT DO UPDATE SET"
        " count = count + 1, seconds = seconds + excluded.seconds,"
        " longest = max(longest, excluded.longest), cpu = cpu + excluded.cpu,"
        " memory = max(memory, excluded.memory)",
        [
            (
                one.stage, one.tool, puid or "", kind, time_class(one.seconds), one.seconds,
                one.seconds, one.cpu, one.memory,
            )
            for one in found
        ],
    )  # fmt: skip


def peak(found: Sequence[Measure]) -> int:
    """Return the bytes of memory that a file's measures tell at most."""
    return max((one.memory for one in found), default=0)


def taken(db: sqlite3.Connection) -> list[Taken]:
    """Return everything that was measured, the classes of time put together."""
    rows = db.execute(
        "SELECT stage, tool, puid, size_class, sum(count), sum(seconds), max(longest), sum(cpu),"
        " max(memory) FROM measures GROUP BY stage, tool, puid, size_class"
    )
    return [Taken(*row) for row in rows]


def waiting(db: sqlite3.Connection) -> Iterator[tuple[str | None, int]]:
    """Yield (PUID, size in bytes) of each file that is identified and not done."""
    for row in db.execute("SELECT puid, size FROM files WHERE state = 'surveyed'"):
        yield row["puid"], row["size"]
