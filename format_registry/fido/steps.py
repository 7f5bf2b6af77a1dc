# SPDX-License-Identifier: AGPL-3.0-or-later
"""One step of a pattern, and how to find it in bytes.

Four of five expressions of PRONOM are plain bytes; those need no regular expression, and
most others hold a few plain bytes at a known place, from one to the next of which one can go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from format_registry.fido.literals import Facts
from format_registry.fido.model import Step

# How often an anchor may be met without the rest before the whole is searched for.
_TRIES = 64


class CompiledStep:
    """A step: its bounds, what is known of its expression, and how to find it."""

    __slots__ = (
        "_before",
        "_compiled",
        "_core",
        "_reach",
        "_text",
        "exact",
        "facts",
        "fixed",
        "high",
        "low",
    )

    def __init__(self, step: Step, facts: Facts) -> None:
        self.low, self.high, self.facts = step.low, step.high, facts
        self.fixed, self.exact = facts.least == facts.most, facts.exact
        self._text = step.expression
        self._compiled: re.Pattern[bytes] | None = None
        # What a match looks at: opf-fido's expressions may end in (?!...), of which the
        # bytes behind the match decide. None of those is longer than its own text.
        self._reach = facts.most + (len(self._text) if b"(?!" in self._text else 0)

    @property
    def expression(self) -> re.Pattern[bytes]:
        """The expression, compiled when it is first asked for. Raises re.error."""
        if self._compiled is None:
            self._compiled = re.compile(self._text, re.DOTALL)
        return self._compiled

    def compile(self) -> None:
        """Compile the expression now. Raises re.error."""
        self._compiled = re.compile(self._text, re.DOTALL)

    def find(self, window: bytes, low: int, high: int) -> tuple[int, int] | None:
        """Return (beginning, an end) of the first match that begins at `low` to `high`."""
        if self.exact is not None:
            size = self.facts.most
            if low == high:
                return (low, low + size) if window.startswith(self.exact, low) else None
            if not self.facts.anchor or len(self.facts.anchor) == size:
                at = window.find(self.exact, low, high + size)
                return (at, at + size) if at >= 0 else None
        if low == high:
            found = self.expression.match(window, low)
        elif self.facts.anchor:
            return self._by_anchor(window, low, high)
        else:
            found = self.expression.search(window, low, high + self._reach)
        return found.span() if found is not None and found.start() <= high else None

    def _by_anchor(self, window: bytes, low: int, high: int) -> tuple[int, int] | None:
        """Go from anchor to anchor: in padding, `re` and `bytes.find` stop at each byte."""
        anchor, offset, exact = self.facts.anchor, self.facts.offset, self.exact
        for _ in range(_TRIES):
            at = window.find(anchor, low + offset, high + offset + len(anchor)) - offset
            if at + offset < 0:
                return None
            if exact is not None:
                if window.startswith(exact, at):
                    return at, at + len(exact)
            elif found := self.expression.match(window, at, high + self._reach):
                return found.span()
            low = at + 1
        found = self.expression.search(window, low, high + self._reach)
        return found.span() if found is not None and found.start() <= high else None

    def ends(self, window: bytes, spans: Sequence[tuple[int, int]]) -> Iterator[int]:
        """Yield where matches end that begin in one of the spans."""
        for low, high in spans:
            at = low
            while at <= high and (found := self.find(window, at, high)) is not None:
                start, end = found
                if self.fixed:
                    yield end
                else:
                    last = min(start + self.facts.most, len(window))
                    for end in range(start + self.facts.least, last + 1):
                        if self.expression.fullmatch(window, start, end):
                            yield end
                at = start + 1
