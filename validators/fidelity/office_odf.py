# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words, tables, headings and cells of OpenDocument files (ISO/IEC 26300-3, content.xml).

Only what a reader of the document sees is taken: no comments, notes of slides, deletions,
hidden rows, nor fields that are calculated anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any
from zipfile import ZipFile

from validators.fidelity.office_package import PICTURE, attribute, events, member
from validators.fidelity.office_reading import CELL_LIMIT, TEXT_LIMIT, Cell, Reading, Sheet

_SKIP = frozenset(
    {
        "annotation", "tracked-changes", "notes", "title", "desc", "forms", "scripts",
        "hidden-text", "date", "time", "page-number", "page-count", "event-listeners",
        "ruby-text", "content-validations", "label-ranges", "sequence-decls",
        "modification-date", "modification-time", "file-name", "shape-id", "settings",
    }
)  # fmt: skip
_BREAKS = frozenset({"p", "h", "s", "tab", "line-break", "table-cell"})
_AWAY = ("collapse", "filter")
_EPOCH = datetime(1899, 12, 30)
_REPEAT = 20_000  # rows or columns that a repeated element stands for, at most


def read(archive: ZipFile) -> Reading:
    """Return what the package holds. Raises DamagedError."""
    found = _Content()
    with member(archive, "content.xml") as stream:
        found.read(stream)
    names = set(archive.namelist())
    language = _language(archive) if "styles.xml" in names else ""
    return Reading(
        "ODF reader",
        "".join(found.pieces),
        pictures=len({archive.getinfo(h).CRC for h in found.hrefs if h in names}),
        tables=tuple(tuple(one) for one in found.tables if one) if not found.sheets else None,
        headings=tuple(found.headings),
        language=language,
        sheets=tuple(found.sheets),
    )


def _language(archive: ZipFile) -> str:
    """Return the language of the default paragraph style, "" for none."""
    with member(archive, "styles.xml") as stream:
        family = ""
        for event, element, _, local in events(stream):
            if local == "default-style" and event == "start":
                family = attribute(element, "family")
            elif local == "text-properties" and event == "start" and family == "paragraph":
                tag, country = attribute(element, "language"), attribute(element, "country")
                if tag and tag not in ("none", "zxx"):
                    return f"{tag}-{country}" if country and country != "none" else tag
            elif local in ("default-style", "styles") and event == "end":
                family = ""
    return ""


class _Content:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.tables: list[list[str]] = []
        self.headings: list[str] = []
        self.hrefs: set[str] = set()
        self.sheets: list[Sheet] = []
        self._size = 0
        self._skipped = 0
        self._body = False
        self._within = 0  # of paragraphs: a text box stands in one
        self._open: list[list[str]] = []
        self._cells: list[int] = []  # where each open cell begins in `pieces`
        self._calc = False
        self._sheet: _Grid | None = None
        self._hidden: set[str] = set()
        self._style = ""

    def read(self, stream: IO[bytes]) -> None:
        for event, element, space, local in events(stream):
            if local == "body":
                self._body = event == "start"
            elif local == "spreadsheet":
                self._calc = event == "start"
            if not self._body:
                self._styles(event, element, local)
                continue
            if self._calc:
                self._grid(event, element, space, local)
            away = attribute(element, "visibility") in _AWAY
            if local in _SKIP or away:
                self._skipped += 1 if event == "start" else -1
            if event == "start":
                self._start(element, space, local)
            else:
                self._end(element, space, local)
            if self._size > TEXT_LIMIT:
                return

    def _styles(self, event: str, element: Any, local: str) -> None:
        """Remember which styles of tables hide a sheet."""
        if local == "style" and event == "start":
            self._style = attribute(element, "name")
        elif local == "table-properties" and attribute(element, "display") == "false":
            self._hidden.add(self._style)

    def _start(self, element: Any, space: str, local: str) -> None:
        if local == "image" and PICTURE.search(attribute(element, "href")):
            self.hrefs.add(attribute(element, "href").removeprefix("./"))
        elif local in ("p", "h"):
            self._within += 1
        elif local == "table" and "table" in space and not self._calc:
            self._open.append([])
        elif local == "table-cell" and not self._calc:
            self._cells.append(len(self.pieces))

    def _end(self, element: Any, space: str, local: str) -> None:
        if local in _BREAKS:
            self.pieces.append(" ")
        if local in ("p", "h"):
            self._within -= 1
            if not self._skipped and not self._within:
                text = "".join(_paragraph(element))
                self._size += len(text)
                self.pieces += (text, " ")
                if local == "h" and text.strip() and not self._calc:
                    self.headings.append(text.strip())
        elif local == "table-cell" and self._cells:
            text = "".join(self.pieces[self._cells.pop() :]).strip()
            if text and self._open and not self._skipped:
                self._open[-1].append(text)
        elif local == "table" and "table" in space and self._open:
            self.tables.append(self._open.pop())

    def _grid(self, event: str, element: Any, space: str, local: str) -> None:
        if "table" not in space:
            return
        if local == "table" and event == "start" and self._sheet is None:
            style = attribute(element, "style-name")
            self._sheet = _Grid(attribute(element, "name"), style in self._hidden)
        elif self._sheet is not None and event == "end":
            if local == "table":
                self.sheets.append(self._sheet.done())
                self._sheet = None
            elif local == "table-column":
                self._sheet.columns(element)
            elif local == "table-row":
                self._sheet.row(element)
                if not self._within:
                    element.clear()


