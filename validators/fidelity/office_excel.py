# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cells of Excel 2 to 2003 workbooks (BIFF), read without LibreOffice, by xlrd."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

from validators.fidelity.office_reading import CELL_LIMIT, Cell, Reading, Sheet, UnreadableError

_LIMIT = 256 * 1024 * 1024  # bytes of a file
_TEXT, _NUMBER, _DATE, _BOOL, _ERROR = 1, 2, 3, 4, 5  # xlrd.XL_CELL_*
_FILLED = frozenset({_TEXT, _NUMBER, _DATE, _BOOL, _ERROR})
_EPOCH_1904 = 1462  # days from 1899-12-30 to 1904-01-01


def read(path: Path) -> Reading:
    """Return the workbook's sheets. Raises UnreadableError."""
    import xlrd

    if path.stat().st_size > _LIMIT:
        raise UnreadableError("too large")
    # What xlrd raises is not declared: seen over 2,700 workbooks with bytes changed.
    errors = (xlrd.XLRDError, xlrd.compdoc.CompDocError, xlrd.formula.FormulaError,
              struct.error, LookupError, ValueError, ArithmeticError, TypeError,
              AttributeError, AssertionError, OSError,
              NotImplementedError)  # fmt: skip
    with open(os.devnull, "w", encoding="utf-8") as quiet:
        try:
            book = xlrd.open_workbook(
                str(path), logfile=quiet, formatting_info=True, ragged_rows=True
            )
            days = _EPOCH_1904 if book.datemode else 0
            sheets = tuple(_sheet(book, number, days) for number in range(book.nsheets))
        except errors as error:
            raise UnreadableError(f"xlrd: {type(error).__name__}: {error}"[:200]) from error
    text = "\n".join(
        cell.value for one in sheets for cell in one.cells if isinstance(cell.value, str)
    )
    return Reading("xlrd", text, sheets=sheets)


def _sheet(book: Any, number: int, days: int) -> Sheet:
    import xlrd

    sheet = book.sheet_by_index(number)
    seen: list[Cell] = []
    unseen: list[Cell] = []
    hidden = {n for n, column in sheet.colinfo_map.items() if column.hidden}
    for row in range(sheet.nrows):
        information = sheet.rowinfo_map.get(row)
        away = bool(information is not None and information.hidden)
        for column, kind in enumerate(sheet.row_types(row)):
            if kind not in _FILLED:
                continue  # a damaged file may claim 16 million cells that hold nothing
            cell = sheet.cell(row, column)
            value = _value(cell, xlrd.error_text_from_code)
            if value is None:
                continue
            shape = _shape(book, cell)
            if cell.ctype == _DATE and isinstance(value, float):
                value += days
            one = Cell(row, column, value, shape)
            (unseen if away or column in hidden else seen).append(one)
        if len(seen) + len(unseen) > CELL_LIMIT:
            break
    return Sheet(sheet.name, tuple(seen), bool(sheet.visibility), tuple(unseen))


def _shape(book: Any, cell: Any) -> str:
    """Return the number format's code of a cell; BIFF 2 has few and xlrd no list of them."""
    index = cell.xf_index
    if index is None or not 0 <= index < len(book.xf_list):
        return ""
    known = book.format_map.get(book.xf_list[index].format_key)
    code = str(known.format_str or "") if known is not None else ""
    return "" if code.lower() == "general" else code


def _value(cell: Any, errors: Any) -> str | float | bool | None:
    if cell.ctype == _TEXT:
        return str(cell.value) or None
    if cell.ctype in (_NUMBER, _DATE):
        return float(cell.value)
    if cell.ctype == _BOOL:
        return bool(cell.value)
    if cell.ctype == _ERROR:
        return str(errors.get(cell.value, "#ERR"))
    return None
