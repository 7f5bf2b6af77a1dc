# SPDX-License-Identifier: AGPL-3.0-or-later
r"""Named streams of an OLE2 compound file ([MS-CFB]), read as far as signatures ask.

olefile reads the whole allocation table and makes an object of every directory entry:
0.7 ms for a document of a dozen streams, most of what its identification took. Here the
table is read where a chain leads, names are kept and nothing else, and every walk is
bounded. The tests compare both on real files.

Names that begin with a control character, such as `\x01CompObj`, are known to PRONOM's
signatures without it, as DROID gives them.
"""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Iterator

from format_registry.fido.windows import Windows

_HEADER = struct.Struct("<24x2H H2H 6x 4x 2L 4x 5L 109L")
_ENTRY = struct.Struct("<64s H B x 3L 36x 2L 4x")
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_LAST = 0xFFFFFFFA  # sector numbers from here on are marks ([MS-CFB] 2.1)
_MINI = 64
# 65,536 entries; what lies behind them is not looked at.
_LARGEST_DIRECTORY = 8 << 20


class BrokenOleError(ValueError):
    """What looks like a compound file cannot be read as one."""


class OleParts:
    """The streams and storages of a compound file. Raises BrokenOleError, OSError."""

    def __init__(self, descriptor: int, windows: Windows) -> None:
        self._descriptor, self._size = descriptor, windows.size
        # A small file is in memory already.
        self._data = windows.head if len(windows.head) == windows.size else None
        head = windows.head[: _HEADER.size]
        if len(head) < _HEADER.size:
            raise BrokenOleError("shorter than its header")
        (
            _minor, _major, order, shift, mini, _tables, directory, self._cutoff, self._first_mini,
            _minis, difat, _difats, *tables,
        ) = _HEADER.unpack(head)  # fmt: skip
        if order != 0xFFFE or shift not in (9, 12) or mini != 6:
            raise BrokenOleError(f"sectors of 2**{shift} and 2**{mini} bytes")
        self._sector = 1 << shift
        self._tables = [one for one in tables if one < _LAST]
        self._difat = difat
        self._kept: dict[int, array[int]] = {}
        self._streams: dict[str, tuple[int, int]] = {}
        self._root: tuple[int, int] = (_LAST, 0)
        self._mini_table: bytes | None = None
        self._mini_places: list[int] | None = None
        self._read_directory(directory)

    @property
    def names(self) -> frozenset[str]:
        """Paths of all streams and storages."""
        return frozenset(self._streams)

    def read(self, name: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a stream; less of a broken one, b"" of a storage."""
        start, size = self._streams[name]
        limit = min(limit, size)
        if size >= self._cutoff:
            return self._read_chain(start, limit)
        return self._read_mini(start, limit)

    def _read_directory(self, start: int) -> None:
        raw = self._read_chain(start, _LARGEST_DIRECTORY)
        count = len(raw) // _ENTRY.size
        entries = [_ENTRY.unpack_from(raw, number * _ENTRY.size) for number in range(count)]
        if not entries or entries[0][2] != _ROOT:
            raise BrokenOleError("no root entry")
        self._root = entries[0][6], entries[0][7]
        pending = [(entries[0][5], "", "")]
        seen: set[int] = set()
        while pending:
            number, path, plain = pending.pop()
            if number >= count or number in seen:
                continue
            seen.add(number)
            name, length, kind, left, right, child, begin, size = entries[number]
            pending += [(left, path, plain), (right, path, plain)]
            if kind not in (_STORAGE, _STREAM):
                continue
            shown = name[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            bare = shown[1:] if shown[:1] and ord(shown[0]) < 32 else shown
            place = (begin, size) if kind == _STREAM else (_LAST, 0)
            self._streams.setdefault(path + shown, place)
            self._streams.setdefault(plain + bare, place)
            if kind == _STORAGE:
                pending.append((child, f"{path}{shown}/", f"{plain}{bare}/"))

    def _chain(self, sector: int, limit: int) -> Iterator[int]:
        """Yield the sectors of a chain, as many as `limit` bytes take."""
        for _ in range(-(-limit // self._sector)):
            if sector >= _LAST or sector * self._sector >= self._size:
                return
            yield sector
            sector = self._next(sector)

    def _next(self, sector: int) -> int:
        number, place = divmod(sector, self._sector // 4)
        table = self._kept.get(number)
        if table is None:
            table = self._kept[number] = self._table(number)
        return table[place] if place < len(table) else _LAST

    def _table(self, number: int) -> array[int]:
        """Return a sector of the allocation table; empty where there is none."""
        # The header has room for 109 tables; further ones are in a chain of their own.
        last = self._sector // 4 - 1
        while number >= len(self._tables) and self._difat < _LAST:
            more = array("I", self._at(self._difat))
            if len(more) <= last or len(self._tables) * self._sector > self._size:
                break
            self._tables += [one for one in more[:last] if one < _LAST]
            self._difat = more[last]
        if number >= len(self._tables):
            return array("I")
        raw = self._at(self._tables[number])
        return array("I", raw[: len(raw) // 4 * 4])

    def _at(self, sector: int) -> bytes:
        offset = (sector + 1) * self._sector
        if self._data is not None:
            return self._data[offset : offset + self._sector]
        return os.pread(self._descriptor, self._sector, offset) if offset < self._size else b""

    def _read_chain(self, start: int, limit: int) -> bytes:
        return b"".join(self._at(one) for one in self._chain(start, limit))[:limit]

    def _read_mini(self, start: int, limit: int) -> bytes:
        """Read a small stream: its 64-byte sectors lie in the root entry's stream."""
        if self._mini_table is None or self._mini_places is None:
            begin, size = self._root
            self._mini_places = list(self._chain(begin, min(size, self._size)))
            self._mini_table = self._read_chain(self._first_mini, min(size // 16 + 4, self._size))
        per, found, sector = self._sector // _MINI, [], start
        for _ in range(-(-limit // _MINI)):
            place, inner = divmod(sector, per)
            if sector >= _LAST or place >= len(self._mini_places):
                break
            found.append(self._at(self._mini_places[place])[inner * _MINI : (inner + 1) * _MINI])
            next_at = sector * 4
            if next_at + 4 > len(self._mini_table):
                break
            (sector,) = struct.unpack_from("<L", self._mini_table, next_at)
        return b"".join(found)[:limit]