class _Grid:
    """One sheet while its rows come in."""

    def __init__(self, name: str, hidden: bool) -> None:
        self._name = name
        self._hidden = hidden
        self._column = 0
        self._row = 0
        self._away: set[int] = set()
        self._seen: list[Cell] = []
        self._unseen: list[Cell] = []

    def columns(self, element: Any) -> None:
        repeat = _repeat(element, "number-columns-repeated")
        if attribute(element, "visibility") in _AWAY:
            self._away.update(range(self._column, self._column + repeat))
        self._column += repeat

    def row(self, element: Any) -> None:
        repeat = _repeat(element, "number-rows-repeated")
        away = attribute(element, "visibility") in _AWAY
        column = 0
        found: list[tuple[int, str | float | bool]] = []
        for cell in element:
            times = _repeat(cell, "number-columns-repeated")
            value = _value(cell)
            if value is not None:
                found += [(column + one, value) for one in range(times)]
            column += times
        for number in range(repeat if found else 0):
            if len(self._seen) + len(self._unseen) > CELL_LIMIT:
                return
            for place, value in found:
                one = Cell(self._row + number, place, value)
                (self._unseen if away or place in self._away else self._seen).append(one)
        self._row += repeat

    def done(self) -> Sheet:
        return Sheet(self._name, tuple(self._seen), self._hidden, tuple(self._unseen))


def _repeat(element: Any, name: str) -> int:
    stated = attribute(element, name)
    return min(int(stated), _REPEAT) if stated.isdigit() and len(stated) < 9 else 1


def _value(cell: Any) -> str | float | bool | None:
    """Return a cell's value (ISO/IEC 26300-3, 19.385 and 19.379 to 19.384)."""
    kind = attribute(cell, "value-type")
    if kind in ("float", "percentage", "currency"):
        try:
            return float(attribute(cell, "value"))
        except ValueError:
            return None
    if kind == "boolean":
        return attribute(cell, "boolean-value") == "true"
    if kind == "date":
        return _day(attribute(cell, "date-value"))
    if kind == "time":
        return _clock(attribute(cell, "time-value"))
    lines = [
        "".join(_paragraph(one)).strip()
        for one in cell
        if str(one.tag).rpartition("}")[2] in ("p", "h")
    ]
    return "\n".join(lines) or None


def _day(value: str) -> str | float:
    try:
        moment = datetime.fromisoformat(value[:26])
    except ValueError:
        return value
    return (moment.replace(tzinfo=None) - _EPOCH).total_seconds() / 86400


def _clock(value: str) -> str | float:
    """Return the days of a duration such as PT13H05M30.5S."""
    text = value.removeprefix("-").removeprefix("PT")
    seconds, number = 0.0, ""
    for character in text:
        if character in "HMS":
            try:
                seconds += float(number.replace(",", ".")) * {"H": 3600, "M": 60, "S": 1}[character]
            except ValueError:
                return value
            number = ""
        else:
            number += character
    return seconds / 86400 * (-1 if value.startswith("-") else 1)


def _paragraph(element: Any) -> Iterator[str]:
    """Yield the text in and below a paragraph, in order, without what is skipped."""
    local = str(element.tag).rpartition("}")[2]
    if local in _SKIP:
        return
    yield element.text or ""
    for child in element:
        yield from _paragraph(child)
        yield child.tail or ""
    if local in _BREAKS:
        yield " "
