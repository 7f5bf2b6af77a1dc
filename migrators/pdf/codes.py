# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which character codes a document's content shows in a font."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from migrators.pdf import cmap

_SHOWING = frozenset({"Tj", "'", '"', "TJ"})


def shown(document: Any) -> dict[tuple[int, int], list[bytes]]:
    """Return, for each indirect font, the strings that are shown in it."""
    import pikepdf

    found: dict[tuple[int, int], list[bytes]] = {}
    for scope in document.content_scopes():
        fonts = (scope.resources or {}).get("/Font") if scope.resources is not None else None
        try:
            instructions = pikepdf.parse_content_stream(scope.content)
        except (pikepdf.PdfError, TypeError, ValueError):
            # What cannot be parsed is for the validator to name; it shows nothing here.
            continue
        for font, data in _strings(instructions, fonts):
            if font is not None and font.is_indirect:
                found.setdefault(font.objgen, []).append(data)
    return found


def operator(instruction: Any) -> str:
    """Return an instruction's operator; "" for garbage that is no text."""
    try:
        return str(instruction.operator)
    except UnicodeDecodeError:
        return ""


def _strings(instructions: Any, fonts: Any) -> Iterator[tuple[Any, bytes]]:
    from pikepdf import Array, ContentStreamInstruction, Dictionary, Name, String

    font: Any = None
    stack: list[Any] = []
    for one in instructions:
        if not isinstance(one, ContentStreamInstruction):
            continue
        name = operator(one)
        if name == "q":
            stack.append(font)
        elif name == "Q" and stack:
            font = stack.pop()
        elif name == "Tf" and one.operands and isinstance(one.operands[0], Name):
            chosen = fonts.get(one.operands[0]) if isinstance(fonts, Dictionary) else None
            font = chosen if isinstance(chosen, Dictionary) else None
        elif name in _SHOWING and one.operands:
            last = one.operands[-1]
            for item in last if isinstance(last, Array) else [last]:
                if isinstance(item, String):
                    yield font, bytes(item)


def cids(strings: list[bytes], font: Any) -> set[int] | None:
    """Return the CIDs of strings shown in a Type 0 font; None where its CMap is not known."""
    from pikepdf import Name, Stream

    encoding = font.get(Name.Encoding)
    if isinstance(encoding, Stream):
        table: cmap.CMap | None = cmap.parse(encoding.read_bytes())
    elif isinstance(encoding, Name):
        if str(encoding).startswith("/Identity-"):
            return {
                int.from_bytes(data[at : at + 2], "big")
                for data in strings
                for at in range(0, len(data) - 1, 2)
            }
        table = cmap.predefined(str(encoding)[1:])
    else:
        table = None
    if table is None or not table.ranges:
        return None
    return {cid for data in set(strings) for cid in table.decode(data)}


def to_unicode(data: bytes) -> dict[int, int]:
    """Return code -> Unicode of a /ToUnicode CMap, for codes that stand for one character."""
    return {code: ord(text) for code, text in to_text(data).items() if len(text) == 1}


def to_text(data: bytes) -> dict[int, str]:
    """Return code -> text of a /ToUnicode CMap; {} for one that cannot be read."""
    from pdfminer.cmapdb import CMapParser, FileUnicodeMap
    from pdfminer.psexceptions import PSException

    found = FileUnicodeMap()
    try:
        CMapParser(found, io.BytesIO(data)).run()
    except (PSException, ValueError, TypeError, struct.error):
        return {}
    return {int(code): str(text) for code, text in found.cid2unichr.items()}
