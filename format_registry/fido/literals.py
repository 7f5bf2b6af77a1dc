# SPDX-License-Identifier: AGPL-3.0-or-later
"""The literal bytes that every match of an expression must contain, and where.

Only a complete account may be used to rule a signature out: what cannot be analysed is
passed over, never guessed. The parse tree is that of Python's own `re`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

# What `re` itself parses with; not public, hence tested on every expression in use.
op: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

# Bytes that files are padded with. Searching for a literal that holds one takes 20 times
# as long where there are thousands of them (`bytes.find` stops at each).
_PADDING = re.compile(rb"[\x00\xff\x20]+")

# A literal with more variants than this says too little for what it costs to look up.
_VARIANTS = 64
_CLASS = 16
_UNROLL = 64


@dataclass(frozen=True, slots=True)
class Literal:
    """One of `variants` stands between `low` and `high` bytes after the match's beginning.

    `high` is None where nothing bounds it.
    """

    low: int
    high: int | None
    variants: tuple[bytes, ...]

    @property
    def shortest(self) -> int:
        """Length of the shortest variant."""
        return min(len(one) for one in self.variants)


@lru_cache(maxsize=8192)
def width(expression: bytes) -> tuple[int, int | None]:
    """Return the least and greatest number of bytes that a match can have."""
    low, high = parser.parse(expression.decode("latin-1")).getwidth()
    return int(low), None if high >= op.MAXREPEAT else int(high)


@lru_cache(maxsize=8192)
def literals(expression: bytes, most: int = _VARIANTS) -> tuple[Literal, ...]:
    """Return the literals of an expression, in order; they end where variants exceed `most`."""
    walk = _Walk(most)
    walk.over(parser.parse(expression.decode("latin-1")))
    walk.flush()
    return tuple(walk.found)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an expression without compiling it; kept with a compiled set.

    `least` and `most` are the bytes a match can have; every match holds one literal of each
    of `probes`, the most telling first. `exact` is all that it can match, where that is one string.
    `anchor` stands `offset` bytes behind the beginning of every match (empty: nothing does).
    """

    least: int
    most: int
    probes: tuple[tuple[bytes, ...], ...] = ()
    exact: bytes | None = None
    anchor: bytes = b""
    offset: int = 0


def core(literal: bytes) -> bytes:
    """Return the longest part of a literal without padding; all but its ends if that is short."""
    stripped = literal.strip(b"\x00\xff\x20")
    for one in (max(_PADDING.split(literal), key=len), stripped):
        if len(one) > 2:
            return one
    return literal


def facts(expression: bytes) -> Facts:
    """Analyse an expression. Raises ValueError where a match has no bound."""
    least, most = width(expression)
    if most is None:
        raise ValueError(f"an expression without bound: {expression[:80]!r}")
    found = literals(expression)
    anchor, offset = _anchor(found)
    exact = None
    if len(found) == 1 and len(found[0].variants) == 1 and b"(?!" not in expression:
        (only,) = found[0].variants
        exact = only if len(only) == least == most else None
    return Facts(least, most, _probes(expression), exact, anchor, offset)


def _probes(expression: bytes) -> tuple[tuple[bytes, ...], ...]:
    """Return what must be somewhere, if it says enough: few variants, and not short."""
    found: dict[tuple[bytes, ...], None] = {}
    best = max(literals(expression), key=lambda one: one.shortest, default=None)
    if best is not None and len(best.variants) <= 2 and best.shortest > 3:
        found[tuple(dict.fromkeys(core(one) for one in best.variants))] = None
    # Where line ends may be any of three, "AC1009" stands between them in each variant.
    for one in literals(expression, 1):
        if len(one.variants) == 1 and len(core(one.variants[0])) > 4:
            found[(core(one.variants[0]),)] = None
    return tuple(sorted(found, key=lambda some: (len(some), -min(len(one) for one in some))))


