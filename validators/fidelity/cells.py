# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare the cells of a spreadsheet with those of the ODS or CSV made from it, value by value."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from pipeline.core import isolate
from pipeline.core.errors import DamagedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Check, Scalar
from pipeline.core.versions import wheel_agent
from validators.fidelity import office_source
from validators.fidelity.office_reading import CELL_LIMIT, Cell, Reading, Sheet, UnreadableError

_EPOCH = datetime(1899, 12, 30)
_PARTS = 1e-9  # of a number: both sides are the same 64 bits, written in decimal
_TENTH = 1.2e-6  # days: a tenth of a second, dates are written with fewer places


class CellsJudge:
    """Judge of a spreadsheet against its ODS or CSV.

    Thresholds: `cells` is the least share of cells that must have their value (default 1).
    """

    name = "cells"

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        return (wheel_agent("lxml"), wheel_agent("olefile"), wheel_agent("xlrd"))

    def compare(
        self,
        source: Path,
        target: Path,
        puid: str,
        thresholds: Mapping[str, Scalar],
        facts: Mapping[str, Scalar],
    ) -> tuple[Check, ...]:
        """Return the checks. Raises DamagedError when either cannot be read."""
        del puid, facts
        least = float(thresholds.get("cells") or 1.0)
        return isolate.call(Pool.LIBRARIES, compare, source, target, least)


def compare(source: Path, target: Path, least: float) -> tuple[Check, ...]:
    """Compare in the child; see CellsJudge."""
    try:
        own = office_source.read(source)
        made = _made(target)
    except UnreadableError as error:
        raise DamagedError(str(error)[:300], "office.source") from error
    if own is None:
        note = "the source's format has no reader here but LibreOffice"
        return (Check("document.cells", "", "", 0.0, False, note),)
    before, after = own.sheets, made.sheets
    if made.reader == "CSV":
        before = tuple(sheet for sheet in before if sheet.cells or sheet.unseen)
    pairs = [(sheet, _partner(sheet, number, after)) for number, sheet in enumerate(before)]
    missing = [sheet.name for sheet, other in pairs if other is None]
    found = len(before) - len(missing)
    score = found / len(before) if before else 1.0
    return (
        Check(
            "document.sheets", str(len(before)), str(found), round(score, 4), not missing,
            f"not found: {', '.join(missing)}"[:400] if missing else "",
        ),
        _cells(pairs, least, own.reader),
    )  # fmt: skip


def _partner(sheet: Sheet, number: int, after: tuple[Sheet, ...]) -> Sheet | None:
    """Return the sheet of this name, or the one in its place: a CSV has no names.

    A sheet that is a chart becomes a sheet with a chart: there may be more than before.
    """
    named = next((other for other in after if other.name == sheet.name), None)
    if named is not None or number >= len(after):
        return named
    return after[number]


def _made(target: Path) -> Reading:
    if target.suffix.lower() != ".csv":
        made = office_source.read(target)
        if made is None:
            raise DamagedError("the result is no spreadsheet", "office.source")
        return made
    cells: list[Cell] = []
    try:
        with target.open(encoding="utf-8", newline="") as stream:
            for number, row in enumerate(csv.reader(stream)):
                cells += [Cell(number, column, text) for column, text in enumerate(row) if text]
                if len(cells) > CELL_LIMIT:
                    break
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedError(str(error)[:300], "office.source") from error
    return Reading("CSV", "", sheets=(Sheet("", tuple(cells)),))


def _cells(pairs: list[tuple[Sheet, Sheet | None]], least: float, reader: str) -> Check:
    total = kept = 0
    lost: list[str] = []
    for sheet, other in pairs:
        found = _by_place(other) if other is not None else {}
        for cell in _all(sheet):
            total += 1
            made = found.get((cell.row, cell.column))
            if made is not None and _same(cell.value, made.value):
                kept += 1
            elif len(lost) < 5:
                place = f"{sheet.name}!R{cell.row + 1}C{cell.column + 1}"
                lost.append(f"{place} {cell.value} -> {made.value if made else 'nothing'}")
    score = kept / total if total else 1.0
    note = "; ".join([reader, *lost])[:400]
    return Check("document.cells", str(total), str(kept), round(score, 6), score >= least, note)


def _all(sheet: Sheet) -> Iterator[Cell]:
    yield from sheet.cells
    yield from sheet.unseen


def _by_place(sheet: Sheet) -> dict[tuple[int, int], Cell]:
    return {(cell.row, cell.column): cell for cell in _all(sheet)}


def _same(value: str | float | bool, other: str | float | bool) -> bool:
    if isinstance(value, str):
        if value.startswith("#") and str(other).startswith(("#", "Err:")):
            return True  # an error: each program and language has its own names for them
        return " ".join(value.split()) == " ".join(str(other).split())
    number = _number(other)
    if number is None:
        return False
    return math.isclose(float(value), number, rel_tol=_PARTS, abs_tol=_TENTH * (number % 1 != 0))


def _number(value: str | float | bool) -> float | None:
    """Return the number that a cell of the result holds; a CSV has texts alone."""
    if not isinstance(value, str):
        return float(value)
    text = value.strip()
    if text in ("TRUE", "FALSE"):
        return float(text == "TRUE")
    try:
        return float(text)
    except ValueError:
        return _moment(text)


def _moment(text: str) -> float | None:
    """Return the serial number of an ISO 8601 date, or of hours, minutes and seconds."""
    parts = text.lstrip("-").split(":")
    try:
        if len(parts) == 3 and "T" not in text:
            seconds = sum(float(one) * unit for one, unit in zip(parts, (3600, 60, 1), strict=True))
            return seconds / 86400 * (-1 if text.startswith("-") else 1)
        return (datetime.fromisoformat(text[:26]) - _EPOCH).total_seconds() / 86400
    except ValueError:
        return None


JUDGE = CellsJudge()
