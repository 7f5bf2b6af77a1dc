# SPDX-License-Identifier: AGPL-3.0-or-later
"""Match the patterns of a signature in full: this decides, whatever ruled out the others.

Between two steps with no bound to their distance, only the place where the first can end
earliest matters; within a run of bounded distances, all places where a step can end are
followed at once. So the time is linear in what is searched, for any file, where one
expression for the whole would try its gaps in all combinations (`re` backtracks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from format_registry.fido.literals import Facts, facts
from format_registry.fido.model import Pattern, Place
from format_registry.fido.steps import CompiledStep
from format_registry.fido.windows import NEAR, Windows

# Beginnings are followed in stretches of this many bytes, so that an early match ends it.
_STRETCH = 1 << 16


class Chains:
    """Patterns, each compiled when it is first needed and once for all that share it.

    `known` are facts of expressions; of those it lacks, they are found out.
    """

    def __init__(self, known: Mapping[bytes, Facts]) -> None:
        self._known = known
        self._chains: dict[Pattern, _Chain] = {}

    def matcher(self, patterns: Sequence[Pattern]) -> Matcher:
        """Return what matches all of some patterns."""
        return Matcher([self._chain(one) for one in patterns])

    def _chain(self, pattern: Pattern) -> _Chain:
        found = self._chains.get(pattern)
        if found is None:
            found = self._chains[pattern] = _Chain(pattern, self._known)
        return found


class Matcher:
    """The patterns of a signature."""

    __slots__ = ("_chains",)

    def __init__(self, chains: Sequence[_Chain]) -> None:
        self._chains = chains

    def matches(self, windows: Windows) -> bool:
        """Whether all patterns match. What needs only the near windows comes first.

        Written out, since some fifteen candidates a file make it the innermost loop.
        """
        known = windows.near
        for one in self._chains:
            hit = known.get(one)
            if hit is None:
                hit = known[one] = one.near(windows)
            if not hit:
                return False
        known = windows.far
        for one in self._chains:
            hit = known.get(one)
            if hit is None:
                hit = known[one] = one.far(windows)
            if not hit:
                return False
        return True

    def compile(self) -> None:
        """Compile all patterns. Raises re.error."""
        for one in self._chains:
            one.compile()

    def strength(self, windows: Windows) -> int:
        """Return how many bytes the patterns that match have at least: what they tell."""
        return sum(one.least for one in self._chains if one.near(windows) and one.far(windows))


_Run = list[CompiledStep]


class _Chain:
    """One pattern: runs of steps, between which any distance may lie."""

    __slots__ = (
        "_anchored",
        "_known",
        "_length",
        "_low",
        "_pattern",
        "_place",
        "_plain",
        "_probes",
        "_rest",
        "_runs",
        "_single",
    )

    def __init__(self, pattern: Pattern, known: Mapping[bytes, Facts]) -> None:
        self._pattern, self._place, self._rest = pattern, pattern.place, pattern.rest
        self._known = known
        self._runs: list[_Run] = []

    @property
    def least(self) -> int:
        """The least number of bytes that a match has, gaps aside."""
        return sum(step.facts.least for run in self._runs for step in run)

    def compile(self) -> None:
        """Compile all expressions. Raises re.error."""
        self._prepare()
        for run in self._runs:
            for step in run:
                step.compile()

    def _prepare(self) -> None:
        if self._runs:
            return
        for step in self._pattern.steps:
            if step.high is None or not self._runs:
                self._runs.append([])
            text = step.expression
            self._runs[-1].append(CompiledStep(step, self._known.get(text) or facts(text)))
        # Literals of each step, the rarest first: all must be somewhere before it is
        # worth searching.
        probes = {probe for run in self._runs for step in run for probe in step.facts.probes}
        self._probes = sorted(probes, key=lambda some: (len(some), -min(map(len, some))))
        run = self._runs[-1 if self._place is Place.EOF else 0]
        longest = ((step.high or 0) + step.facts.most for step in run[1:])
        self._length = run[0].facts.most + sum(longest)
        outer = self._rest[1] if self._place is Place.EOF else run[0].high
        # Whether the near windows hold all that the anchored run can reach.
        self._anchored = outer is not None and outer + self._length <= NEAR
        first = self._runs[0][0]
        at_once = self._place is Place.BOF and first.low == first.high and self._anchored
        self._plain, self._low = first.exact if at_once else None, first.low
        self._single = len(self._runs[0]) == 1

    def near(self, windows: Windows) -> bool:
        """Whether the run at the beginning or end matches; True where `far` must decide."""
        if not self._runs:
            self._prepare()
        if self._plain is not None:
            # Most patterns begin with plain bytes at a known place.
            if not windows.head.startswith(self._plain, self._low):
                return False
            if self._single:
                return True
        if not self._anchored:
            return True
        if self._place is Place.EOF:
            return self._closes(windows.tail, 0)
        return _earliest(self._runs[0], windows.head, 0, anywhere=len(self._runs) == 1) >= 0

    def far(self, windows: Windows) -> bool:
        """Whether the whole pattern matches, given that `near` does."""
        if self._anchored and len(self._runs) == 1:
            return True
        for one in self._probes:
            if not windows.holds(one):
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
            size = run[0].facts.most
            begin = max(begin, earliest - size)
            return begin <= latest - size and run[0].find(window, begin, latest - size) is not None
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


def _single(step: CompiledStep, window: bytes, low: int, final: int, *, anywhere: bool) -> int:
    found = step.find(window, low, final) if low <= final else None
    if found is None:
        return -1
    end = found[1]
    if anywhere or step.fixed:
        return end
    # Shorten the window until nothing ends earlier.
    while (match := step.expression.search(window, low, end - 1)) and match.start() <= final:
        end = match.end()
    return end


def _spread(run: _Run, window: bytes, low: int, high: int) -> list[int]:
    """Return all places where a run ends that begins at `low` to `high`, sorted."""
    ends = sorted(set(run[0].ends(window, [(low, high)])))
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
        ends = sorted(set(step.ends(window, spans)))
    return ends
