# SPDX-License-Identifier: AGPL-3.0-or-later
"""The skeleton of a TIFF file: every directory and the place of every strip and tile.

Decoders stop silently at a directory that lies beyond the end of the file, and so take a
truncated document of ten pages for a whole one of three. This reads the chain itself.
TIFF 6.0 (Adobe, 1992), sections 2, 3 and 15; BigTIFF (libtiff, 2007).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

# Field type -> (size in bytes, struct code); TIFF 6.0 page 15, TIFF Tech Note 1, BigTIFF.
_TYPES = {
    1: (1, "B"), 2: (1, "s"), 3: (2, "H"), 4: (4, "I"), 5: (8, ""), 6: (1, "b"), 7: (1, "s"),
    8: (2, "h"), 9: (4, "i"), 10: (8, ""), 11: (4, "f"), 12: (8, "d"), 13: (4, "I"),
    16: (8, "Q"), 17: (8, "q"), 18: (8, "Q"),
}  # fmt: skip
_SUB_IFDS = {330: "SubIFDs", 34665: "Exif", 34853: "GPS", 40965: "Interoperability"}
_MAX_PAGES = 100_000
# Values longer than this are only located, unless they say where the pixels are.
_VALUE_LIMIT = 65536
_BLOCK_TAGS = frozenset({273, 279, 324, 325})

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
SAMPLES, ROWS, PLANAR, X_RESOLUTION, UNIT = 277, 278, 284, 282, 296
TILE_WIDTH, TILE_HEIGHT, JPEG_OFFSET, JPEG_LENGTH = 322, 323, 513, 514
XMP, ICC, EXIF, GPS, ORIENTATION = 700, 34675, 34665, 34853, 274


class Truncated(Exception):  # noqa: N818 - a condition, never seen outside this module
    """Something lies beyond the end of the file."""


@dataclass(slots=True)
class Ifd:
    """One directory: the integer values of its tags, and which tags it has.

    `places` gives offset and length in bytes of every value; `below` the directories for
    Exif, GPS and the like by their tag.
    """

    offset: int
    values: dict[int, tuple[int, ...]] = field(default_factory=dict)
    present: set[int] = field(default_factory=set)
    rational: dict[int, float] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    below: dict[int, Ifd] = field(default_factory=dict)

    def one(self, tag: int, default: int = 0) -> int:
        """Return the first value of a tag."""
        values = self.values.get(tag, ())
        return values[0] if values else default


@dataclass(slots=True)
class Structure:
    """All of a file: pages in the order of the chain, directories below them, problems.

    A problem is a message code and a detail. `extent` is the offset in bytes after the
    last byte that anything refers to.
    """

    big: bool = False
    size: int = 0
    extent: int = 0
    pages: list[Ifd] = field(default_factory=list)
    others: list[Ifd] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


def read(path: Path) -> Structure:
    """Walk every directory of a file. Raises OSError; problems are in the result."""
    with path.open("rb") as stream:
        return _Walk(stream).run()


class _Walk:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._order = "<"
        self._seen: set[int] = set()
        self._result = Structure(size=os.fstat(stream.fileno()).st_size)

    def run(self) -> Structure:
        head = self._stream.read(16)
        self._order = ">" if head[:2] == b"MM" else "<"
        magic = struct.unpack(self._order + "H", head[2:4])[0] if len(head) >= 8 else 0
        if head[:2] not in (b"II", b"MM") or magic not in (42, 43):
            self._problem("image.truncated" if len(head) < 8 else "tiff.header", "no TIFF header")
            return self._result
        self._result.big = magic == 43
        try:
            start = self._number(8, "Q") if self._result.big else self._number(4, "I")
            self._chain(start)
        except Truncated as error:
            self._problem("image.truncated", str(error))
        if not self._result.pages and not self._result.problems:
            self._problem("tiff.header", "no page")
        return self._result

    def _chain(self, offset: int) -> None:
        while offset:
            if offset in self._seen:
                self._problem("tiff.loop", f"the directory at {offset} is linked to twice")
                return
            if len(self._result.pages) >= _MAX_PAGES:
                self._problem("tiff.loop", f"more than {_MAX_PAGES} pages")
                return
            ifd, offset = self._directory(offset)
            self._result.pages.append(ifd)
            self._below(ifd)

    def _below(self, ifd: Ifd) -> None:
        pending = [ifd]
        while pending:
            current = pending.pop()
            for tag, name in _SUB_IFDS.items():
                for offset in current.values.get(tag, ()):
                    if offset in self._seen or offset == 0:
                        continue
                    try:
                        below, _ = self._directory(offset)
                    except Truncated as error:
                        self._problem("image.truncated", f"{name}: {error}")
                        continue
                    self._result.others.append(below)
                    current.below.setdefault(tag, below)
                    pending.append(below)

    def _directory(self, offset: int) -> tuple[Ifd, int]:
        self._seen.add(offset)
        big = self._result.big
        count = self._number(offset, "Q" if big else "H")
        entry_size, start = (20, offset + 8) if big else (12, offset + 2)
        if start + count * entry_size > self._result.size:
            raise Truncated(f"directory at {offset} with {count} entries")
        table = self._bytes(start, count * entry_size)
        ifd = Ifd(offset)
        for position in range(0, len(table), entry_size):
            self._entry(ifd, table[position : position + entry_size], start + position)
        after = start + count * entry_size
        return ifd, self._number(after, "Q" if big else "I")

    def _entry(self, ifd: Ifd, entry: bytes, place: int) -> None:
        big = self._result.big
        tag, kind = struct.unpack(self._order + "HH", entry[:4])
        count = struct.unpack(self._order + ("Q" if big else "I"), entry[4 : 12 if big else 8])[0]
        ifd.present.add(tag)
        if kind not in _TYPES:
            # Readers shall skip fields of a type they do not know (TIFF 6.0, page 16).
            return
        size, code = _TYPES[kind]
        inline = 8 if big else 4
        where = place + (12 if big else 8)
        if size * count > inline:
            where = self._number(where, "Q" if big else "I")
            if where + size * count > self._result.size:
                self._problem(
                    "image.truncated",
                    f"the value of tag {tag} at {where}, {size * count} bytes long",
                )
                return
            self._result.extent = max(self._result.extent, where + size * count)
        ifd.places[tag] = (where, size * count)
        if size * count > _VALUE_LIMIT and tag not in _BLOCK_TAGS:
            return
        data = self._bytes(where, size * count)
        if kind == 5 and count:
            above, below = struct.unpack(self._order + "II", data[:8])
            ifd.rational[tag] = above / below if below else 0.0
        elif code in ("B", "H", "I", "Q") and count:
            ifd.values[tag] = struct.unpack(f"{self._order}{count}{code}", data)

    def _number(self, offset: int, code: str) -> int:
        size = struct.calcsize("=" + code)
        return int(struct.unpack(self._order + code, self._bytes(offset, size))[0])

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset + size > self._result.size:
            raise Truncated(f"{size} bytes at {offset}; the file has {self._result.size}")
        self._stream.seek(offset)
        data = self._stream.read(size)
        self._result.extent = max(self._result.extent, offset + size)
        return data

    def _problem(self, code: str, detail: str) -> None:
        self._result.problems.append((code, detail))
