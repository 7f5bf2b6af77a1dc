# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write an embedded font anew that PDF/A cannot accept (ISO 19005-2, 6.2.11.4 to 6.2.11.8).

Widths in the program that are not those of the dictionary, a symbolic TrueType font whose
cmap says nothing, codes that lead to .notdef: the glyphs that readers draw are taken out
of the program as they are and put into a new one, under the same codes and with the
dictionary's widths. Nothing looks otherwise; hints for coarse screens are lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migrators.pdf import codes, walk
from migrators.pdf.fonts import composite, program, reader, simple, unicode_maps
from migrators.pdf.fonts.program import Wanted
from migrators.pdf.menders import font_embedding
from migrators.pdf.menders.base import Mending

_MISSING = frozenset({"6.2.11.4.1-1", "6.3.4-1"})
_TRUETYPE = frozenset(
    {"6.2.11.6-1", "6.2.11.6-2", "6.2.11.6-3", "6.2.11.6-4", "6.3.7-1", "6.3.7-2", "6.3.7-3"}
)
_SIMPLE = ("/Type1", "/TrueType", "/MMType1")


def rebuild(mending: Mending) -> int:
    """Rebuild the fonts that break a rule; if none can be told apart, all that are shown.

    In place of a program that cannot be read comes a substitute, as in readers.
    """
    if mending.rules & _MISSING and mending.changed:
        return 0  # fonts were embedded in this very round: let them be judged first
    fonts = [font for font in _shown(mending) if walk.embedded(_descriptor(font))]
    faulty = [font for font in fonts if _faulty(mending, font)]
    changed = 0
    for font in faulty or fonts:
        try:
            if str(font.Subtype) == "/Type0":
                changed += _composite(mending, font)
            else:
                changed += _simple(mending, font)
        except reader.ReadError:
            changed += font_embedding.replace(mending, font)
        except (ValueError, KeyError) as error:
            mending.note("pdfa.font_left", f"{font.get('/BaseFont', '')}: {error}"[:200])
    return changed


def _shown(mending: Mending) -> list[Any]:
    """Return the fonts that text is shown in, each once."""
    found: dict[tuple[int, int], Any] = {}
    for font in walk.fonts(mending.document):
        kind = str(font.get("/Subtype", ""))
        if kind in (*_SIMPLE, "/Type0") and font.is_indirect and mending.shown().get(font.objgen):
            found.setdefault(font.objgen, font)
    return list(found.values())


def _descriptor(font: Any) -> Any:
    from pikepdf import Array, Name

    descendants = font.get(Name.DescendantFonts)
    holder = descendants[0] if isinstance(descendants, Array) and len(descendants) else font
    return holder.get(Name.FontDescriptor)


def _faulty(mending: Mending, font: Any) -> bool:
    """Whether a font is one that the broken rules can be about."""
    from pikepdf import Name

    try:
        if str(font.Subtype) == "/Type0":
            child = font.DescendantFonts[0]
            used = codes.cids(mending.shown()[font.objgen], font) or set()
            read = reader.read(child.FontDescriptor)
            default, stated = composite.widths(child)
            notdef = read.order[0]
            return any(
                glyph == notdef or abs(read.advance(glyph) - stated.get(cid, default)) > 1
                for cid, glyph in composite.glyphs(child, read, used).items()
            )
        read = reader.read(font.FontDescriptor)
        if font.Subtype == Name.TrueType and mending.rules & _TRUETYPE:
            return True
        found = simple.glyphs(font, read, _codes(mending, font))
        widths = _widths(font)
        return any(
            glyph == read.order[0] or abs(read.advance(glyph) - widths(code, glyph, read)) > 1
            for code, (glyph, _) in found.items()
        )
    except (reader.ReadError, ValueError, KeyError, TypeError):
        return True


def _codes(mending: Mending, font: Any) -> set[int]:
    return {code for one in mending.shown()[font.objgen] for code in one}


def _widths(font: Any) -> Callable[[int, str, reader.Program], float]:
    """Return how wide a code is by the dictionary, or by the program where that is silent."""
    from pikepdf import Array, Name

    stated = font.get(Name.Widths)
    first = int(font.get(Name.FirstChar, 0))
    missing = float(font.FontDescriptor.get(Name.MissingWidth, 0))

    def width(code: int, glyph: str, read: reader.Program) -> float:
        if not isinstance(stated, Array):
            return read.advance(glyph)
        place = code - first
        return float(stated[place]) if 0 <= place < len(stated) else missing

    return width


def _simple(mending: Mending, font: Any) -> int:
    from pikepdf import Name

    read = reader.read(font.FontDescriptor)
    found = simple.glyphs(font, read, _codes(mending, font))
    stated = _widths(font)
    wanted: dict[str, Wanted] = {}
    names: dict[int, str] = {}
    widths: dict[int, float] = {}
    for code, (glyph, name) in sorted(found.items()):
        one = Wanted(glyph, stated(code, glyph, read))
        label = name if name and name != ".notdef" else f"c{code:02X}"
        if wanted.get(label, one) != one:
            label = f"c{code:02X}"
        wanted[label], names[code], widths[code] = one, label, one.width
    if unicode_maps.lacking(font):
        unicode_maps.state(mending.document, font, simple.text(read, found))
    tag = program.tag(str(font.get(Name.BaseFont, "")), sorted(map(str, wanted.items())))
    base = str(font.get(Name.BaseFont, "/Font"))[1:]
    named = program.ascii_name(f"{tag}+{base.partition('+')[2] or base}")
    made = program.type1c(read, named, wanted)
    _describe(mending.document, font, made.data)
    _encode(font, names, widths)
    mending.note("pdfa.font_rebuilt", named)
    return 1


def _describe(document: Any, font: Any, data: bytes) -> None:
    from pikepdf import Dictionary, Name

    stream = document.make_stream(data)
    stream.Subtype = Name.Type1C
    old = font.FontDescriptor
    new = Dictionary(
        {
            key: old[key]
            for key in old
            if not key.startswith("/FontFile") and key not in ("/CharSet", "/CIDSet")
        }
    )
    new.FontFile3 = stream
    # Its own encoding is stated in full: no reader looks for another.
    new.Flags = int(new.get(Name.Flags, 0)) & ~32 | 4
    font.FontDescriptor = document.make_indirect(new)
    font.Subtype = Name.Type1


def _encode(font: Any, names: dict[int, str], widths: dict[int, float]) -> None:
    from pikepdf import Array, Dictionary, Name

    low, high = min(names), max(names)
    font.FirstChar, font.LastChar = low, high
    font.Widths = Array([round(widths.get(code, 0.0), 3) for code in range(low, high + 1)])
    differences = Array([])
    for code in sorted(names):
        if code - 1 not in names:
            differences.append(code)
        differences.append(Name(f"/{names[code]}"))
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=differences)


def _composite(mending: Mending, font: Any) -> int:
    from pikepdf import Name

    child = font.DescendantFonts[0]
    used = codes.cids(mending.shown()[font.objgen], font)
    if not used:
        return 0
    read = reader.read(child.FontDescriptor)
    glyphs = composite.glyphs(child, read, used)
    if 0 in used and str(font.get(Name.Encoding, "")).startswith("/Identity-"):
        glyphs = composite.without_zero(mending.document, font, child, glyphs)
    composite.write(mending.document, child, read, glyphs)
    mending.note("pdfa.font_rebuilt", str(font.get(Name.BaseFont, "/"))[1:])
    return 1
