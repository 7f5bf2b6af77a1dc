# SPDX-License-Identifier: AGPL-3.0-or-later
"""Named parts of a ZIP, by its central directory alone (APPNOTE.TXT 6.3.10, section 4.3).

The standard library's `zipfile` makes an object for each entry before it answers: 60 MB
and half a second for the 100,000 entries of a database archive (SIARD). Here the
directory is passed over once, only wanted names are kept, and what is unpacked of a part
is bounded, so that neither a huge directory nor a bomb costs anything.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MARK = b"PK\x03\x04"
_BLOCK = 1 << 20
# A million entries; what lies behind them is not looked at.
_LARGEST_DIRECTORY = 64 << 20
_STORED, _DEFLATED = 0, 8
_UNKNOWN = 0xFFFFFFFF


class BrokenZipError(ValueError):
    """What looks like a ZIP cannot be read as one."""


@dataclass(frozen=True, slots=True)
class _Entry:
    method: int
    size: int  # compressed
    offset: int
    inflated: int


class ZipParts:
    """The parts of a ZIP whose names are wanted. Raises BrokenZipError, OSError."""

    def __init__(self, descriptor: int, size: int, tail: bytes, wanted: Container[bytes]) -> None:
        self._descriptor, self._size = descriptor, size
        self._entries: dict[bytes, _Entry] = {}
        start, length, self._shift = _directory(descriptor, size, tail)
        for name, entry in _entries(descriptor, start, min(length, _LARGEST_DIRECTORY)):
            if name in wanted:
                self._entries[name] = entry

    @property
    def names(self) -> frozenset[bytes]:
        """The wanted names that are there."""
        return frozenset(self._entries)

    @property
    def largest(self) -> int:
        """Size in bytes, as the directory tells it, of the largest wanted part."""
        return max((one.inflated for one in self._entries.values()), default=0)

    def read(self, name: bytes, limit: int) -> bytes:
        """Return the first `limit` bytes of a part; b"" where it cannot be unpacked."""
        entry = self._entries[name]
        offset = entry.offset + self._shift
        if offset >= self._size:
            return b""
        head = os.pread(self._descriptor, _LOCAL.size, offset)
        if len(head) < _LOCAL.size or not head.startswith(_MARK):
            return b""
        fields = _LOCAL.unpack(head)
        offset += _LOCAL.size + fields[-2] + fields[-1]
        if entry.method == _STORED:
            return os.pread(self._descriptor, min(limit, entry.size), offset)
        if entry.method != _DEFLATED:
            return b""
        return self._inflate(offset, entry.size, limit)

    def _inflate(self, offset: int, left: int, limit: int) -> bytes:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        found: list[bytes] = []
        rest = b""
        while limit and not inflater.eof:
            block = rest or os.pread(self._descriptor, min(left, 64 * 1024), offset)
            if not block:
                break
            if not rest:
                offset, left = offset + len(block), left - len(block)
            try:
                piece = inflater.decompress(block, limit)
            except zlib.error:
                # What came before the damage is still what the part begins with.
                break
            rest = inflater.unconsumed_tail
            limit -= len(piece)
            found.append(piece)
        return b"".join(found)


def _directory(descriptor: int, size: int, tail: bytes) -> tuple[int, int, int]:
    """Return (offset, length, how far everything lies behind where the ZIP says)."""
    at = len(tail)
    while (at := tail.rfind(b"PK\x05\x06", 0, at)) >= 0:
        if at + _END.size <= len(tail):
            break
    if at < 0:
        raise BrokenZipError("no end of central directory")
    end = size - len(tail) + at
    fields = _END.unpack_from(tail, at)
    length, offset = fields[5], fields[6]
    locator = tail[max(0, at - 20) : at]
    if locator[:4] == b"PK\x06\x07":
        (where,) = struct.unpack_from("<Q", locator, 8)
        for place in (where, end - 20 - _END64.size):
            record = os.pread(descriptor, _END64.size, place) if 0 <= place < size else b""
            if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
                length, offset = _END64.unpack(record)[8:10]
                end = place
                break
    shift = end - length - offset
    if shift < 0 or offset + shift > size:
        raise BrokenZipError("the central directory lies outside of the file")
    return offset + shift, length, shift


def _entries(descriptor: int, offset: int, left: int) -> Iterator[tuple[bytes, _Entry]]:
    buffer, at = b"", 0
    while left > 0 or len(buffer) - at >= _ENTRY.size:
        # An entry has at most 46 + 3 * 65,535 bytes.
        if left > 0 and len(buffer) - at < 200_000:
            block = os.pread(descriptor, min(left, _BLOCK), offset)
            if not block:
                left = 0
            buffer, at = buffer[at:] + block, 0
            offset, left = offset + len(block), left - len(block)
        if len(buffer) - at < _ENTRY.size:
            return
        fields = _ENTRY.unpack_from(buffer, at)
        if fields[0] != b"PK\x01\x02":
            return
        lengths = fields[10:13]
        name_end = at + _ENTRY.size + lengths[0]
        size, inflated, place = fields[8], fields[9], fields[16]
        if _UNKNOWN in (size, inflated, place):
            size, inflated, place = _wide(buffer[name_end : name_end + lengths[1]], fields)
        yield buffer[at + _ENTRY.size : name_end], _Entry(fields[4], size, place, inflated)
        at = name_end + lengths[1] + lengths[2]


def _wide(extra: bytes, fields: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the sizes, compressed and not, and the offset, by the ZIP64 field (4.5.3)."""
    found = {"inflated": fields[9], "size": fields[8], "place": fields[16]}
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            body = extra[at + 4 : at + 4 + length]
            values = iter(struct.unpack_from(f"<{len(body) // 8}Q", body))
            # Only what does not fit elsewhere stands there, in this order.
            for name, value in found.items():
                if value == _UNKNOWN:
                    found[name] = next(values, value)
            break
        at += 4 + length
    return found["size"], found["inflated"], found["place"]
