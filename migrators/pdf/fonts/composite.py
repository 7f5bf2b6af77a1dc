# SPDX-License-Identifier: AGPL-3.0-or-later
"""Composite fonts (ISO 32000-1, 9.7): from CID to glyph, and a program written anew.

Of a font that the PDF only names, a CID says which character is meant if the collection is
one of Adobe's: pdfminer's tables give its Unicode value, MuPDF's fallback face the glyph. A
CID that is a glyph number of the missing font (Identity) says nothing without /ToUnicode.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from migrators.pdf import cmap, codes, walk
from migrators.pdf.fonts import faces, program, reader
from migrators.pdf.menders.base import Mending
from pipeline.core import font_names

_COLLECTIONS = ("Japan1", "GB1", "CNS1", "Korea1")
EPOCH = 2082844800  # 1970 in seconds since 1904, as fonts count: the same on every run
_MOST = 20_000  # CIDs of one font


def embed(mending: Mending, font: Any) -> int:
    """Embed the descendant of a Type 0 font. Returns 1, or 0 where it is left."""
    from pikepdf import Array, Dictionary, Name

    descendants = font.get(Name.DescendantFonts)
    if not font.is_indirect or not isinstance(descendants, Array) or not len(descendants):
        return 0
    child = descendants[0]
    if not isinstance(child, Dictionary) or walk.embedded(child.get(Name.FontDescriptor)):
        return 0
    used = codes.cids(mending.shown().get(font.objgen, []), font)
    if not used or len(used) > _MOST:
        return 0
    characters = _characters(font, child, used)
    if characters is None:
        return 0
    named = str(child.get(Name.BaseFont, "/"))[1:]
    face, glyphs = _face_for(named, characters)
    if face is None:
        return 0
    write(mending.document, child, face, glyphs)
    font.BaseFont = child.BaseFont = child.FontDescriptor.FontName
    told = f"{named or 'a font without a name'} -> {face.name}"
    if font_names.has_equal(named):
        mending.note("pdfa.font_embedded", told)
    else:
        mending.lost("pdfa.font_substituted", told)
    return 1


def _characters(font: Any, child: Any, used: set[int]) -> dict[int, int] | None:
    """Return CID -> Unicode for all that is used, None where one is not known."""
    from pikepdf import Name, Stream

    table = collection(child)
    if table is not None:
        pass
    elif isinstance(font.get(Name.ToUnicode), Stream) and str(
        font.get(Name.Encoding, "")
    ).startswith("/Identity"):
        table = codes.to_unicode(font.ToUnicode.read_bytes())
    else:
        return None
    found = {cid: table[cid] for cid in used if cid in table}
    return found if len(found) == len(used) else None


def _face_for(named: str, characters: Mapping[int, int]) -> tuple[Any, dict[int, str]]:
    """Return a face that has every character, and CID -> its glyph; (None, {}) if none has."""
    choice = faces.choose(named, 0)
    for face in (choice.face if choice else None, _fallback()):
        if face is not None:
            glyphs = {cid: face.of(character) for cid, character in characters.items()}
            if all(glyphs.values()):
                return face, {cid: str(glyph) for cid, glyph in glyphs.items()}
    return None, {}


def collection(child: Any) -> dict[int, int] | None:
    """Return CID -> Unicode of a CIDFont's character collection, None if it is not Adobe's."""
    from pikepdf import Dictionary, Name

    system = child.get(Name.CIDSystemInfo)
    ordering = str(system.get(Name.Ordering, "")) if isinstance(system, Dictionary) else ""
    return _collection(ordering) if ordering in _COLLECTIONS else None


@lru_cache(maxsize=4)
def _collection(ordering: str) -> dict[int, int]:
    from pdfminer.cmapdb import CMapDB

    table = CMapDB.get_unicode_map(f"Adobe-{ordering}", False).cid2unichr
    return {int(cid): ord(text) for cid, text in table.items() if len(text) == 1}


@lru_cache(maxsize=1)
def _fallback() -> faces.Face:
    import pymupdf
    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(pymupdf.Font("cjk").buffer), lazy=True)
    cmap = dict(font.getBestCmap())
    units = int(font["head"].unitsPerEm)
    return faces.Face("DroidSansFallback", font.getGlyphSet(), cmap, units, 0.0)


def glyphs(child: Any, read: reader.Program, used: set[int]) -> dict[int, str]:
    """Return CID -> glyph of an embedded program, as 9.7.4.2 says; .notdef where none is."""
    from pikepdf import Name, Stream

    table = child.get(Name.CIDToGIDMap)
    numbers = table.read_bytes() if isinstance(table, Stream) else b""
    notdef = read.order[0]
    found: dict[int, str] = {}
    for cid in used:
        if read.cids and child.get(Name.Subtype) == Name.CIDFontType0:
            found[cid] = read.cids.get(cid, notdef)
        elif numbers:
            number = int.from_bytes(numbers[2 * cid : 2 * cid + 2], "big")
            found[cid] = read.gid(number) or notdef
        else:
            found[cid] = read.gid(cid) or notdef
    return found


def without_zero(document: Any, font: Any, child: Any, wanted: Mapping[int, str]) -> dict[int, str]:
    """Let code 0 mean another CID than 0, which is .notdef whatever is drawn for it.

    Some programs number the letters of a font from 0. Codes in the content stay; a CMap of
    the font's own says what they mean. Returns CID -> glyph as it is then.
    """
    from pikepdf import Array, Dictionary, Name, String

    new = max(wanted) + 1
    _, stated = widths(child)
    if 0 in stated:
        child.W = Array([*child.get(Name.W, Array([])), new, Array([stated[0]])])
    vertical = int(str(font.Encoding).endswith("-V"))
    table = cmap.CMap([(2, 0, 0xFFFF)], [(2, 0, 0, new), (2, 1, 0xFFFF, 1)])
    made = document.make_stream(table.written("Codes", ("Adobe", "Identity", 0), vertical))
    made.Type, made.CMapName, made.WMode = Name.CMap, Name.Codes, vertical
    for one in (made, child):
        one.CIDSystemInfo = Dictionary(
            Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0
        )
    font.Encoding = document.make_indirect(made)
    return {cid or new: glyph for cid, glyph in wanted.items()}


def write(document: Any, child: Any, source: program.Source, wanted: Mapping[int, str]) -> None:
    """Give a CIDFont a TrueType program of these glyphs, with the widths that it states."""
    from pikepdf import Array, Dictionary, Name

    data, gids = _program(source, wanted, widths(child))
    base = program.ascii_name(
        str(child.get(Name.BaseFont, "/Font"))[1:].partition("+")[2] or "Font"
    )
    name = getattr(source, "name", "") or base
    stream = document.make_stream(data)
    stream.Length1 = len(data)
    old = child.get(Name.FontDescriptor)
    kept = {
        key: old[key]
        for key in (old if isinstance(old, Dictionary) else ())
        if not key.startswith("/FontFile") and key not in ("/CIDSet", "/CharSet", "/Style", "/FD")
    }
    box = Array([0, -200, 1000, 900])
    stated = {
        "/Flags": 4, "/FontBBox": box, "/ItalicAngle": 0, "/Ascent": 900, "/Descent": -200,
        "/CapHeight": 900, "/StemV": 80,
    }  # fmt: skip
    descriptor = Dictionary({**stated, **kept})
    descriptor.Type = Name.FontDescriptor
    descriptor.FontName = Name(f"/{program.tag(name, data)}+{name}")
    descriptor.FontFile2 = stream
    child.FontDescriptor = document.make_indirect(descriptor)
    child.Subtype = Name.CIDFontType2
    table = bytearray(2 * (max(gids) + 1))
    for cid, gid in gids.items():
        table[2 * cid : 2 * cid + 2] = gid.to_bytes(2, "big")
    child.CIDToGIDMap = document.make_stream(bytes(table))


def widths(child: Any) -> tuple[float, dict[int, float]]:
    """Return (default, CID -> width) of /DW and /W (9.7.4.3)."""
    from pikepdf import Array, Name

    found: dict[int, float] = {}
    items = list(child.get(Name.W, Array([])))
    place = 0
    while place + 1 < len(items):
        first = int(items[place])
        if isinstance(items[place + 1], Array):
            for number, width in enumerate(items[place + 1]):
                found[first + number] = float(width)
            place += 2
        elif place + 2 < len(items):
            for cid in range(first, min(int(items[place + 1]), 65535) + 1):
                found[cid] = float(items[place + 2])
            place += 3
        else:
            break
    return float(child.get(Name.DW, 1000)), found


def _program(
    source: program.Source, wanted: Mapping[int, str], stated: tuple[float, dict[int, float]]
) -> tuple[bytes, dict[int, int]]:
    """Return a TrueType program with a glyph for each CID, and CID -> glyph number.

    Cubic outlines become quadratic within half a thousandth of the size.
    """
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    default, own = stated
    order, gids = [".notdef"], {}
    drawn: dict[str, Any] = {".notdef": TTGlyphPen(None).glyph()}
    advances = {".notdef": 1000}
    for cid in sorted(wanted):
        name, width = f"cid{cid:05}", own.get(cid, default)
        pen = TTGlyphPen(None)
        stretch = program.stretch(width, source.advance(wanted[cid]))
        source.draw(wanted[cid], Cu2QuPen(pen, 0.5, reverse_direction=False), stretch)
        drawn[name] = pen.glyph()
        advances[name] = max(0, round(width))
        gids[cid] = len(order)
        order.append(name)
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({})
    builder.setupGlyf(drawn)
    table = builder.font["glyf"]
    metrics = {name: (advances[name], getattr(table[name], "xMin", 0)) for name in order}
    builder.setupHorizontalMetrics(metrics)
    builder.setupHorizontalHeader(ascent=900, descent=-200)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = EPOCH
    builder.font.recalcTimestamp = False
    buffer = io.BytesIO()
    builder.save(buffer)
    return buffer.getvalue(), gids
