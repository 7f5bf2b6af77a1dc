# SPDX-License-Identifier: AGPL-3.0-or-later
"""Directory entries of TIFF and Exif, carried over byte for byte. TIFF 6.0, section 2.

Entries are kept as they are, type and all: a library's idea of their values is not asked.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

# Field type -> (size of a value, size of the number within it that has a byte order).
_TYPES = {
    1: (1, 1), 2: (1, 1), 3: (2, 2), 4: (4, 4), 5: (8, 4), 6: (1, 1), 7: (1, 1), 8: (2, 2),
    9: (4, 4), 10: (8, 4), 11: (4, 4), 12: (8, 8), 13: (4, 4), 16: (8, 8), 17: (8, 8), 18: (8, 8),
}  # fmt: skip
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
SUB_IFDS = (EXIF, GPS, INTEROPERABILITY)
_DEPTH = 4
_VALUE_LIMIT = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """Type, number of values, and the values as little-endian bytes."""

    kind: int
    count: int
    data: bytes

    def numbers(self) -> tuple[int, ...]:
        """Return the values of an unsigned integer type; nothing for any other."""
        code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(self.kind)
        return struct.unpack(f"<{self.count}{code}", self.data) if code else ()


Directory = dict[int, "Entry | Directory"]


def short(*values: int) -> Entry:
    """Return values as 16-bit numbers."""
    return Entry(3, len(values), struct.pack(f"<{len(values)}H", *values))


def long(*values: int) -> Entry:
    """Return values as 32-bit numbers."""
    return Entry(4, len(values), struct.pack(f"<{len(values)}I", *values))


def blob(data: bytes, kind: int = 7) -> Entry:
    """Return bytes as they are."""
    return Entry(kind, len(data), data)


def rational(above: int, below: int) -> Entry:
    """Return a fraction."""
    return Entry(5, 1, struct.pack("<II", above, below))


def read(stream: BinaryIO, skipped: list[int] | None = None) -> list[Directory]:
    """Return every directory of the chain, those for Exif and GPS within theirs.

    Raises ValueError or struct.error for what is not TIFF or is cut off. With a list in
    `skipped`, the tags of entries that cannot be read are put there instead.
    """
    head = stream.read(8)
    if head[:2] not in (b"II", b"MM"):
        raise ValueError("no TIFF header")
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    size = stream.seek(0, os.SEEK_END)
    reader = _Reader(stream, order, size, skipped, big=big)
    offset = reader.number(8 if big else 4, "Q" if big else "I")
    chain: list[Directory] = []
    seen: set[int] = set()
    while offset and offset not in seen:
        seen.add(offset)
        directory, offset = reader.directory(offset, _DEPTH)
        chain.append(directory)
    return chain


class _Reader:
    def __init__(
        self, stream: BinaryIO, order: str, size: int, skipped: list[int] | None, *, big: bool
    ) -> None:
        self._stream, self._order, self._size, self._big = stream, order, size, big
        self._skipped = skipped

    def number(self, offset: int, code: str) -> int:
        data = self._bytes(offset, struct.calcsize("=" + code))
        return int(struct.unpack(self._order + code, data)[0])

    def directory(self, offset: int, depth: int) -> tuple[Directory, int]:
        wide = "Q" if self._big else "I"
        width, start = (20, offset + 8) if self._big else (12, offset + 2)
        count = self.number(offset, "Q" if self._big else "H")
        found: Directory = {}
        for place in range(start, start + count * width, width):
            tag, kind = struct.unpack(self._order + "HH", self._bytes(place, 4))
            if kind not in _TYPES:
                continue
            try:
                entry = self._entry(place + 4, kind, wide)
                below = entry.numbers()
                if tag in SUB_IFDS and depth and len(below) == 1 and 0 < below[0] < self._size:
                    found[tag] = self.directory(below[0], depth - 1)[0]
                else:
                    found[tag] = entry
            except (ValueError, struct.error):
                if self._skipped is None:
                    raise
                self._skipped.append(tag)
        after = start + count * width
        # An Exif block may end without the pointer to a next directory.
        more = after + struct.calcsize("=" + wide) <= self._size
        return found, self.number(after, wide) if more else 0

    def _entry(self, place: int, kind: int, wide: str) -> Entry:
        inline = struct.calcsize("=" + wide)
        count = self.number(place, wide)
        size, unit = _TYPES[kind]
        where = place + inline
        if size * count > inline:
            where = self.number(where, wide)
        data = self._bytes(where, size * count)
        if unit > 1 and self._order == ">":
            data = np.frombuffer(data, f">u{unit}").astype(f"<u{unit}").tobytes()
        return Entry(kind, count, data)

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset + size > self._size or size > _VALUE_LIMIT:
            raise ValueError(f"{size} bytes at {offset} of {self._size}")
        self._stream.seek(offset)
        return self._stream.read(size)