def _anchor(found: Sequence[Literal]) -> tuple[bytes, int]:
    """Return the longest literal without padding at a known place, and that place."""
    best, place = b"", 0
    for one in found:
        if one.low == one.high:
            first, last = min(one.variants), max(one.variants)
            same = (a == b for a, b in zip(first, last, strict=False))
            common = first[: sum(1 for _ in itertools.takewhile(bool, same))]
            part = max(_PADDING.split(common), key=len)
            if len(part) > len(best):
                best, place = part, one.low + common.find(part)
    # A single byte is met by chance too often to be worth stopping at.
    return (best, place) if len(best) > 1 else (b"", 0)


class _Walk:
    def __init__(self, most: int) -> None:
        self._most = most
        self.found: list[Literal] = []
        self._low = 0
        self._high: int | None = 0
        self._start: tuple[int, int | None] = (0, 0)
        self._run: list[bytes] = []

    def over(self, tree: Any) -> None:
        for code, value in tree:
            if code is op.SUBPATTERN:
                self.over(value[3])
                continue
            if code in (op.ASSERT, op.ASSERT_NOT, op.AT):
                # They take no bytes, and what is behind them need not be in the match.
                continue
            variants = _variants(code, value)
            if variants is None:
                self.flush()
                self._skip(code, value)
            else:
                self._append(variants)

    def flush(self) -> None:
        if self._run and all(self._run):
            variants = tuple(sorted(set(self._run)))
            self.found.append(Literal(*self._start, variants))
        self._run = []

    def _append(self, variants: list[bytes]) -> None:
        if self._run and len(self._run) * len(variants) > self._most:
            self.flush()
        if not self._run:
            self._start, self._run = (self._low, self._high), [b""]
        self._run = [one + more for one in self._run for more in variants]
        lengths = [len(one) for one in variants]
        self._advance(min(lengths), max(lengths))

    def _skip(self, code: Any, value: Any) -> None:
        if code in (op.ANY, op.NOT_LITERAL, op.IN):
            self._advance(1, 1)
        elif code is op.BRANCH:
            widths = [one.getwidth() for one in value[1]]
            self._advance(min(low for low, _ in widths), max(high for _, high in widths))
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, tree = value
            low, high = tree.getwidth()
            self._advance(int(least) * int(low), int(most) * int(high))
        else:
            raise ValueError(f"an expression with {code}")

    def _advance(self, low: int, high: int) -> None:
        self._low += int(low)
        unbounded = self._high is None or high >= op.MAXREPEAT
        self._high = None if unbounded else (self._high or 0) + int(high)


def _variants(code: Any, value: Any) -> list[bytes] | None:
    """Return every string that an element can match if they are few, else None."""
    if code is op.LITERAL:
        return [bytes([value])]
    if code is op.IN:
        members = _members(value)
        return [bytes([one]) for one in members] if members else None
    if code is op.BRANCH:
        found: list[bytes] = []
        for tree in value[1]:
            inner = _strings(tree)
            if inner is None:
                return None
            found += inner
        return found if len(found) <= _VARIANTS else None
    if code in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, tree = value
        if least == most and int(most) <= _UNROLL:
            inner = _strings(tree)
            if inner is not None and len(inner) == 1:
                return [inner[0] * int(most)]
    return None


def _strings(tree: Any) -> list[bytes] | None:
    found = [b""]
    for code, value in tree:
        inner = _strings(value[3]) if code is op.SUBPATTERN else _variants(code, value)
        if inner is None or len(found) * len(inner) > _VARIANTS:
            return None
        found = [one + more for one in found for more in inner]
    return found


def _members(value: Any) -> list[int] | None:
    found: set[int] = set()
    for code, one in value:
        if code is op.LITERAL:
            found.add(one)
        elif code is op.RANGE:
            found.update(range(one[0], one[1] + 1))
        else:
            return None
        if len(found) > _CLASS:
            return None
    return sorted(found)
