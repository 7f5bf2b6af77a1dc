# SPDX-License-Identifier: AGPL-3.0-or-later
"""Font dictionaries (ISO 19005-2, 6.2.11.2 to 6.2.11.4): what they leave out or say wrong."""

from __future__ import annotations

from typing import Any

from migrators.pdf import walk
from migrators.pdf.fonts import reader
from migrators.pdf.menders.base import Mending

_LATEST = 7  # no collection that ISO 32000-1, table 119 knows has a later edition
_PROGRAMS = {"/FontFile": "/Type1", "/FontFile2": "/TrueType", "/FontFile3": "/Type1"}


def keys(mending: Mending) -> int:
    """State type, subtype and name of a font where readers had to guess (6.2.11.2)."""
    from pikepdf import Dictionary, Name

    changed = 0
    for font in _all(mending.document):
        if font.get(Name.Type) != Name.Font:
            font.Type = Name.Font
            changed += 1
        if Name.Subtype not in font:
            font.Subtype = Name(_subtype(font))
            changed += 1
        if Name.BaseFont not in font and font.Subtype != Name.Type3:
            descriptor = font.get(Name.FontDescriptor)
            named = descriptor.get(Name.FontName) if isinstance(descriptor, Dictionary) else None
            font.BaseFont = named if isinstance(named, Name) else Name.Unnamed
            changed += 1
    return changed


def _subtype(font: Any) -> str:
    from pikepdf import Dictionary, Name

    if Name.CharProcs in font:
        return "/Type3"
    if Name.DescendantFonts in font:
        return "/Type0"
    descriptor = font.get(Name.FontDescriptor)
    for key, subtype in _PROGRAMS.items():
        if isinstance(descriptor, Dictionary) and key in descriptor:
            return subtype
    return "/Type1"


def program_keys(mending: Mending) -> int:
    """Put a font program under the key that its own first bytes call for (table 126).

    One under the wrong key is none for a reader that goes by keys.
    """
    from pikepdf import Name, PdfError, Stream

    changed = 0
    for font in _all(mending.document):
        descriptor = font.get(Name.FontDescriptor)
        if not walk.embedded(descriptor):
            continue
        key = next(one for one in _PROGRAMS if isinstance(descriptor.get(one), Stream))
        stream = descriptor[key]
        try:
            head = stream.read_bytes()[:4]
        except PdfError:
            continue  # `font_programs` puts another in its place
        right, subtype = _kind(head, str(font.get(Name.Subtype, "")))
        if not right or (right == key and str(stream.get(Name.Subtype, "")) == subtype):
            continue
        del descriptor[key]
        if subtype:
            stream.Subtype = Name(subtype)
        elif Name.Subtype in stream:
            del stream.Subtype
        descriptor[right] = stream
        if right == "/FontFile2" and font.Subtype == Name.CIDFontType0:
            font.Subtype, font.CIDToGIDMap = Name.CIDFontType2, Name.Identity
        changed += 1
    return changed


def _kind(head: bytes, font: str) -> tuple[str, str]:
    """Return (key, /Subtype) for a program by its first bytes, ("", "") where they say nothing."""
    composite = font.startswith("/CIDFont")
    if head == b"OTTO":
        return "/FontFile3", "/OpenType"
    if head in (b"\0\1\0\0", b"true"):
        return "/FontFile2", ""
    if head[:2] == b"\1\0" and head[2:3] <= b"\x20":
        return "/FontFile3", "/CIDFontType0C" if composite else "/Type1C"
    if head[:2] == b"%!":
        return "/FontFile", ""
    return "", ""


def glyph_lists(mending: Mending) -> int:
    """Take out lists of a subset's glyphs that do not agree with it (6.2.11.4.2).

    They are optional in PDF/A-2, and nothing is drawn by them.
    """
    changed = 0
    for descriptor in _descriptors(mending.document):
        for key in ("/CIDSet", "/CharSet"):
            if key in descriptor:
                del descriptor[key]
                changed += 1
    return changed


def glyph_maps(mending: Mending) -> int:
    """State the glyph map that an embedded TrueType CIDFont uses (6.2.11.3.2).

    ISO 32000-1, table 117: the default is Identity, so nothing looks otherwise.
    """
    from pikepdf import Name, Stream

    changed = 0
    for font in _all(mending.document):
        if (
            font.get(Name.Subtype) == Name.CIDFontType2
            and walk.embedded(font.get(Name.FontDescriptor))
            and not isinstance(font.get(Name.CIDToGIDMap), Stream)
            and font.get(Name.CIDToGIDMap) != Name.Identity
        ):
            font.CIDToGIDMap = Name.Identity
            changed += 1
    return changed


