# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words of two texts: how many arrived, and whether in the same order."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter

_SHORTEST = 4  # characters of a word that may be looked for across line breaks
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


def in_order(text: str) -> list[str]:
    """Return the words as they come, ligatures and case folded (a style may show capitals)."""
    folded = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).casefold()
    return re.findall(r"\w+", folded)


def words(text: str) -> Counter[str]:
    """Return the words and how often each occurs."""
    return Counter(in_order(text))


def solid(text: str) -> str:
    """Return the words without what stands between them: lines may break anywhere."""
    return "".join(in_order(text))


def recall(before: str, after: str) -> tuple[int, int, list[str]]:
    """Return the number of words, how many were found, and some that were not.

    A word that the layout broke is found too: hyphenated at a line's end, or cut without
    a hyphen as in a narrow cell.
    """
    wanted = words(before)
    plain, joined = words(after), words(re.sub(r"[-\u2010\u00ad]\s*\n\s*", "", after))
    missing: Counter[str] = Counter()
    for word, count in wanted.items():
        short = count - max(plain[word], joined[word])
        if short > 0:
            missing[word] = short
    if missing:
        whole = solid(after)
        for word in list(missing):
            if len(word) >= _SHORTEST and whole.count(word) >= wanted[word]:
                del missing[word]
    total = sum(wanted.values())
    return total, total - sum(missing.values()), list(missing)


def order(before: str, after: str) -> tuple[int, int]:
    """Return how many words have one place in each text, and how many keep their order.

    A word that occurs once in both texts marks a place; the longest run of places that
    rises in both is what kept its order (Fredman, On computing the length of longest
    increasing subsequences, 1975). A block that was moved costs the words it holds.
    """
    first, second = in_order(before), in_order(after)
    once, counted = Counter(first), Counter(second)
    places = {word: number for number, word in enumerate(second) if counted[word] == 1}
    marks = [places[word] for word in first if once[word] == 1 and word in places]
    ends: list[int] = []
    for place in marks:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(marks), len(ends)
