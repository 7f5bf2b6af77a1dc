# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which text a font's codes stand for (ISO 19005-2, 6.2.11.7): said in full, for level U.

Known from the names of the encoding, the program's own table, or the character collection
of a CIDFont. What is not known is not invented: the document stays level B then.
"""

from __future__ import annotations

from typing import Any

from migrators.pdf import codes, walk
from migrators.pdf.fonts import composite, encodings, reader, simple, unicode_maps
from migrators.pdf.menders.base import Mending

_FORBIDDEN = frozenset({0, 0xFEFF, 0xFFFE})


def complete(mending: Mending) -> int:
    """State the text of every code that is shown and has none."""
    from pikepdf import PdfError

    changed = 0
    for font in _shown(mending):
        strings = mending.shown()[font.objgen]
        try:
            found = _composite(font, strings) if _is_composite(font) else _simple(font, strings)
            lacking = unicode_maps.lacking(font)
            stated = {} if lacking else codes.to_text(font.ToUnicode.read_bytes())
        except (reader.ReadError, PdfError, ValueError, KeyError):
            continue  # stays without, and the validator says so
        text = {**found, **{code: one for code, one in stated.items() if _allowed(one)}}
        if text and text != stated:
            unicode_maps.state(mending.document, font, text, 2 if _is_composite(font) else 1)
            changed += 1
    return changed


def _allowed(text: str) -> bool:
    return bool(text) and not any(ord(one) in _FORBIDDEN for one in text)


def _is_composite(font: Any) -> bool:
    return str(font.get("/Subtype", "")) == "/Type0"


def _shown(mending: Mending) -> list[Any]:
    found: dict[tuple[int, int], Any] = {}
    for font in walk.fonts(mending.document):
        if font.is_indirect and mending.shown().get(font.objgen):
            found.setdefault(font.objgen, font)
    return list(found.values())


def _simple(font: Any, strings: list[bytes]) -> dict[int, str]:
    from fontTools import agl
    from pikepdf import Name

    used = {code for one in strings for code in one}
    if walk.embedded(font.get(Name.FontDescriptor)):
        read = reader.read(font.FontDescriptor)
        return simple.text(read, simple.glyphs(font, read, used))
    names = encodings.of_font(font, {})
    return {code: agl.toUnicode(names.get(code, "")) for code in used if names.get(code)}


def _composite(font: Any, strings: list[bytes]) -> dict[int, str]:
    """Return code -> text; codes of two bytes that are CIDs (Identity) alone are known."""
    from pikepdf import Name

    if not str(font.get(Name.Encoding, "")).startswith("/Identity-"):
        return {}
    used = codes.cids(strings, font) or set()
    child = font.DescendantFonts[0]
    table = composite.collection(child)
    if table is not None:
        return {cid: chr(table[cid]) for cid in used if cid in table}
    if not walk.embedded(child.get(Name.FontDescriptor)):
        return {}
    read = reader.read(child.FontDescriptor)
    return simple.text(
        read, {cid: (glyph, "") for cid, glyph in composite.glyphs(child, read, used).items()}
    )
