# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write font programs: CFF for simple fonts (ISO 32000-1, 9.9: FontFile3, Type1C).

Every glyph gets the advance width that the PDF states, and is stretched to it as readers
do with a font that they put in place of a missing one: no line changes its length, and
dictionary and program agree (ISO 19005-2, 6.2.11.5).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

_NARROWEST, _WIDEST = 0.4, 2.5  # a glyph stretched further is no letter any more


class Source(Protocol):
    """Where glyphs come from: a face, or a program that is in the document."""

    def advance(self, glyph: str) -> float:
        """Return a glyph's advance width in thousandths."""
        ...

    def draw(self, glyph: str, pen: Any, stretch: float) -> None:
        """Draw a glyph in thousandths, made wider by a factor."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A glyph of the font to be made: where it comes from, and how wide it shall be."""

    source: str
    width: float


@dataclass(frozen=True, slots=True)
class Program:
    """A font program and its measures, in thousandths of the size."""

    data: bytes
    box: tuple[float, float, float, float]


def type1c(source: Source, name: str, wanted: Mapping[str, Wanted]) -> Program:
    """Return a CFF font of glyphs of `source` under the names that the PDF uses."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.boundsPen import ControlBoundsPen
    from fontTools.pens.t2CharStringPen import T2CharStringPen
    from fontTools.pens.teePen import TeePen

    order = [".notdef", *sorted(one for one in wanted if one != ".notdef")]
    drawn: dict[str, Any] = {}
    bounds = ControlBoundsPen(None)
    for glyph in order:
        one = wanted.get(glyph)
        pen = T2CharStringPen(round(one.width) if one else 0, None)
        if one is not None:
            factor = stretch(one.width, source.advance(one.source))
            source.draw(one.source, TeePen(pen, bounds), factor)
        drawn[glyph] = pen.getCharString()
    builder = FontBuilder(1000, isTTF=False)
    builder.font.recalcBBoxes = False  # or each glyph would be drawn once more
    builder.setupGlyphOrder(order)
    builder.setupCFF(name, {"FullName": name}, drawn, {})
    left, bottom, right, top = bounds.bounds or (0, 0, 0, 0)
    box = (min(left, 0), min(bottom, 0), max(right, 0), max(top, 0))
    builder.font["CFF "].cff[0].FontBBox = [round(one) for one in box]
    return Program(compiled(builder.font), box)


def advance(glyph: Any) -> float:
    """Return a glyph's advance width, in the units of its font."""
    from fontTools.pens.basePen import NullPen

    glyph.draw(NullPen())  # a CFF glyph knows its width once it was drawn
    return float(glyph.width or 0)


def replay(glyphs: Any, glyph: str, pen: Any, scale: tuple[float, float]) -> None:
    """Draw a glyph and the parts that it is put together from, enlarged."""
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.pens.transformPen import TransformPen

    recorded = DecomposingRecordingPen(glyphs)
    glyphs[glyph].draw(recorded)
    recorded.replay(TransformPen(pen, (scale[0], 0, 0, scale[1], 0, 0)))


def tag(name: str, content: object) -> str:
    """Return six letters that are the same for the same subset (ISO 32000-1, 9.6.4)."""
    digest = hashlib.sha256(f"{name} {content}".encode("utf-8", "surrogatepass")).digest()
    return "".join(chr(ord("A") + byte % 26) for byte in digest[:6])


def ascii_name(name: str) -> str:
    """Return a PostScript name of a font without what a CFF program cannot hold."""
    return re.sub(r"[^A-Za-z0-9+._-]", "", name)[:63] or "Font"


def compiled(font: Any) -> bytes:
    """Return the bare CFF table of a fontTools font."""
    data: bytes = font["CFF "].compile(font)
    return data


def stretch(width: float, advance: float) -> float:
    """Return the factor by which a substitute's glyph is widened to fill a width."""
    if width <= 0 or advance <= 0 or abs(width - advance) < 1:
        return 1.0
    return min(max(width / advance, _NARROWEST), _WIDEST)
