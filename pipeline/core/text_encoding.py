# SPDX-License-Identifier: AGPL-3.0-or-later
"""In which encoding a text without a declaration was written.

A byte order mark decides; then strict UTF-8, which other encodings practically never
happen to be; then what Swedish systems of the time wrote: Windows-1252 and ISO 8859-1, code
page 850 or 437 from DOS, ISO 646-SE from terminals. A guess is told as a guess.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# å ä ö Å Ä Ö é É ü in either family; none of the bytes of one is a letter in the other.
_WINDOWS = re.compile(rb"[\xe5\xe4\xf6\xc5\xc4\xd6\xe9\xc9\xfc]")
_DOS = re.compile(rb"[\x86\x84\x94\x8f\x8e\x99\x82\x90\x81]")
_LETTER = re.compile(rb"[A-Za-z]")
# Defined in Windows-1252 where ISO 8859-1 has control characters.
_C1 = re.compile(rb"[\x80-\x9f]")
_UNDEFINED_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec's name, length of the byte order mark, and whether it is a guess."""

    name: str
    mark: int = 0
    guessed: bool = False


def by_mark(head: bytes) -> Encoding | None:
    """Return what the first bytes decide: a mark, or the NUL pattern of bare UTF-16."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    even, odd = head[0::2], head[1::2]
    if len(head) >= 8 and len(odd) >= 4:
        # Text in a Latin script has a NUL in every other byte of UTF-16.
        if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.05 * len(even):
            return Encoding("utf-16-le", guessed=True)
        if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.05 * len(odd):
            return Encoding("utf-16-be", guessed=True)
    return None


def single_byte(sample: bytes) -> Encoding | None:
    """Return the encoding that the letters of a sample speak for; None if it holds none.

    `sample` is not UTF-8, and should hold the places with bytes above 127, whole lines
    around them.
    """
    windows, dos = _letters(_WINDOWS, sample), _letters(_DOS, sample)
    if dos > windows:
        return Encoding("cp850", guessed=True)
    if windows:
        if _C1.search(sample) and not _UNDEFINED_1252.search(sample):
            return Encoding("cp1252", guessed=True)
        return Encoding("iso-8859-1", guessed=True)
    return None


def _letters(pattern: re.Pattern[bytes], sample: bytes) -> int:
    """Count matches that stand beside an ASCII letter, as letters of a word do."""
    return sum(
        1
        for match in pattern.finditer(sample)
        if _LETTER.match(sample, match.end())
        or (match.start() and _LETTER.match(sample, match.start() - 1))
    )
