# SPDX-License-Identifier: AGPL-3.0-or-later
"""Match the patterns of a signature in full: this decides, whatever ruled out the others.

Between two steps with no bound to their distance, only the place where the first can end
earliest matters; within a run of bounded distances, all places where a step can end are
followed at once. So the time is linear in what is searched, for any file, where one
expression for the whole would try its gaps in all combinations (`re` backtracks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from format_registry.fido.literals import literals, width
from format_registry.fido.model import Pattern, Place, Step
from format_registry.fido.windows import NEAR, Windows

# Beginnings are followed in stretches of this many bytes, so that an early match ends it.
_STRETCH = 1 << 16


class Chains:
    """Patterns, each compiled when it is first needed and once for all that share it."""

    def __init__(self) -> None:
        self._chains: dict[Pattern, _Chain] = {}

    def matcher(self, patterns: Sequence[Pattern]) -> Matcher:
        """Return what matches all of some patterns."""
        return Matcher([self._chains.setdefault(one, _Chain(one)) for one in patterns])


class Matcher:
    """The patterns of a signature."""

    __slots__ = ("_chains",)

    def __init__(self, chains: Sequence[_Chain]) -> None:
        self._chains = chains

    def matches(self, windows: Windows) -> bool:
        """Whether all patterns match. What needs only the near windows comes first."""
        for one in self._chains:
            if not one.near(windows):
                return False
        return all(one.far(windows) for one in self._chains)

    def compile(self) -> None:
        """Compile all patterns. Raises re.error."""
        for one in self._chains:
            one.compile()

    def share(self, windows: Windows) -> float:
        """Return which share of the patterns matches, 0.0-1.0."""
        hits = sum(one.near(windows) and one.far(windows) for one in self._chains)
        return hits / len(self._chains)


class _Step:
    """A step with its expression compiled."""

    __slots__ = ("expression", "fixed", "high", "least", "low", "most", "reach")

    def __init__(self, step: Step) -> None:
        least, most = width(step.expression)
        if most is None:
            raise ValueError(f"an expression without bound: {step.expression[:80]!r}")
        self.low, self.high, self.least, self.most = step.low, step.high, least, most
        self.fixed = least == most
        # What a match looks at: opf-fido's expressions may end in (?!...), of which the
        # bytes behind the match decide. None of those is longer than its own text.
        self.reach = most + (len(step.expression) if b"(?!" in step.expression else 0)
        self.expression = re.compile(step.expression, re.DOTALL)


_Run = list[_Step]


class _Chain:
    """One pattern: runs of steps, between which any distance may lie."""

    __slots__ = ("_anchored", "_length", "_pattern", "_place", "_probes", "_rest", "_runs")

    def __init__(self, pattern: Pattern) -> None:
        self._pattern, self._place, self._rest = pattern, pattern.place, pattern.rest
        self._runs: list[_Run] = []

    def near(self, windows: Windows) -> bool:
        """Whether the run at the beginning or end matches; True where `far` must decide."""
        known = windows.near.get(id(self))
        if known is None:
            known = windows.near[id(self)] = self._near(windows)
        return known

    def far(self, windows: Windows) -> bool:
        """Whether the whole pattern matches, given that `near` does."""
        if self._anchored and len(self._runs) == 1:
            return True
        known = windows.far.get(id(self))
        if known is None:
            known = windows.far[id(self)] = self._far(windows)
        return known

    def compile(self) -> None:
        """Compile the expressions, if they are not. Raises re.error."""
        if self._runs:
            return
        for step in self._pattern.steps:
            if step.high is None or not self._runs:
                self._runs.append([])
            self._runs[-1].append(_Step(step))
        found = [literals(step.expression) for step in self._pattern.steps]
        # One literal of each step, the rarest first: all must be somewhere before it is
        # worth searching. What is short or has many variants is not worth asking for.
        rarest = (max(some, key=lambda one: one.shortest) for some in found if some)
        useful = {one.variants for one in rarest if one.shortest > 2 + len(one.variants)}
        self._probes = sorted(useful, key=lambda some: (len(some), -min(map(len, some))))
        run = self._runs[-1 if self._place is Place.EOF else 0]
        self._length = run[0].most + sum((one.high or 0) + one.most for one in run[1:])
        outer = self._rest[1] if self._place is Place.EOF else run[0].high
        # Whether the near windows hold all that the anchored run can reach.
        self._anchored = outer is not None and outer + self._length <= NEAR

    def _near(self, windows: Windows) -> bool:
        self.compile()
        if not self._anchored:
            return True
        if self._place is Place.EOF:
            return self._closes(windows.tail, 0)
        return _earliest(self._runs[0], windows.head, 0, anywhere=len(self._runs) == 1) >= 0

    def _far(self, windows: Windows) -> bool:
        if not all(windows.holds(one) for one in self._probes):
            return False
        deep = windows.deep
        number, at, last = 0, 0, len(self._runs) - 1
        for index, run in enumerate(self._runs):
            if index == last and self._place is Place.EOF:
                # Parts found in an earlier window lie before the last, which has the end.
                return self._closes(deep[-1], at if number == len(deep) - 1 else 0)
            found = _earliest(run, deep[number], at, anywhere=index == last)
            while found < 0:
                number += 1
                if number == len(deep) or run[0].high is not None:
                    return False
                found = _earliest(run, deep[number], 0, anywhere=index == last)
            at = found
        return True

    def _closes(self, window: bytes, at: int) -> bool:
        """Whether the last run ends in its bounds from the end, and begins at `at` or later."""
        run, (low, high) = self._runs[-1], self._rest
        latest = len(window) - low
        earliest = 0 if high is None else max(0, len(window) - high)
        begin = max(at + run[0].low, earliest - self._length)
        if latest < begin:
            return False
        if len(run) == 1 and run[0].fixed:
            # The bounds of its end are those of its beginning.
            begin = max(begin, earliest - run[0].most)
            beyond = latest + run[0].reach - run[0].most
            found = run[0].expression.search(window, begin, beyond)
            return found is not None and found.end() <= latest
        return any(earliest <= end <= latest for end in _spread(run, window, begin, latest))


def _earliest(run: _Run, window: bytes, at: int, *, anywhere: bool) -> int:
    """Return where a run ends that begins in its bounds from `at`, or -1.

    The earliest end, or any if `anywhere`.
    """
    low, high = at + run[0].low, run[0].high
    size = len(window)
    final = size if high is None or at + high > size else at + high
    if len(run) == 1:
        return _single(run[0], window, low, final, anywhere=anywhere)
    best = -1
    while low <= final:
        stretch = min(low + _STRETCH, final) if best < 0 else min(final, best)
        ends = _spread(run, window, low, stretch)
        if ends:
            best = ends[0] if best < 0 else min(best, ends[0])
            if anywhere:
                return best
        low = stretch + 1
        if 0 <= best <= low:
            break
    return best


def _single(step: _Step, window: bytes, low: int, final: int, *, anywhere: bool) -> int:
    if low == final:
        found = step.expression.match(window, low)
    else:
        found = step.expression.search(window, low, final + step.reach)
    if found is None or found.start() > final:
        return -1
    end = found.end()
    if anywhere or step.fixed:
        return end
    # Shorten the window until nothing ends earlier.
    while (found := step.expression.search(window, low, end - 1)) and found.start() <= final:
        end = found.end()
    return end


def _spread(run: _Run, window: bytes, low: int, high: int) -> list[int]:
    """Return all places where a run ends that begins at `low` to `high`, sorted."""
    ends = sorted(set(_ends(run[0], window, [(low, high)])))
    for step in run[1:]:
        if not ends:
            break
        spans: list[tuple[int, int]] = []
        for end in ends:
            begin, final = end + step.low, end + (step.high or 0)
            if spans and begin <= spans[-1][1] + 1:
                spans[-1] = (spans[-1][0], max(final, spans[-1][1]))
            else:
                spans.append((begin, final))
        ends = sorted(set(_ends(step, window, spans)))
    return ends


def _ends(step: _Step, window: bytes, spans: list[tuple[int, int]]) -> Iterator[int]:
    search, most, reach = step.expression.search, step.most, step.reach
    for low, high in spans:
        at = low
        while (found := search(window, at, high + reach)) is not None:
            start = found.start()
            if start > high:
                break
            if step.fixed:
                yield start + most
            else:
                for end in range(start + step.least, min(start + most, len(window)) + 1):
                    if step.expression.fullmatch(window, start, end):
                        yield end
            at = start + 1
