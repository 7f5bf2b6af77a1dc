# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long a compound file must be, by its own allocation table. [MS-CFB] 2.2 to 2.6."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LAST_SECTOR = 0xFFFFFFFA  # larger numbers are marks: free, end of chain, table
_FREE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Extent:
    """`full`: bytes up to the end of the last sector in use; `needed`: what must be there.

    They differ by what may be padding: less than a sector, at the end of a stream.
    """

    full: int
    needed: int


def read(path: Path) -> Extent:
    """Return a compound file's extent. Raises ValueError, struct.error, OSError."""
    with path.open("rb") as stream:
        header = stream.read(512)
        shift = struct.unpack_from("<H", header, 30)[0]
        if shift not in (9, 12):
            raise ValueError(f"sectors of 2^{shift} bytes")
        sector = 1 << shift
        tables = _tables(stream, header, sector)
        fat = array("I")
        for number in tables:
            fat.frombytes(_sector(stream, number, sector))
    last = max((i for i, entry in enumerate(fat) if entry != _FREE), default=0)
    directory, mini = (
        struct.unpack_from("<I", header, 48)[0],
        struct.unpack_from("<I", header, 60)[0],
    )
    structural = {*tables, *chain(fat, directory), *chain(fat, mini)}
    start = sector * (last + 1)  # the header takes one sector
    return Extent(start + sector, start + sector if last in structural else start + 1)


def _tables(stream: BinaryIO, header: bytes, sector: int) -> list[int]:
    """Return the numbers of the sectors that hold the allocation table."""
    count, following = (
        struct.unpack_from("<I", header, 44)[0],
        struct.unpack_from("<I", header, 68)[0],
    )
    numbers = list(struct.unpack_from("<109I", header, 76))
    seen: set[int] = set()
    while following < _LAST_SECTOR and following not in seen:
        seen.add(following)
        entries = struct.unpack(f"<{sector // 4}I", _sector(stream, following, sector))
        numbers.extend(entries[:-1])
        following = entries[-1]
    return [number for number in numbers[: max(count, 109)] if number < _LAST_SECTOR][:count]


def _sector(stream: BinaryIO, number: int, sector: int) -> bytes:
    stream.seek(sector * (number + 1))
    data = stream.read(sector)
    if len(data) < sector:
        raise ValueError(f"the allocation table lies beyond the end, in sector {number}")
    return data


def chain(fat: Sequence[int], start: int) -> set[int]:
    """Return the sectors of a stream, up to its end or to where it goes in a circle."""
    found: set[int] = set()
    while start < len(fat) and start not in found:
        found.add(start)
        start = fat[start]
    return found
