# SPDX-License-Identifier: AGPL-3.0-or-later
"""A delivery made to measure: as many files as asked for, of a mix of formats, from a seed.

The same seed, mix and number give the same bytes (with the same Pillow and, for what it
stores, the same LibreOffice). Sizes are log-normal around the mean of each format, as those
of files are (A. Downey, "The structural cause of file size distributions", 2001), and come
to it together; a format whose smallest file is larger than that is as small as it can be.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.generator_makers import MAKERS, SCAN, SCAN_PUID, Maker, stand_in
from benchmarks.generator_mix import Row
from pipeline.core.errors import ConfigError

_SIGMA = 1.0  # of the logarithm of sizes: nine of ten between a sixth and five times the median
_FOLDER = 200  # files in one


@dataclass(frozen=True, slots=True)
class Made:
    """What was written. `asked`: PUID -> files; `stand_ins`: PUID -> PUID made instead, files."""

    files: int
    size: int
    asked: dict[str, int]
    made: dict[str, int]
    stand_ins: dict[str, tuple[str, int]]
    scans: int
    copies: int
    empty: int
    damaged: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as a result holds it; an unidentified format's PUID is ""."""
        return {
            "files": self.files,
            "bytes": self.size,
            "asked": self.asked,
            "made": self.made,
            "stand_ins": {
                puid: {"made": other, "files": count}
                for puid, (other, count) in self.stand_ins.items()
            },
            "scans": self.scans,
            "copies": self.copies,
            "empty": self.empty,
            "damaged": self.damaged,
        }


@dataclass(frozen=True, slots=True)
class _File:
    """One to be made: its format's row, its maker, its size, and what is done to it."""

    number: int
    row: int
    puid: str
    maker: Maker
    size: int


def make(
    folder: Path,
    files: int,
    seed: int,
    mix: Sequence[Row],
    *,
    copies: float = 0.05,
    empty: float = 0.002,
    damaged: float = 0.01,
    say: Callable[[int], None] = lambda number: None,
) -> Made:
    """Write a delivery of `files` files below `folder`, which is empty or does not exist.

    `copies`, `empty`, `damaged`: shares (0-1) of files that repeat an earlier one's content,
    have none, are cut in half. `say` is told each number that is written. Raises ConfigError.
    """
    if files < 1 or not mix or sum(row.share for row in mix) <= 0:
        raise ConfigError("a delivery is of one file at the least, and of one format")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: a delivery is made where nothing else is")
    planned = _planned(files, seed, mix)
    fates = _fates(planned, seed, copies, empty, damaged)
    size = 0
    for one in planned:
        fate = fates.get(one.number, "")
        source = planned[int(fate)] if fate.isdecimal() else one
        content = b"" if fate == "empty" else _content(source, seed)
        if fate == "damaged":
            content = content[: len(content) // 2]
        place = folder / f"del {one.number // _FOLDER:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"handling {one.number:06}.{one.maker.extension}").write_bytes(content)
        size += len(content)
        say(one.number + 1)
    return _told(planned, fates, mix, size)


def _content(one: _File, seed: int) -> bytes:
    # Of the file's number alone: what comes before it changes nothing.
    return one.maker.make(_random(seed, one.number), one.size)


def _random(seed: int, what: object) -> Random:
    return Random(f"{seed} {what}")  # noqa: S311 - the same numbers on every run


def _planned(files: int, seed: int, mix: Sequence[Row]) -> list[_File]:
    rows: list[tuple[int, int]] = []
    for number, (row, count) in enumerate(zip(mix, _counts(files, mix), strict=True)):
        rows += [(number, size) for size in _sizes(row.mean, count, _random(seed, f"row {number}"))]
    _random(seed, "order").shuffle(rows)
    makers = [
        (SCAN_PUID, SCAN) if row.scan else (puid, MAKERS[puid])
        for row, puid in ((row, stand_in(row.puid)) for row in mix)
    ]
    return [_File(number, row, *makers[row], size) for number, (row, size) in enumerate(rows)]


def _counts(files: int, mix: Sequence[Row]) -> list[int]:
    """Return how many files of each row there are, by the largest remainders."""
    every = sum(row.share for row in mix)
    exact = [files * row.share / every for row in mix]
    found = [math.floor(one) for one in exact]
    behind = sorted(range(len(mix)), key=lambda at: (found[at] - exact[at], at))
    for at in behind[: files - sum(found)]:
        found[at] += 1
    return found


def _sizes(mean: float, count: int, rng: Random) -> list[int]:
    """Return `count` sizes in bytes, log-normal, whose mean is the one asked for."""
    found = [rng.lognormvariate(0.0, _SIGMA) for _ in range(count)]
    scale = mean * count / sum(found) if found else 0.0
    return [max(round(one * scale), 1) for one in found]


def _fates(
    planned: Sequence[_File], seed: int, copies: float, empty: float, damaged: float
) -> dict[int, str]:
    """Return number -> "empty", "damaged", or the number of the earlier file it repeats.

    A copy is of the same row of the mix, so that the mix stays what it is, and of a file
    that nothing else was done to.
    """
    rng = _random(seed, "fates")
    numbers = list(range(len(planned)))
    rng.shuffle(numbers)
    found: dict[int, str] = {}
    for fate, share in (("empty", empty), ("damaged", damaged)):
        for _ in range(round(share * len(planned))):
            if numbers:
                found[numbers.pop()] = fate
    first: dict[int, int] = {}
    for one in planned:
        if one.number not in found:
            first.setdefault(one.row, one.number)
    wanted = round(copies * len(planned))
    for number, source in _repeats(numbers, planned, first):
        if wanted <= 0:
            break
        found[number] = str(source)
        wanted -= 1
    return found


def _repeats(
    numbers: Sequence[int], planned: Sequence[_File], first: dict[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield (file, the first of its row), but for those that are the first themselves."""
    for number in numbers:
        source = first[planned[number].row]
        if source != number:
            yield number, source


def _told(planned: Sequence[_File], fates: dict[int, str], mix: Sequence[Row], size: int) -> Made:
    asked: Counter[str] = Counter(mix[one.row].puid for one in planned)
    made: Counter[str] = Counter(one.puid for one in planned)
    instead: dict[str, tuple[str, int]] = {}
    for one in planned:
        wanted = mix[one.row].puid
        if wanted != one.puid:
            instead[wanted] = (one.puid, instead.get(wanted, ("", 0))[1] + 1)
    said = Counter("copy" if fate.isdecimal() else fate for fate in fates.values())
    return Made(
        files=len(planned), size=size, asked=dict(sorted(asked.items())),
        made=dict(sorted(made.items())), stand_ins=dict(sorted(instead.items())),
        scans=sum(mix[one.row].scan for one in planned), copies=said["copy"],
        empty=said["empty"], damaged=said["damaged"],
    )  # fmt: skip
