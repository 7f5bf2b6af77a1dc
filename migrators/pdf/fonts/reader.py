# SPDX-License-Identifier: AGPL-3.0-or-later
"""Read an embedded font program: which glyph a code means, and what it looks like.

fontTools reads TrueType, OpenType, CFF and Type 1. The way from a code to a glyph is
ISO 32000-1, 9.6.6.4 and 9.7.4.2, with what readers do where a font is not as it says.
"""

from __future__ import annotations

import io
import logging
from typing import Any

from migrators.pdf.fonts import program


class ReadError(ValueError):
    """The program cannot be read."""


class Program:
    """An embedded program. Glyphs are known by fontTools' names, a `str` each."""

    angle = 0.0
    name = ""

    def __init__(self, glyphs: Any, order: list[str], units: float, cmaps: dict[Any, Any]) -> None:
        self._glyphs = glyphs
        self._advances: dict[str, float] = {}
        self._scale = 1000 / units
        self.order = order
        self.cmaps = cmaps  # (platform, encoding) -> code -> glyph
        self.cids: dict[int, str] = {}  # of a CID-keyed CFF font
        self.built_in: dict[int, str] = {}  # its own encoding

    def has(self, glyph: str) -> bool:
        """Whether there is a glyph of this name."""
        return glyph in self._glyphs

    def gid(self, number: int) -> str | None:
        """Return the glyph of a number."""
        return self.order[number] if 0 <= number < len(self.order) else None

    def advance(self, glyph: str) -> float:
        """Return a glyph's advance width in thousandths."""
        if glyph not in self._advances:
            self._advances[glyph] = program.advance(self._glyphs[glyph]) * self._scale
        return self._advances[glyph]

    def draw(self, glyph: str, pen: Any, stretch: float) -> None:
        """Draw a glyph, as `faces.Face.draw` does; never stretched: it is the font itself."""
        del stretch
        program.replay(self._glyphs, glyph, pen, (self._scale, self._scale))


def read(descriptor: Any) -> Program:
    """Return the program of a font descriptor. Raises ReadError."""
    from fontTools.misc.psLib import PSError
    from fontTools.ttLib import TTLibError
    from pikepdf import PdfError

    # It remarks on each oddity of each font.
    logging.getLogger("fontTools").setLevel(logging.CRITICAL)
    try:
        for key, reader in (("/FontFile2", _sfnt), ("/FontFile3", _third), ("/FontFile", _type1)):
            if key in descriptor:
                return reader(descriptor[key].read_bytes())
    except (
        PdfError, TTLibError, PSError, ValueError, KeyError, IndexError, TypeError,
        AttributeError, AssertionError, EOFError, OverflowError,
    ) as error:  # fmt: skip
        # fontTools asserts, indexes and unpacks what a damaged font lets it.
        raise ReadError(f"{type(error).__name__}: {error}"[:200]) from error
    raise ReadError("no program")


def _third(data: bytes) -> Program:
    return _sfnt(data) if data[:4] in (b"OTTO", b"\0\1\0\0", b"true") else _cff(data)


def _sfnt(data: bytes) -> Program:
    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(data), lazy=True, ignoreDecompileErrors=False)
    cmaps: dict[Any, Any] = {}
    if "cmap" in font:
        for table in font["cmap"].tables:
            cmaps.setdefault((table.platformID, table.platEncID), dict(table.cmap))
    units = float(font["head"].unitsPerEm) if "head" in font else 1000.0
    order = list(font.getGlyphOrder())
    found = Program(font.getGlyphSet(), order, units, cmaps)
    if "CFF " in font:
        _cids(found, font["CFF "].cff[0])
    return found


def _cff(data: bytes) -> Program:
    from fontTools.cffLib import CFFFontSet

    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(data), None)
    top = fonts[0]
    matrix = getattr(top, "FontMatrix", None)
    if hasattr(top, "FDArray") and "FontMatrix" not in top.rawDict:
        matrix = getattr(top.FDArray[0], "FontMatrix", matrix)
    units = 1 / float(matrix[0]) if matrix and matrix[0] else 1000.0
    found = Program(top.CharStrings, list(top.charset), units, {})
    _cids(found, top)
    encoding = getattr(top, "Encoding", None)
    if isinstance(encoding, list):
        found.built_in = {code: one for code, one in enumerate(encoding) if one != ".notdef"}
    elif encoding == "StandardEncoding":
        from migrators.pdf.fonts.encodings import table

        found.built_in = dict(table("StandardEncoding"))
    return found


def _cids(found: Program, top: Any) -> None:
    if hasattr(top, "ROS"):
        for name in top.charset:
            if name.startswith("cid") and name[3:].isdigit():
                found.cids[int(name[3:])] = name
        found.cids.setdefault(0, top.charset[0])


def _type1(data: bytes) -> Program:
    from fontTools.t1Lib import T1Font

    font = T1Font.__new__(T1Font)
    font.encoding = "ascii"
    font.data = data
    font.parse()
    glyphs = font.getGlyphSet()
    matrix = font.font.get("FontMatrix", [0.001])
    found = Program(glyphs, list(glyphs.keys()), 1 / float(matrix[0] or 0.001), {})
    encoding = font.font.get("Encoding")
    if isinstance(encoding, list):
        found.built_in = {
            code: str(one) for code, one in enumerate(encoding) if str(one) != ".notdef"
        }
    else:
        from migrators.pdf.fonts.encodings import table

        found.built_in = dict(table("StandardEncoding"))
    return found
