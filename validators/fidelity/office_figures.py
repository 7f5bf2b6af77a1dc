# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether the numbers and dates of cells stand on the pages, however they are formatted.

A cell shows 1234.5678 as `1 234,57`, `1,234.6`, `1.23E+03` or `123457 %`: a number is
there when one of the numbers on the pages is it, rounded to as many places as that one
shows. Each number on the pages serves for one cell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from validators.fidelity.office_ooxml_sheets import office_dates
from validators.fidelity.office_reading import Cell

# Digits in groups, with a point or comma, and an exponent; spaces of all kinds group.
_SHOWN = re.compile(r"\d[\d.,' \u00a0\u2009\u202f\u2019]*(?:[Ee][+-]?\d+)?")
_EXPONENT = re.compile(r"^(.*?)(?:[Ee]([+-]?\d+))?$")
_EPOCH = datetime(1899, 12, 30)
_LAST_DAY = 2_958_466  # 9999-12-31
_MOST_PLACES = 20


class Figures:
    """The numbers that stand on the pages."""

    def __init__(self, text: str) -> None:
        self._tokens = Counter(_tokens(text))
        # (places, exponent) -> number of units -> tokens that can be read so
        self._readings: dict[tuple[int, int], dict[Decimal, set[str]]] = {}
        for token in self._tokens:
            for places, exponent, number in _readings(token):
                known = self._readings.setdefault((places, exponent), {})
                known.setdefault(number, set()).add(token)
        self._numbers = Counter(re.findall(r"\d+", text))

    def take(self, value: float) -> bool:
        """Whether a number is there; it is taken for this cell."""
        try:
            exact = abs(Decimal(repr(value)))
        except InvalidOperation:
            return False
        # Plain before percent, many places before few: the nearest number is this cell's.
        for factor in (0, 2):
            scaled = exact.scaleb(factor)
            for places, exponent in sorted(self._readings, reverse=True):
                numbers = self._readings[places, exponent]
                if self._taken(scaled.scaleb(-exponent), places, numbers):
                    return True
        return False

    def _taken(self, scaled: Decimal, places: int, numbers: dict[Decimal, set[str]]) -> bool:
        try:
            rounded = scaled.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        except InvalidOperation:
            return False  # more digits than a number on a page has
        for token in numbers.get(rounded, ()):
            if self._tokens[token] > 0:
                self._tokens[token] -= 1
                return True
        return False

    def day(self, serial: float, shape: str) -> bool:
        """Whether the year, the day and the hour that a format shows are there."""
        if not 0 <= serial < _LAST_DAY:
            return self.take(serial)
        moment = _EPOCH + timedelta(days=serial) + timedelta(milliseconds=1)
        letters = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", shape).lower()
        if self._numbers[moment.strftime("%Y%m%d")] or self._numbers[moment.strftime("%y%m%d")]:
            return True
        wanted = []
        if "y" in letters:
            wanted.append({str(moment.year), str(moment.year)[2:], str(moment.year + 543)})
        if "d" in letters and "ddd" not in letters:
            wanted.append({str(moment.day), f"{moment.day:02d}"})
        if "h" in letters:
            hours = {moment.hour, (moment.hour - 1) % 12 + 1}
            wanted.append({f"{one:02d}" for one in hours} | {str(one) for one in hours})
        return all(any(self._numbers[one] for one in way) for way in wanted)


def kept(cells: Iterable[Cell], text: str) -> tuple[int, list[str]]:
    """Return how many cells hold numbers that a page can show, and those that are missing."""
    figures = Figures(text)
    total = 0
    missing: list[str] = []
    for cell in cells:
        if isinstance(cell.value, bool) or not isinstance(cell.value, float):
            continue
        if not _shows(cell.shape, cell.value):
            continue
        dated = office_dates(cell.shape)
        found = figures.day(cell.value, cell.shape) if dated else figures.take(cell.value)
        if not (found or cell.value):
            continue  # sheets may show no zeros, formats show them as a dash
        total += 1
        if not found:
            missing.append(f"{cell.value:g}")
    return total, missing


def _shows(shape: str, value: float) -> bool:
    """Return whether a format lets digits of the value be seen at all.

    Formats such as `;;;`, `"yes";"no"`, fractions and conditions are not followed.
    """
    sections = re.sub(r'"[^"]*"|\\.', "", shape).split(";")
    if "?/" in shape or "/?" in shape or "[<" in shape or "[>" in shape or "[=" in shape:
        return False
    if not shape or len(sections) == 1:
        return bool(not shape or re.search(r"[0#?@yYdDhHmMsS]|[Gg]eneral|[Ss]tandard", sections[0]))
    at = 0 if value > 0 else 1 if value < 0 else min(2, len(sections) - 1)
    section = sections[at] if value or len(sections) > 2 else sections[0]
    # A thousands separator at the end divides by 1,000; `#` alone shows no zero.
    return bool(re.search(r"[0@yYdDhHmMsS]|[Gg]eneral|[Ss]tandard", section))


def _tokens(text: str) -> list[str]:
    """Return numbers as they stand; where spaces may group or part them, both readings."""
    found: list[str] = []
    for match in _SHOWN.finditer(text):
        token = match.group().rstrip(".,' \u00a0\u2009\u202f\u2019")
        found.append(token)
        parts = re.split(r"[ \u00a0\u2009\u202f]+", token)
        if len(parts) > 1:
            found += [part.strip(".,'\u2019") for part in parts if part]
    return found


def _readings(token: str) -> list[tuple[int, int, Decimal]]:
    """Return (places, exponent, number) for each way in which a token can be read."""
    match = _EXPONENT.match(token)
    if match is None:
        return []
    digits, power = match.groups()
    exponent = int(power) if power and len(power) < 5 else 0
    bare = re.sub(r"[ '\u00a0\u2009\u202f\u2019]", "", digits)
    found: set[tuple[int, int, Decimal]] = set()
    for mark in (",", ".", ""):
        group = {",": ".", ".": ",", "": ",."}[mark]
        plain = bare
        for one in group:
            plain = plain.replace(one, "")
        whole, _, rest = plain.partition(mark) if mark else (plain, "", "")
        if (rest and not rest.isdigit()) or not whole.isdigit() or len(rest) > _MOST_PLACES:
            continue
        number = Decimal(f"{whole}.{rest}" if rest else whole)
        found.add((len(rest), exponent, number))
    return list(found)