def collections(mending: Mending) -> int:
    """Let a CIDFont name the character collection of its CMap (6.2.11.3.1).

    With a CMap that ISO 32000-1 predefines, it is a matter of the collection's edition.
    Which glyph a CID means in an embedded font is for its program to say, not for the name.
    """
    from pikepdf import Array, Dictionary, Name, Stream, String

    changed = 0
    for font in _all(mending.document):
        descendants = font.get(Name.DescendantFonts)
        encoding = font.get(Name.Encoding)
        if not isinstance(descendants, Array) or not len(descendants):
            continue
        child = descendants[0]
        wanted = _collection(encoding)
        if isinstance(encoding, Name) and isinstance(child.get(Name.CIDSystemInfo), Dictionary):
            if int(child.CIDSystemInfo.get(Name.Supplement, 0)) < _LATEST:
                child.CIDSystemInfo.Supplement = _LATEST
                changed += 1
            continue
        if wanted is None or not walk.embedded(child.get(Name.FontDescriptor)):
            continue
        registry, ordering = wanted
        system = child.get(Name.CIDSystemInfo)
        same = isinstance(system, Dictionary) and str(system.get(Name.Ordering, "")) == ordering
        if same and str(system.get(Name.Registry, "")) == registry:
            continue
        supplement = 0
        if isinstance(encoding, Stream):
            stated = encoding.get(Name.CIDSystemInfo, Dictionary())
            supplement = int(stated.get(Name.Supplement, 0))
        child.CIDSystemInfo = Dictionary(
            Registry=String(registry), Ordering=String(ordering), Supplement=supplement
        )
        changed += 1
    return changed


def _collection(encoding: Any) -> tuple[str, str] | None:
    from pikepdf import Dictionary, Name, Stream

    if isinstance(encoding, Stream):
        system = encoding.get(Name.CIDSystemInfo)
        if isinstance(system, Dictionary) and Name.Ordering in system:
            return str(system.get(Name.Registry, "Adobe")), str(system.Ordering)
    return None


def _all(document: Any) -> Any:
    """Yield every font dictionary: those that resources name, and their descendants."""
    from pikepdf import Array, Dictionary, Name

    for font in walk.fonts(document):
        yield font
        descendants = font.get(Name.DescendantFonts)
        if isinstance(descendants, Array):
            for child in descendants:
                if isinstance(child, Dictionary):
                    yield child


def _descriptors(document: Any) -> Any:
    from pikepdf import Dictionary, Name

    for font in _all(document):
        descriptor = font.get(Name.FontDescriptor)
        if isinstance(descriptor, Dictionary):
            yield descriptor


def complete_glyph_lists(mending: Mending) -> int:
    """State which glyphs an embedded subset has, as PDF/A-1 demands (ISO 19005-1, 6.3.5)."""
    from pikepdf import Name, String

    changed = 0
    for font in _all(mending.document):
        descriptor = font.get(Name.FontDescriptor)
        if not walk.embedded(descriptor):
            continue
        subtype = str(font.get(Name.Subtype, ""))
        try:
            if subtype in ("/Type1", "/MMType1"):
                names = [one for one in reader.read(descriptor).order if one != ".notdef"]
                descriptor.CharSet = String("".join(f"/{one}" for one in names))
                changed += 1
            elif subtype in ("/CIDFontType0", "/CIDFontType2"):
                found = _cids(font, reader.read(descriptor))
                data = bytearray(max(found, default=0) // 8 + 1)
                for cid in found:
                    data[cid // 8] |= 0x80 >> cid % 8
                descriptor.CIDSet = mending.document.make_stream(bytes(data))
                changed += 1
        except reader.ReadError:
            continue  # the validator names it, and it is rebuilt
    return changed


def _cids(font: Any, read: reader.Program) -> set[int]:
    """Return the CIDs that a CIDFont's program has glyphs for."""
    from pikepdf import Name, Stream

    if read.cids and font.Subtype == Name.CIDFontType0:
        return {0, *read.cids}
    table = font.get(Name.CIDToGIDMap)
    if isinstance(table, Stream):
        data = table.read_bytes()
        return {0} | {
            place // 2
            for place in range(0, len(data) - 1, 2)
            if int.from_bytes(data[place : place + 2], "big")
        }
    return set(range(len(read.order)))
