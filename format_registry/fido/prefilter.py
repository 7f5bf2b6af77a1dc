# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which signatures can match at all: a few look-ups instead of two thousand expressions.

Each signature gives its rarest literal. Literals at a fixed offset from either end are
looked up in dictionaries, the rest are searched together by RE2 (linear in the window,
whatever it holds). Only what cannot match is left out; the candidates are matched in full
(`chains`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import re2

from format_registry.fido.literals import Literal, core, literals, width
from format_registry.fido.model import Pattern, Place
from format_registry.fido.windows import NEAR, Windows

# Search windows from either end; a literal goes to the smallest that holds it. What a
# window costs is set against what a literal tells. For the few that lie further in, one
# search each, from where they may begin, is faster than RE2's for all of them.
_SPANS = (512, 8192, 16384)
_COSTS = (0.5, 1.0, 2.0)
_WIDE_COST = 5.5
# What says less than this is found in most files: to try the signature costs less than to
# search for it.
_WORTH = 0.1
_COMMON = frozenset(b"\x00\xff\x20\n")
_LONGEST = 8
_SMALL = 2048
# RE2 builds its automaton as it goes, within this; beyond it every signature is tried.
_RE2_BYTES = 8 << 20

# (kind, low, high, literals): bof, eof: at the offset `low` from the beginning or end; head,
# tail: within `high` bytes of either; wide: from `low` to `high` bytes from the beginning.
Key = tuple[str, int, int, tuple[bytes, ...]]
_Table = dict[bytes, list[int]]


@dataclass(frozen=True, slots=True)
class _Choice:
    score: float
    key: Key


def choose(patterns: Sequence[Pattern]) -> Key | None:
    """Return the literal by which patterns are found; None: they must always be tried."""
    choices = [
        choice
        for pattern in patterns
        for choice in _choices(pattern)
        if choice.score > _WORTH or choice.key[0] in ("bof", "eof")
    ]
    return max(choices, key=lambda one: one.score).key if choices else None


def _choices(pattern: Pattern) -> Iterator[_Choice]:
    if pattern.place is Place.BOF:
        yield from _from_beginning(pattern)
    elif pattern.place is Place.EOF and pattern.rest[1] is not None:
        yield from _from_end(pattern, pattern.rest[0], pattern.rest[1])


def _from_beginning(pattern: Pattern) -> Iterator[_Choice]:
    low, high = 0, 0
    for step in pattern.steps:
        least, most = width(step.expression)
        if step.high is None or most is None or high > NEAR:
            return
        low, high = low + step.low, high + step.high
        for one in literals(step.expression):
            longest = max(len(variant) for variant in one.variants)
            if low == high and one.low == one.high:
                if low + one.low + longest <= NEAR:
                    yield _fixed("bof", low + one.low, one)
            elif one.high is not None:
                yield from _searched("head", low + one.low, high + one.high + longest, one.variants)
        low, high = low + least, high + most


def _from_end(pattern: Pattern, low: int, high: int) -> Iterator[_Choice]:
    """Go backwards; `low` and `high` bound how far before the end of the file a step ends."""
    for step in reversed(pattern.steps):
        least, most = width(step.expression)
        if most is None:
            return
        for one in literals(step.expression):
            if low == high and least == most and one.low == one.high and low + least <= NEAR:
                yield _fixed("eof", low + least - one.low, one)
            else:
                yield from _searched("tail", 0, high + most - one.low, one.variants)
        if step.high is None:
            return
        low, high = low + least + step.low, high + most + step.high


def _searched(kind: str, low: int, end: int, variants: tuple[bytes, ...]) -> Iterator[_Choice]:
    cut = tuple(sorted({core(one)[:16] for one in variants}))
    for span, cost in zip(_SPANS, _COSTS, strict=True):
        if end <= span:
            yield _Choice(_rarity(cut) - cost, (kind, 0, span, cut))
            return
    # Better than to try the signature on every file, in any case.
    if end <= NEAR and kind == "head" and len(cut) == 1:
        score = max(_rarity(cut) - _WIDE_COST, _WORTH + 0.01 * len(cut[0]))
        yield _Choice(score, ("wide", low, end, cut))


def _fixed(kind: str, offset: int, one: Literal) -> _Choice:
    """Take the rarest few bytes of a literal; all variants must give the same number."""
    length = min(_LONGEST, one.shortest)
    length = 8 if length == 8 else 4 if length >= 4 else length
    best = max(
        range(one.shortest - length + 1),
        key=lambda at: (_rarity([variant[at : at + length] for variant in one.variants]), -at),
    )
    cut = tuple(sorted({variant[best : best + length] for variant in one.variants}))
    offset = offset + best if kind == "bof" else offset - best
    return _Choice(_rarity(cut) - (0.1 if kind == "eof" else 0.0), (kind, offset, offset, cut))


def _rarity(variants: Iterable[bytes]) -> float:
    """Say how much a literal tells: its bytes, of which zeros and blanks say little."""
    several = list(variants)
    least = min(sum(0.25 if byte in _COMMON else 1.0 for byte in one) for one in several)
    return min(least, 6.0) - 0.1 * min(len(several), 20)


class Prefilter:
    """The look-up for a list of signatures, by their number in it."""

    def __init__(self, keys: Sequence[Key | None]) -> None:
        self._all = list(range(len(keys)))
        self._always = [number for number, key in enumerate(keys) if key is None]
        fixed: dict[tuple[str, int, int], _Table] = defaultdict(dict)
        searched: dict[tuple[str, int], _Table] = defaultdict(dict)
        wide: dict[bytes, tuple[int, int, list[int]]] = {}
        for number, key in enumerate(keys):
            if key is None:
                continue
            kind, low, high, variants = key
            for one in variants:
                if kind == "wide":
                    known = wide.get(one, (low, high, []))
                    numbers = [*known[2], number]
                    wide[one] = (min(low, known[0]), max(high, known[1]), numbers)
                    continue
                name = (kind, low, len(one))
                table = fixed[name] if kind in ("bof", "eof") else searched[kind, high]
                table.setdefault(one, []).append(number)
        ordered = sorted(fixed.items(), key=lambda item: item[0])
        self._head = [(at, at + size, some) for (kind, at, size), some in ordered if kind == "bof"]
        self._tail = [(at, at - size, some) for (kind, at, size), some in ordered if kind == "eof"]
        # (from the end?, span, literals)
        self._searched = [
            (kind == "tail", span, _Searched(table)) for (kind, span), table in searched.items()
        ]
        self._wide = [(literal, *rest) for literal, rest in wide.items()]
        together: _Table = {literal: list(numbers) for literal, _, _, numbers in self._wide}
        for table in searched.values():
            for literal, numbers in table.items():
                together.setdefault(literal, []).extend(numbers)
        self._together = _Searched(together)

    def candidates(self, windows: Windows) -> list[int]:
        """Return the numbers of all signatures that may match, in order."""
        head, tail = windows.head, windows.tail
        found = set(self._always)
        size = len(head)
        for start, end, table in self._head:
            if start >= size:
                break
            if hit := table.get(head[start:end]):
                found.update(hit)
        size = len(tail)
        for start, end, table in self._tail:
            if start > size:
                break
            if hit := table.get(tail[size - start : size - end]):
                found.update(hit)
        whole = (
            self._search_once(head, found)
            if windows.size <= _SMALL
            else self._search(head, tail, found)
        )
        return sorted(found) if whole else self._all

    def _search_once(self, data: bytes, found: set[int]) -> bool:
        """Look for everything everywhere: in a small file one search costs least."""
        return self._together.add(data, found, likely=True)

    def _search(self, head: bytes, tail: bytes, found: set[int]) -> bool:
        for last, span, one in self._searched:
            if not one.add(tail[-span:] if last else head[:span], found):
                return False
        for literal, low, high, numbers in self._wide:
            if head.find(literal, low, high) >= 0:
                found.update(numbers)
        return True


class _Searched:
    """Literals that are searched for together."""

    def __init__(self, table: _Table) -> None:
        self._numbers = list(table.values())
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.never_capture = True
        options.log_errors = False
        options.max_mem = _RE2_BYTES
        # Whether any is there takes half the time of finding out which, and mostly none is.
        # RE2 has a notation of its own: every byte is written as \xHH.
        texts = (b"".join(b"\\x%02x" % byte for byte in literal) for literal in table)
        self._any = re2.compile(b"|".join(texts), options)
        options.literal = True
        self._set = re2.Set.SearchSet(options)
        for literal in table:
            self._set.Add(literal)
        # The empty literal is in everything: an answer without it is RE2's memory used up.
        self._set.Add(b"")
        self._set.Compile()

    def add(self, window: bytes, found: set[int], *, likely: bool = False) -> bool:
        """Add the numbers of what is in the window; False if RE2's memory was used up.

        `likely`: that something is there, or the window so small that it is all the same.
        """
        if not likely and self._any.search(window) is None:
            return True
        hits = self._set.Match(window)
        if not hits:
            return False
        numbers = self._numbers
        for hit in hits:
            if hit < len(numbers):
                found.update(numbers[hit])
        return True
