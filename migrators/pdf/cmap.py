# SPDX-License-Identifier: AGPL-3.0-or-later
"""Read and write CMaps: from character codes to CIDs (Adobe Technical Note 5014)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_BLOCK = re.compile(rb"begin(codespacerange|cidrange|cidchar)(.*?)end\1", re.DOTALL)
_PAIR = re.compile(rb"<\s*([0-9A-Fa-f]+)\s*>\s*<\s*([0-9A-Fa-f]+)\s*>")
_RANGE = re.compile(rb"<\s*([0-9A-Fa-f]+)\s*>\s*<\s*([0-9A-Fa-f]+)\s*>\s*(\d+)")
_CHAR = re.compile(rb"<\s*([0-9A-Fa-f]+)\s*>\s*(\d+)")
_USES = re.compile(rb"/([^\s/<>()\[\]]+)\s+usecmap")
_LARGEST = 65535
_MOST = 100  # entries in one block


@dataclass(slots=True)
class CMap:
    """Code spaces as (bytes, low, high), ranges as (bytes, low, high, first CID)."""

    spaces: list[tuple[int, int, int]] = field(default_factory=list)
    ranges: list[tuple[int, int, int, int]] = field(default_factory=list)
    uses: str = ""

    def decode(self, data: bytes) -> Iterator[int]:
        """Yield the CIDs of a string; 0 for a code that has none."""
        sizes = sorted({size for size, _, _ in self.spaces}) or [2]
        place = 0
        while place < len(data):
            size = next(
                (
                    one
                    for one in sizes
                    if place + one <= len(data) and self._inside(data[place : place + one])
                ),
                sizes[-1],
            )
            yield self._cid(data[place : place + size])
            place += size

    def _inside(self, code: bytes) -> bool:
        return any(
            size == len(code)
            and all(
                low.to_bytes(size, "big")[at] <= byte <= high.to_bytes(size, "big")[at]
                for at, byte in enumerate(code)
            )
            for size, low, high in self.spaces
        )

    def _cid(self, code: bytes) -> int:
        number = int.from_bytes(code, "big")
        for size, low, high, first in reversed(self.ranges):
            if size == len(code) and low <= number <= high:
                return first + number - low
        return 0

    def written(self, name: str, system: tuple[str, str, int], mode: int) -> bytes:
        """Return the CMap's program, which refers to no other."""
        registry, ordering, supplement = system
        lines = [
            "/CIDInit /ProcSet findresource begin", "12 dict begin", "begincmap",
            f"/CIDSystemInfo << /Registry ({registry}) /Ordering ({ordering})"
            f" /Supplement {supplement} >> def",
            f"/CMapName /{name} def", "/CMapType 1 def", f"/WMode {mode} def",
        ]  # fmt: skip
        spaces = [f"{_hex(n, low)} {_hex(n, high)}" for n, low, high in self.spaces]
        lines += [f"{len(spaces)} begincodespacerange", *spaces, "endcodespacerange"]
        ranges = [f"{_hex(n, low)} {_hex(n, high)} {cid}" for n, low, high, cid in self.ranges]
        for start in range(0, len(ranges), _MOST):
            block = ranges[start : start + _MOST]
            lines += [f"{len(block)} begincidrange", *block, "endcidrange"]
        lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end", ""]
        return "\n".join(lines).encode("ascii")


def _hex(size: int, number: int) -> str:
    return f"<{number:0{2 * size}X}>"


def parse(data: bytes) -> CMap:
    """Return what a CMap's program says; CIDs beyond 65,535 are left out (6.1.13)."""
    found = CMap()
    for block in _BLOCK.finditer(data):
        kind, body = block[1], block[2]
        if kind == b"codespacerange":
            for low, high in _PAIR.findall(body):
                found.spaces.append((len(low) // 2, int(low, 16), int(high, 16)))
        elif kind == b"cidrange":
            for low, high, cid in _RANGE.findall(body):
                _add(found, low, int(high, 16), int(cid))
        else:
            for code, cid in _CHAR.findall(body):
                _add(found, code, int(code, 16), int(cid))
    used = _USES.search(data)
    found.uses = used[1].decode("ascii", "replace") if used else ""
    return found


def _add(found: CMap, low: bytes, high: int, cid: int) -> None:
    first = int(low, 16)
    if cid <= _LARGEST and high >= first:
        found.ranges.append((len(low) // 2, first, min(high, first + _LARGEST - cid), cid))


def predefined(name: str) -> CMap | None:
    """Return a CMap that ISO 32000-1, table 118 names, by pdfminer's tables; None if unknown."""
    from pdfminer.cmapdb import CMapDB

    try:
        table = CMapDB.get_cmap(name)
    except (CMapDB.CMapNotFound, KeyError):
        return None
    found = CMap()
    if not hasattr(table, "code2cid") or name.startswith("Identity"):
        return CMap([(2, 0, 0xFFFF)], [(2, 0, 0xFFFF, 0)])
    for code, cid in _flat(table.code2cid, b""):
        number = int.from_bytes(code, "big")
        found.ranges.append((len(code), number, number, cid))
    for size in sorted({one[0] for one in found.ranges}):
        codes = [low for one, low, _, _ in found.ranges if one == size]
        parts = [[code >> 8 * at & 0xFF for code in codes] for at in reversed(range(size))]
        low = int.from_bytes(bytes(map(min, parts)), "big")
        high = int.from_bytes(bytes(map(max, parts)), "big")
        found.spaces.append((size, low, high))
    return found


def _flat(table: dict[int, object], before: bytes) -> Iterator[tuple[bytes, int]]:
    for byte, value in table.items():
        code = before + bytes([byte])
        if isinstance(value, dict):
            yield from _flat(value, code)
        elif isinstance(value, int):
            yield code, value
