# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write the one sheet of an ODS as CSV (RFC 4180): values in full, dates as ISO 8601."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.core.errors import EmptyError, NotConvertedError

_ROWS = 2_000_000
_COLUMNS = 16_384
_DURATION = re.compile(r"(-?)PT(\d+)H(\d+)M(\d+)(?:[.,](\d+))?S")


def write(ods: Path, target: Path) -> dict[str, int]:
    """Write `target` (UTF-8, comma, CRLF); return {"rows", "columns"}.

    Raises NotConvertedError for a second sheet with content, EmptyError for none.
    """
    sheets = [(name, rows) for name, rows in _sheets(ods) if rows]
    if not sheets:
        raise EmptyError("no sheet has content", "office.no_content")
    if len(sheets) > 1:
        names = ", ".join(name for name, _ in sheets[:10])
        raise NotConvertedError(f"{len(sheets)} sheets have content: {names}", "office.more_sheets")
    rows = sheets[0][1]
    width = max(map(len, rows))
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerows([*row, *[""] * (width - len(row))] for row in rows)
    return {"rows": len(rows), "columns": width}


def _sheets(ods: Path) -> Iterator[tuple[str, list[list[str]]]]:
    from lxml import etree

    rows: list[list[str]] = []
    with zipfile.ZipFile(ods) as archive, archive.open("content.xml") as stream:
        for _, element in etree.iterparse(
            stream, events=("end",), resolve_entities=False, no_network=True, load_dtd=False
        ):
            local = str(element.tag).rpartition("}")[2]
            if local == "table-row":
                _row(element, rows)
                element.clear()
            elif local == "table" and element.getparent() is not None:
                while rows and not rows[-1]:
                    rows.pop()
                # A chart brings its own table, within a cell: that row was cleared above.
                yield _of(element, "name"), rows
                rows = []


def _row(element: Any, rows: list[list[str]]) -> None:
    values: list[str] = []
    for cell in element:
        times = _number(cell, "number-columns-repeated")
        text = _text(cell)
        values += [text] * min(times, _COLUMNS - len(values))
    while values and not values[-1]:
        values.pop()
    times = _number(element, "number-rows-repeated")
    # A sheet ends with a million empty rows in one element.
    rows += [values] * min(times, _ROWS - len(rows))


def _text(cell: Any) -> str:
    kind = _of(cell, "value-type")
    if kind in ("float", "percentage", "currency"):
        return _figure(_of(cell, "value"))
    if kind == "date":
        return _of(cell, "date-value")
    if kind == "time":
        return _clock(_of(cell, "time-value"))
    if kind == "boolean":
        return _of(cell, "boolean-value").upper()
    lines = ["".join(_words(one)) for one in cell if str(one.tag).rpartition("}")[2] in ("p", "h")]
    return "\n".join(lines)


def _words(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        local = str(child.tag).rpartition("}")[2]
        if local == "s":
            yield " " * _number(child, "c")
        elif local in ("tab", "line-break"):
            yield "\t" if local == "tab" else "\n"
        elif local != "annotation":
            yield from _words(child)
        yield child.tail or ""


def _figure(value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _clock(value: str) -> str:
    match = _DURATION.fullmatch(value)
    if match is None:
        return value
    sign, hours, minutes, seconds, part = match.groups()
    rest = (part or "").rstrip("0")
    return f"{sign}{int(hours):02d}:{minutes}:{seconds}" + (f".{rest}" if rest else "")


def _number(element: Any, name: str) -> int:
    stated = _of(element, name)
    return int(stated) if stated.isdigit() and len(stated) < 9 else 1


def _of(element: Any, name: str) -> str:
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""
