# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cells of Excel binary workbooks (.xlsb), read without LibreOffice.

[MS-XLSB]: records of a type and a length of seven bits a byte (2.1.4); the sheets of the
workbook (2.4.313 BrtBundleSh), shared strings (2.4.821), rows and cells (2.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zipfile import ZipFile

from validators.fidelity.office_package import member, pictures, relations
from validators.fidelity.office_reading import CELL_LIMIT, Cell, Reading, Sheet, UnreadableError

_BOOK = "xl/workbook.bin"
_ROW, _RK, _ERROR, _BOOL, _REAL, _TEXT, _SHARED = 0, 2, 3, 4, 5, 6, 7
_F_TEXT, _F_NUMBER, _F_BOOL = 8, 9, 10
_RICH, _COLUMN, _STRING, _SHEET = 62, 60, 19, 156
_FORMAT, _STYLES_BEGIN, _STYLES_END, _STYLE = 44, 617, 618, 47


def read(archive: ZipFile, names: list[str]) -> Reading:
    """Return the workbook's sheets. Raises UnreadableError and DamagedError."""
    try:
        return _workbook(archive, names)
    except struct.error as error:
        raise UnreadableError(f"a record is too short: {error}") from error


def _workbook(archive: ZipFile, names: list[str]) -> Reading:
    leads = relations(archive, _BOOK)
    shared: list[str] = []
    if "xl/sharedStrings.bin" in names:
        shared = [_text(body, 1)[0] for kind, body in _records(archive, "xl/sharedStrings.bin")
                  if kind == _STRING]  # fmt: skip
    shapes = _shapes(archive) if "xl/styles.bin" in names else []
    sheets: list[Sheet] = []
    drawings: set[str] = set()
    left = CELL_LIMIT
    for kind, body in _records(archive, _BOOK):
        if kind != _SHEET:
            continue
        identifier, place = _text(body, 8)
        name, _ = _text(body, place)
        what, part = leads.get(identifier, ("", ""))
        if what != "worksheet" or part not in names:
            continue
        hidden = struct.unpack_from("<I", body)[0] != 0
        seen, unseen = _cells(archive, part, shared, shapes, left)
        left -= len(seen) + len(unseen)
        sheets.append(Sheet(name, seen, hidden, unseen))
        drawings |= {to for how, to in relations(archive, part).values() if how == "drawing"}
    text = "\n".join(
        cell.value for one in sheets for cell in one.cells if isinstance(cell.value, str)
    )
    count = len(pictures(archive, sorted(drawings & set(names))))
    return Reading("XLSB reader", text, pictures=count, sheets=tuple(sheets))


def _records(archive: ZipFile, name: str) -> Iterator[tuple[int, bytes]]:
    with member(archive, name) as stream:
        data = stream.read()
    place = 0
    while place < len(data):
        kind = data[place]
        place += 1
        if kind & 0x80 and place < len(data):
            kind = (kind & 0x7F) | (data[place] & 0x7F) << 7
            place += 1
        size = 0
        for shift in range(0, 28, 7):
            if place >= len(data):
                return
            byte = data[place]
            place += 1
            size |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        yield kind, data[place : place + size]
        place += size


def _text(body: bytes, place: int) -> tuple[str, int]:
    """Return an XLWideString (2.5.168) and where it ends."""
    count = struct.unpack_from("<I", body, place)[0]
    if count == 0xFFFFFFFF:
        return "", place + 4
    end = place + 4 + 2 * min(count, len(body))
    return body[place + 4 : end].decode("utf-16-le", "replace"), end


def _shapes(archive: ZipFile) -> list[str]:
    from validators.fidelity.office_ooxml_sheets import BUILT_IN

    codes = dict(BUILT_IN)
    shapes: list[str] = []
    within = False
    for kind, body in _records(archive, "xl/styles.bin"):
        if kind == _FORMAT:
            codes[struct.unpack_from("<H", body)[0]] = _text(body, 2)[0]
        elif kind in (_STYLES_BEGIN, _STYLES_END):
            within = kind == _STYLES_BEGIN
        elif kind == _STYLE and within:
            shapes.append(codes.get(struct.unpack_from("<2xH", body)[0], ""))
    return shapes


def _cells(
    archive: ZipFile, part: str, shared: list[str], shapes: list[str], limit: int
) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    seen: list[Cell] = []
    unseen: list[Cell] = []
    hidden: set[int] = set()
    row, away = 0, False
    for kind, body in _records(archive, part):
        if kind == _ROW:
            row = struct.unpack_from("<I", body)[0]
            # 2.4.746: height (2 bytes at 8), then flags of 24 bits; fDyZero is bit 12 of them.
            away = bool(body[11] & 0x10) if len(body) > 11 else False
        elif kind == _COLUMN:
            first, last, _, _, flags = struct.unpack_from("<IIIIH", body)
            if flags & 1:
                hidden.update(range(first, min(last, first + 20000) + 1))
        elif kind <= _F_BOOL or kind == _RICH:
            value = _value(kind, body, shared)
            if value is None:
                continue
            column, style = struct.unpack_from("<II", body)
            style &= 0xFFFFFF
            shape = shapes[style] if style < len(shapes) else ""
            cell = Cell(row, column, value, shape)
            (unseen if away or column in hidden else seen).append(cell)
            if len(seen) + len(unseen) > limit:
                break
    return tuple(seen), tuple(unseen)


def _value(kind: int, body: bytes, shared: list[str]) -> str | float | bool | None:
    """Return a cell's value; what stands before it is column and style (2.5.9)."""
    value: str | float | bool | None = None
    if kind in (_TEXT, _F_TEXT, _RICH):
        value = _text(body, 9 if kind == _RICH else 8)[0] or None
    elif kind == _SHARED:
        number = struct.unpack_from("<I", body, 8)[0]
        value = shared[number] or None if number < len(shared) else None
    elif kind in (_REAL, _F_NUMBER):
        value = float(struct.unpack_from("<d", body, 8)[0])
    elif kind in (_BOOL, _F_BOOL):
        value = body[8:9] != b"\0"
    elif kind == _RK:
        value = rk(struct.unpack_from("<I", body, 8)[0])
    return value


def rk(number: int) -> float:
    """Return the number that an RkNumber (2.5.122) packs into 32 bits."""
    if number & 2:
        signed = number >> 2
        value = float(signed - (1 << 30) if signed & (1 << 29) else signed)
    else:
        value = struct.unpack("<d", struct.pack("<II", 0, number & 0xFFFFFFFC))[0]
    return value / 100 if number & 1 else value
