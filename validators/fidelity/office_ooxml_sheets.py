# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cells of Excel workbooks of ISO/IEC 29500, part 1, chapter 18: values, as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any
from zipfile import ZipFile

from validators.fidelity import office_xlsb
from validators.fidelity.office_package import events, member, pictures, relations
from validators.fidelity.office_reading import CELL_LIMIT, Cell, Reading, Sheet

_BOOK = "xl/workbook.xml"
_EPOCH_1904 = 1462  # days from 1899-12-30 to 1904-01-01
# Built-in number formats (18.8.30) whose codes a workbook need not state.
BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00",
    12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy",
    18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm",
    37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss",
    47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip


def read(archive: ZipFile, names: list[str]) -> Reading | None:
    """Return the workbook's sheets, None where there is none. Raises DamagedError."""
    if "xl/workbook.bin" in names:
        return office_xlsb.read(archive, names)
    if _BOOK not in names:
        return None
    sheets, late = _listed(archive)
    shared: list[str] = []
    if "xl/sharedStrings.xml" in names:
        with member(archive, "xl/sharedStrings.xml") as stream:
            shared = list(_strings(stream))
    shapes: list[str] = []
    if "xl/styles.xml" in names:
        with member(archive, "xl/styles.xml") as stream:
            shapes = _shapes(stream)
    found: list[Sheet] = []
    left = CELL_LIMIT
    for name, part, hidden in sheets:
        if part not in names:
            continue
        with member(archive, part) as stream:
            seen, unseen = _cells(stream, shared, shapes, left, _EPOCH_1904 if late else 0)
        left -= len(seen) + len(unseen)
        found.append(Sheet(name, seen, hidden, unseen))
    text = "\n".join(
        cell.value for one in found for cell in one.cells if isinstance(cell.value, str)
    )
    drawings = sorted(
        {
            leads
            for _, part, _ in sheets
            for kind, leads in relations(archive, part).values()
            if kind == "drawing" and leads in names
        }
    )
    count = len(pictures(archive, drawings))
    return Reading("OOXML reader", text, pictures=count, sheets=tuple(found))


def _listed(archive: ZipFile) -> tuple[list[tuple[str, str, bool]], bool]:
    """Return (name, member, hidden) of each worksheet, and whether days count from 1904."""
    leads = relations(archive, _BOOK)
    found: list[tuple[str, str, bool]] = []
    late = False
    with member(archive, _BOOK) as stream:
        for event, element, _, local in events(stream):
            if event != "end":
                continue
            if local == "workbookPr":
                late = element.get("date1904") in ("1", "true")
            elif local == "sheet":
                identifier = next(
                    (str(v) for k, v in element.attrib.items() if str(k).endswith("}id")), ""
                )
                kind, part = leads.get(identifier, ("", ""))
                if kind == "worksheet":
                    hidden = element.get("state") in ("hidden", "veryHidden")
                    found.append((str(element.get("name") or ""), part, hidden))
    return found, late


def _strings(stream: IO[bytes]) -> Iterator[str]:
    pieces: list[str] = []
    phonetic = 0
    for event, element, _, local in events(stream):
        if local == "rPh":
            phonetic += 1 if event == "start" else -1
        elif event == "end" and local == "t" and not phonetic:
            pieces.append(element.text or "")
        elif event == "end" and local == "si":
            yield "".join(pieces)
            pieces = []
            element.clear()


def _shapes(stream: IO[bytes]) -> list[str]:
    """Return the number format's code of each cell style (cellXfs)."""
    codes = dict(BUILT_IN)
    shapes: list[str] = []
    within = False
    for event, element, _, local in events(stream):
        if local == "cellXfs":
            within = event == "start"
        elif event == "end" and local == "numFmt" and str(element.get("numFmtId")).isdigit():
            codes[int(element.get("numFmtId"))] = str(element.get("formatCode") or "")
        elif event == "end" and local == "xf" and within:
            number = str(element.get("numFmtId") or "0")
            shapes.append(codes.get(int(number), "") if number.isdigit() else "")
    return shapes


def _cells(
    stream: IO[bytes], shared: list[str], shapes: list[str], limit: int, days: int
) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """Return the cells that are seen and those in hidden rows and columns."""
    seen: list[Cell] = []
    unseen: list[Cell] = []
    hidden: set[int] = set()
    last = -1
    for event, element, _, local in events(stream):
        if event != "end":
            continue
        if local == "col" and element.get("hidden") in ("1", "true"):
            first, end = int(element.get("min", 1)), int(element.get("max", 1))
            hidden.update(range(first - 1, min(end, first + 20000)))
        elif local == "row":
            number = str(element.get("r") or "")
            last = int(number) - 1 if number.isdigit() else last + 1
            away = element.get("hidden") in ("1", "true")
            column = -1
            for cell in element:
                stated = _column(cell.get("r") or "")
                column = stated if stated >= 0 else column + 1
                value = _value(cell, shared)
                if value is None:
                    continue
                style = str(cell.get("s") or "")
                shape = shapes[int(style)] if style.isdigit() and int(style) < len(shapes) else ""
                if days and isinstance(value, float) and office_dates(shape):
                    value += days
                one = Cell(last, column, value, shape)
                (unseen if away or column in hidden else seen).append(one)
            element.clear()
            if len(seen) + len(unseen) > limit:
                break
    return tuple(seen), tuple(unseen)


def office_dates(shape: str) -> bool:
    """Return whether a number format's code shows a date or a time (18.8.31)."""
    quoted = False
    depth = 0
    for place, character in enumerate(shape):
        if character == '"':
            quoted = not quoted
        elif quoted or (place and shape[place - 1] in "\\_*"):
            continue
        elif character == "[":
            depth = 1
            if shape[place + 1 : place + 2].lower() in ("h", "m", "s") and (
                shape[place + 2 : place + 3] in ("]", shape[place + 1 : place + 2])
            ):
                return True
        elif character == "]":
            depth = 0
        elif not depth and character in "yYdDhHsSmM":
            return True
    return False


def _value(cell: Any, shared: list[str]) -> str | float | bool | None:
    kind = cell.get("t") or "n"
    if kind == "inlineStr":
        return "".join(one.text or "" for one in cell.iter("{*}t")) or None
    value = cell.findtext("{*}v") or ""
    if kind == "s":
        number = int(value) if value.isdigit() else len(shared)
        return (shared[number] if number < len(shared) else "") or None
    if kind == "b" and value:
        return value.strip() in ("1", "true")
    if kind == "n":
        return _number(value)
    return value or None  # str, e (an error's name), d (ISO 8601)


def _number(value: str) -> str | float | None:
    try:
        return float(value)
    except ValueError:
        return value or None


def _column(reference: str) -> int:
    number = 0
    for letter in reference:
        if not letter.isalpha() or not letter.isascii() or number > 100_000:
            break
        number = number * 26 + ord(letter.upper()) - 64
    return number - 1
