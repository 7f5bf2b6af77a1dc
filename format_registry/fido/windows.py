# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the engine reads of a file: head, tail, and a bounded middle when asked for.

The cost of identifying a file therefore does not grow with its size. Near windows hold
all bounded offsets of PRONOM v118 (136,004 bytes from the beginning, 131,072 from the
end); the deep ones take in metadata that lies further inside, such as PDF/A's.
"""

from __future__ import annotations

import os
from functools import cached_property

from pipeline.core.errors import ChangedError

NEAR = 160 * 1024
DEEP_HEAD = 4 * 1024 * 1024
DEEP_TAIL = 1024 * 1024


class Windows:
    """Parts of an open file. Raises OSError, and ChangedError where it became shorter."""

    __slots__ = ("__dict__", "_descriptor", "_holds", "far", "head", "near", "size", "tail")

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self._forget()
        if size <= 2 * NEAR:
            self.head = self.tail = self._read(0, size)
        else:
            self.head = self._read(0, NEAR)
            self.tail = self._read(size - NEAR, NEAR)

    @classmethod
    def of(cls, data: bytes) -> Windows:
        """Return the windows of bytes that are in memory in full."""
        found = cls.__new__(cls)
        found._descriptor, found.size = -1, len(data)
        found.head = found.tail = data
        found._forget()
        return found

    def _forget(self) -> None:
        # What is known of these windows: signatures of a family (all of PDF/A's) share
        # patterns and ask for the same literals. Keys are whatever asks, by identity.
        self.near: dict[object, bool] = {}
        self.far: dict[object, bool] = {}
        self._holds: dict[tuple[bytes, ...], bool] = {}

    @cached_property
    def deep(self) -> tuple[bytes, ...]:
        """The file as far as it is searched: one window if that is all of it, else two."""
        if len(self.head) == self.size:
            return (self.head,)
        if self.size <= DEEP_HEAD + DEEP_TAIL:
            return (self._read(0, self.size),)
        front = self._read(0, DEEP_HEAD)
        return front, self._read(self.size - DEEP_TAIL, DEEP_TAIL)

    def holds(self, variants: tuple[bytes, ...]) -> bool:
        """Whether one of some literals stands anywhere in the deep windows."""
        known = self._holds.get(variants)
        if known is None:
            known = self._holds[variants] = self._search(variants)
        return known

    def _search(self, variants: tuple[bytes, ...]) -> bool:
        for window in self.deep:
            for one in variants:
                if one in window:
                    return True
        return False

    def _read(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        while length:
            block = os.pread(self._descriptor, length, offset)
            if not block:
                raise ChangedError(f"the file became shorter than {self.size} bytes")
            parts.append(block)
            offset += len(block)
            length -= len(block)
        return parts[0] if len(parts) == 1 else b"".join(parts)
