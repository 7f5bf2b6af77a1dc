# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words of a page in both documents: all of them, and in the same order."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"\w+")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Wording:
    """One page. `before` and `after` count words; `order` is the share that kept its order."""

    before: int
    after: int
    missing: tuple[str, ...]
    lost: int
    order: float

    @property
    def kept(self) -> float:
        """Share of the source's words that the target has, 1.0 where there were none."""
        return 1 - self.lost / self.before if self.before else 1.0


def words(text: str) -> list[str]:
    """Return the words as they come, ligatures and compatibility forms folded (NFKC)."""
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def compare(before: str, after: str) -> Wording:
    """Compare the texts of a page."""
    first = words(before)
    if before == after:
        return Wording(len(first), len(first), (), 0, 1.0)
    second = words(after)
    lost = Counter(first) - Counter(second)
    return Wording(
        len(first), len(second), tuple(lost)[:_SHOWN], sum(lost.values()), in_order(first, second)
    )


def in_order(first: list[str], second: list[str]) -> float:
    """Return the share of marks that keep their order, in n log n steps.

    A mark is a word, with the one before it, that occurs once in either text: where a word
    comes often its neighbour tells which one it is. The longest run of places that rises
    in both is what kept its order (Fredman, On computing the length of longest increasing
    subsequences, 1975), so words that were added, by OCR for example, cost nothing.
    """
    if first == second:
        return 1.0
    worst = 1.0
    for mine, theirs in ((first, second), (_pairs(first), _pairs(second))):
        once, counted = Counter(mine), Counter(theirs)
        places = {one: number for number, one in enumerate(theirs) if counted[one] == 1}
        marks = [places[one] for one in mine if once[one] == 1 and one in places]
        ends: list[int] = []
        for place in marks:
            at = bisect_left(ends, place)
            ends[at : at + 1] = [place]
        if marks:
            worst = min(worst, len(ends) / len(marks))
    return worst


def _pairs(words_: list[str]) -> list[str]:
    return [f"{one} {other}" for one, other in pairwise(words_)]
