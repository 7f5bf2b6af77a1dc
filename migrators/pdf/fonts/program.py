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


def type1c(face: Source, name: str, wanted: Mapping[str, Wanted]) -> Program:
    """Return a CFF font of glyphs of `face` under the names that the PDF uses."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.boundsPen import BoundsPen
    from fontTools.pens.t2CharStringPen import T2CharStringPen

    order = [".notdef", *sorted(one for one in wanted if one != ".notdef")]
    drawn: dict[str, Any] = {}
    left, bottom, right, top = 0.0, 0.0, 0.0, 0.0
    for glyph in order:
        one = wanted.get(glyph)
        pen = T2CharStringPen(round(one.width) if one else 0, None)
        if one is not None:
            advance = face.advance(one.source)
            factor = stretch(one.width, advance)
            face.draw(one.source, pen, factor)
            box = BoundsPen(None)
            face.draw(one.source, box, factor)
            if box.bounds:
                left, bottom = min(left, box.bounds[0]), min(bottom, box.bounds[1])
                right, top = max(right, box.bounds[2]), max(top, box.bounds[3])
        drawn[glyph] = pen.getCharString()
    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder(order)
    builder.setupCFF(name, {"FullName": name}, drawn, {})
    return Program(compiled(builder.font), (left, bottom, right, top))


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
