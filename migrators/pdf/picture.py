# SPDX-License-Identifier: AGPL-3.0-or-later
"""A page as a picture of itself, its text searchable beneath: when nothing else is left.

What MuPDF shows of the page is kept at 300 dpi, and each word where it stood. Runs in
the child.
"""

from __future__ import annotations

import io
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from migrators.pdf.fonts import unicode_maps
from migrators.pdf.opening import opened

_DPI = 300
_PIXELS = 40_000_000  # of one page; a larger one is shown more coarsely
_LARGEST = 0xFFFF


def pages(base: Path, target: Path, numbers: tuple[int, ...]) -> None:
    """Write `target`, `base` with these pages (from 1) as pictures. Raises DamagedError."""
    import pymupdf
    from pikepdf import Dictionary, Name

    with opened(base) as document, pymupdf.open(base) as shown:
        font = _font(document)
        for number in numbers:
            page, view = document.pages[number - 1], shown[number - 1]
            view.set_rotation(0)
            left, bottom, right, top = (float(one) for one in page.cropbox)
            width, height = right - left, top - bottom
            image = _image(document, view)
            lines = [f"q {width:.4f} 0 0 {height:.4f} {left:.4f} {bottom:.4f} cm /Page Do Q"]
            lines += ["BT", "3 Tr"]
            for x0, _, x1, y1, word, *_ in view.get_text("words"):
                lines.append(_shown(word, left + x0, top - y1, x1 - x0))
            lines.append("ET")
            page.obj.Contents = document.make_stream("\n".join(lines).encode("ascii"))
            page.obj.Resources = Dictionary(
                XObject=Dictionary(Page=image), Font=Dictionary(Text=font)
            )
            for key in (Name.Group, Name.StructParents):
                if key in page.obj:
                    del page.obj[key]
        document.save(target, deterministic_id=True)


def same_words(before: Path, after: Path, numbers: tuple[int, ...]) -> bool:
    """Whether each of these pages (from 1) has all words that it had. Raises DamagedError."""
    import pymupdf

    with pymupdf.open(before) as one, pymupdf.open(after) as other:
        for number in numbers:
            had, has = (
                Counter(word[4] for word in document[number - 1].get_text("words"))
                for document in (one, other)
            )
            if had - has:
                return False
    return True


def _image(document: Any, view: Any) -> Any:
    import pymupdf
    from pikepdf import Name

    area = max(abs(view.rect.width * view.rect.height), 1.0)
    scale = min(_DPI / 72, (_PIXELS / area) ** 0.5)
    pixmap = view.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), alpha=False, colorspace=pymupdf.csRGB, annots=False
    )
    stream = document.make_stream(bytes(pixmap.samples))
    stream.Type, stream.Subtype = Name.XObject, Name.Image
    stream.Width, stream.Height = pixmap.width, pixmap.height
    stream.ColorSpace, stream.BitsPerComponent = Name.DeviceRGB, 8
    return stream


def _shown(word: str, x: float, y: float, width: float) -> str:
    """Return the operators for an invisible word; a glyph is as wide as half its height."""
    codes = [ord(one) if ord(one) <= _LARGEST else 0xFFFD for one in word]
    size = max(width / (0.5 * max(len(codes), 1)), 0.1)
    text = "".join(f"{code:04X}" for code in codes)
    return f"/Text {size:.3f} Tf 1 0 0 1 {x:.3f} {y:.3f} Tm <{text}> Tj"


def _font(document: Any) -> Any:
    """Return a font of empty glyphs whose codes are Unicode values."""
    from pikepdf import Array, Dictionary, Name, String

    data = _empty_program()
    stream = document.make_stream(data)
    stream.Length1 = len(data)
    descriptor = Dictionary(
        Type=Name.FontDescriptor, FontName=Name.Unseen, Flags=4, ItalicAngle=0, Ascent=800,
        FontBBox=Array([0, -200, 500, 800]), Descent=-200, CapHeight=800, StemV=80,
        FontFile2=stream,
    )  # fmt: skip
    child = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name.Unseen, DW=500,
        CIDSystemInfo=Dictionary(
            Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0
        ),
        FontDescriptor=document.make_indirect(descriptor),
        CIDToGIDMap=document.make_stream(b"\0\1" * (_LARGEST + 1)),
    )  # fmt: skip
    return document.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name.Unseen,
            Encoding=Name("/Identity-H"), DescendantFonts=Array([document.make_indirect(child)]),
            ToUnicode=document.make_stream(unicode_maps.identity()),
        )
    )  # fmt: skip


@lru_cache(maxsize=1)
def _empty_program() -> bytes:
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    from migrators.pdf.fonts.composite import EPOCH

    order = [".notdef", "unseen"]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({})
    builder.setupGlyf({name: TTGlyphPen(None).glyph() for name in order})
    builder.setupHorizontalMetrics(dict.fromkeys(order, (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = EPOCH
    builder.font.recalcTimestamp = False
    buffer = io.BytesIO()
    builder.save(buffer)
    return buffer.getvalue()
