# SPDX-License-Identifier: AGPL-3.0-or-later
"""Embed a font that a PDF only names (ISO 19005-2, 6.2.11.4.1; ISO 19005-1, 6.3.4).

A simple font gets a CFF program with a glyph for each code of its encoding; codes,
encoding and widths stay, so text, its places and its search stay. A composite font is
`composite.embed`'s.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from migrators.pdf import walk
from migrators.pdf.fonts import composite, encodings, faces, program
from migrators.pdf.fonts.program import Wanted
from migrators.pdf.menders.base import Mending

_SIMPLE = ("/Type1", "/TrueType", "/MMType1")


def embed(mending: Mending) -> int:
    """Embed every font without a program. What no face can stand in for is left."""
    changed = 0
    done: set[tuple[int, int]] = set()
    for font in list(walk.fonts(mending.document)):
        if font.is_indirect:
            if font.objgen in done:
                continue
            done.add(font.objgen)
        subtype = str(font.get("/Subtype", ""))
        if subtype == "/Type0":
            changed += composite.embed(mending, font)
        elif subtype in _SIMPLE or (subtype == "" and "/BaseFont" in font):
            changed += _simple(mending, font)
    return changed


def replace(mending: Mending, font: Any) -> int:
    """Put a substitute in place of a program that nobody can read; told as such."""
    from pikepdf import Name

    if str(font.get(Name.Subtype, "")) not in _SIMPLE:
        return 0
    named = str(font.get(Name.BaseFont, "/"))[1:]
    if not _simple(mending, font, unreadable=True):
        return 0
    mending.lost("pdfa.font_unreadable", named)
    return 1


def _simple(mending: Mending, font: Any, *, unreadable: bool = False) -> int:
    from pikepdf import Dictionary, Name

    descriptor = font.get(Name.FontDescriptor)
    if walk.embedded(descriptor) and not unreadable:
        return 0
    named = str(font.get(Name.BaseFont, ""))[1:]
    flags = int(descriptor.get(Name.Flags, 0)) if isinstance(descriptor, Dictionary) else 0
    choice = faces.choose(named, flags)
    if choice is None:
        return 0
    face = choice.face
    names = encodings.of_font(font, face.encoding)
    widths = _widths(font, descriptor)
    wanted: dict[str, Wanted] = {}
    used = _used(mending, font)
    for code, name in names.items():
        source = face.find(name) if used is None or code in used else None
        if source is not None and name not in wanted:
            wanted[name] = Wanted(source, widths.get(code, face.advance(source)))
    if not wanted:
        return 0
    tag = program.tag(face.name, sorted(map(str, wanted.items())))
    made = _program(face, f"{tag}+{face.name}", tuple(sorted(wanted.items())))
    _describe(mending.document, font, f"{tag}+{face.name}", made, face)
    _state_widths(font, names, wanted, widths)
    _state_encoding(font, names, symbolic=bool(face.encoding))
    font.Type, font.Subtype = Name.Font, Name.Type1
    font.BaseFont = Name(f"/{tag}+{face.name}")
    tell = mending.note if choice.equal else mending.lost
    what = "pdfa.font_embedded" if choice.equal else "pdfa.font_substituted"
    tell(what, f"{named or 'a font without a name'} -> {face.name}")
    return 1


def _used(mending: Mending, font: Any) -> set[int] | None:
    """Return the codes that are shown; None for a font of which that cannot be said."""
    if not font.is_indirect:
        return None
    return {code for one in mending.shown().get(font.objgen, ()) for code in one}


@lru_cache(maxsize=64)
def _program(
    face: faces.Face, name: str, wanted: tuple[tuple[str, Wanted], ...]
) -> program.Program:
    """Make a program, once for the same letters: a system's documents have one letterhead."""
    return program.type1c(face, name, dict(wanted))


def _widths(font: Any, descriptor: Any) -> dict[int, float]:
    """Return the widths that the PDF states; none where the program's own count."""
    from pikepdf import Array, Dictionary, Name

    stated = font.get(Name.Widths)
    if not isinstance(stated, Array):
        return {}
    first = int(font.get(Name.FirstChar, 0))
    found = {first + number: float(width) for number, width in enumerate(stated)}
    missing = descriptor.get(Name.MissingWidth, 0) if isinstance(descriptor, Dictionary) else 0
    return {code: found.get(code, float(missing)) for code in range(256)}


def _describe(document: Any, font: Any, name: str, made: program.Program, face: Any) -> None:
    from pikepdf import Array, Dictionary, Name

    stream = document.make_stream(made.data)
    stream.Subtype = Name.Type1C
    old = font.get(Name.FontDescriptor)
    if isinstance(old, Dictionary):
        # Others may share it, with other widths: each font gets its own.
        descriptor = Dictionary({key: old[key] for key in old if not key.startswith("/FontFile")})
    else:
        left, bottom, right, top = made.box
        descriptor = Dictionary(
            Flags=faces.SYMBOLIC if face.encoding else faces.NONSYMBOLIC,
            FontBBox=Array([round(left), round(bottom), round(right), round(top)]),
            ItalicAngle=round(face.angle),
            Ascent=round(top),
            Descent=round(bottom),
            CapHeight=round(top),
            StemV=80,
        )
    for key in ("/CharSet", "/CIDSet"):
        if key in descriptor:
            del descriptor[key]
    descriptor.Type, descriptor.FontName = Name.FontDescriptor, Name(f"/{name}")
    descriptor.FontFile3 = stream
    font.FontDescriptor = document.make_indirect(descriptor)


def _state_widths(
    font: Any, names: dict[int, str], wanted: dict[str, Wanted], widths: dict[int, float]
) -> None:
    """Complete /FirstChar, /LastChar and /Widths from the program (table 111)."""
    from pikepdf import Array

    codes = sorted({code for code, name in names.items() if name in wanted} | set(widths))
    first, last = min(codes), max(codes)

    def width(code: int) -> float:
        one = wanted.get(names.get(code, ""))
        return one.width if one else widths.get(code, 0.0)

    font.FirstChar, font.LastChar = first, last
    font.Widths = Array([round(width(code), 3) for code in range(first, last + 1)])


def _state_encoding(font: Any, names: dict[int, str], *, symbolic: bool) -> None:
    """Name the glyph of each code, where the font left that to the program."""
    from pikepdf import Array, Dictionary, Name

    encoding = font.get(Name.Encoding)
    if isinstance(encoding, Name) and not symbolic and str(encoding) != "/StandardEncoding":
        return
    differences = Array([])
    for code in sorted(names):
        if code - 1 not in names:
            differences.append(code)
        differences.append(Name(f"/{names[code]}"))
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=differences)
