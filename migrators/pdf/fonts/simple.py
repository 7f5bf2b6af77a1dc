# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a simple font's code to the glyph that readers draw for it (ISO 32000-1, 9.6.6)."""

from __future__ import annotations

from typing import Any

from migrators.pdf.fonts import encodings
from migrators.pdf.fonts.reader import Program

_SYMBOLIC = 4


def glyphs(font: Any, program: Program, codes: set[int]) -> dict[int, tuple[str, str]]:
    """Return code -> (glyph of the program, name of it by the encoding or "").

    A code that leads nowhere gives the program's first glyph, .notdef, which is what
    readers draw.
    """
    from pikepdf import Dictionary, Name

    descriptor = font.get(Name.FontDescriptor)
    flags = int(descriptor.get(Name.Flags, 0)) if isinstance(descriptor, Dictionary) else 0
    truetype = bool(program.cmaps) or "/FontFile2" in (descriptor or {})
    symbolic = bool(flags & _SYMBOLIC) and truetype
    stated = font.get(Name.Encoding)
    names: dict[int, str] = {}
    if not truetype or isinstance(stated, Dictionary) or (stated is not None and not symbolic):
        names = encodings.of_font(font, {} if truetype else _own(font, program))
    elif not symbolic:
        names = encodings.of_font(font, {})
    found: dict[int, tuple[str, str]] = {}
    notdef = program.order[0] if program.order else ".notdef"
    for code in codes:
        name = names.get(code, "")
        glyph = _by_name(program, name) if name else None
        if truetype and (symbolic or glyph is None):
            glyph = _by_code(program, code) or glyph
        found[code] = (glyph or notdef, name)
    return found


def _own(font: Any, program: Program) -> dict[int, str]:
    """Return the program's own encoding where the PDF states none to start from."""
    from pikepdf import Dictionary, Name

    stated = font.get(Name.Encoding)
    if isinstance(stated, Name):
        return {}
    if isinstance(stated, Dictionary) and Name.BaseEncoding in stated:
        return {}
    return program.built_in


def _by_name(program: Program, name: str) -> str | None:
    from fontTools import agl

    if not program.cmaps:
        return name if program.has(name) else None
    text = agl.toUnicode(name)
    if len(text) == 1:
        for key in ((3, 1), (0, 3), (0, 1), (3, 10)):
            glyph = program.cmaps.get(key, {}).get(ord(text))
            if glyph:
                return str(glyph)
    mac = _mac_codes().get(name)
    glyph = program.cmaps.get((1, 0), {}).get(mac) if mac is not None else None
    if glyph:
        return str(glyph)
    return name if program.has(name) else None


def _by_code(program: Program, code: int) -> str | None:
    symbols = program.cmaps.get((3, 0), {})
    for base in (0xF000, 0, 0xF100, 0xF200):
        if symbols.get(base + code):
            return str(symbols[base + code])
    for key in ((1, 0), (3, 1)):
        glyph = program.cmaps.get(key, {}).get(code)
        if glyph:
            return str(glyph)
    return None


def _mac_codes() -> dict[str, int]:
    return {name: code for code, name in encodings.table("MacRomanEncoding").items()}


def text(program: Program, found: dict[int, tuple[str, str]]) -> dict[int, str]:
    """Return code -> text, from the encoding's names or the program's own tables."""
    from fontTools import agl

    back: dict[str, str] = {}
    for key in ((3, 10), (3, 1), (0, 4), (0, 3)):
        for code, glyph in program.cmaps.get(key, {}).items():
            back.setdefault(str(glyph), chr(code))
    known: dict[int, str] = {}
    for code, (glyph, name) in found.items():
        one = agl.toUnicode(name) or back.get(glyph, "") or agl.toUnicode(glyph)
        if one:
            known[code] = one
    return known
