# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fonts that may stand in for one that a PDF names and does not carry.

URW's faces out of PyMuPDF first: MuPDF draws such text with them, and so what is embedded
looks as it looked. Their licence, and that of the Debian faces, allows embedding.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from migrators.pdf.fonts import program
from pipeline.core import font_names

_FOLDER = Path("/usr/share/fonts")

# PDF font flags, ISO 32000-1, table 123.
FIXED, SERIF, SYMBOLIC, NONSYMBOLIC, ITALIC, FORCE_BOLD = 1, 2, 4, 32, 64, 1 << 18

_PLAIN = ("helv", "hebo", "heit", "hebi")
_SERIF = ("tiro", "tibo", "tiit", "tibi")
_FIXED = ("cour", "cobo", "coit", "cobi")


@dataclass(frozen=True, slots=True)
class Choice:
    """A face and whether it has the widths of the font that is missing."""

    face: Face
    equal: bool


class Face:
    """Glyphs of one font by name, in units of a thousandth of the font's size."""

    def __init__(self, name: str, glyphs: Any, cmap: dict[int, str], units: int, angle: float):
        self.name = name
        self.angle = angle
        self.encoding: dict[int, str] = {}
        self._glyphs = glyphs
        self._advances: dict[str, float] = {}
        self._cmap = cmap
        self._scale = 1000 / units

    def find(self, name: str) -> str | None:
        """Return this face's own name for the glyph that a PDF calls `name`, or None."""
        from fontTools import agl

        if name in self._glyphs:
            return name
        text = agl.toUnicode(name)
        return self.of(ord(text)) if len(text) == 1 else None

    def of(self, character: int) -> str | None:
        """Return the name of the glyph for a Unicode character, or None."""
        if chr(character).isspace():
            character = 0x20  # a tab has no glyph, and is as wide as the document says
        return self._cmap.get(_ALIKE.get(character, character)) or self._cmap.get(character)

    def advance(self, glyph: str) -> float:
        """Return a glyph's advance width."""
        if glyph not in self._advances:
            self._advances[glyph] = program.advance(self._glyphs[glyph]) * self._scale
        return self._advances[glyph]

    def draw(self, glyph: str, pen: Any, stretch: float) -> None:
        """Draw a glyph, made wider by the factor `stretch`."""
        program.replay(self._glyphs, glyph, pen, (self._scale * stretch, self._scale))


# Hyphens that look like another (WinAnsi 0xAD; Unicode 6.2).
_ALIKE = {0xAD: 0x2D, 0x2010: 0x2D, 0x2011: 0x2D}


def choose(name: str, flags: int) -> Choice | None:
    """Return the face for a font's PostScript name and flags, None for foreign symbols."""
    parsed = font_names.parse(name)
    family = font_names.families().get(parsed.family)
    if family is not None:
        if not family.faces:
            return None
        where = family.faces[parsed.style]
        if where.startswith("mupdf:") or (_FOLDER / where).is_file():
            return Choice(_load(where), family.equal)
    style = int(parsed.bold or bool(flags & FORCE_BOLD)) + 2 * int(
        parsed.italic or bool(flags & ITALIC)
    )
    faces = _FIXED if flags & FIXED else _SERIF if flags & SERIF else _PLAIN
    return Choice(_load(f"mupdf:{faces[style]}"), equal=False)


@lru_cache(maxsize=16)
def _load(where: str) -> Face:
    if where.startswith("mupdf:"):
        return _from_mupdf(where.removeprefix("mupdf:"))
    from fontTools.ttLib import TTFont

    font = TTFont(_FOLDER / where)
    name = str(font["name"].getDebugName(6))
    units, angle = int(font["head"].unitsPerEm), float(font["post"].italicAngle)
    return Face(name, font.getGlyphSet(), dict(font.getBestCmap()), units, angle)


def _from_mupdf(short: str) -> Face:
    import pymupdf
    from fontTools import agl
    from fontTools.cffLib import CFFFontSet

    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(pymupdf.Font(short).buffer), None)
    top = fonts[0]
    names = list(top.charset)
    cmap: dict[int, str] = {}
    for one in names:
        text = agl.toUnicode(one)
        if len(text) == 1:
            cmap.setdefault(ord(text), one)
    angle = float(getattr(top, "ItalicAngle", 0))
    face = Face(fonts.fontNames[0], top.CharStrings, cmap, 1000, angle)
    if isinstance(top.Encoding, list):
        face.encoding = {c: one for c, one in enumerate(top.Encoding) if one != ".notdef"}
    return face
