# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDFs of about a wanted size: text, scanned pages, PDF/A (ISO 32000-1, ISO 19005-2)."""

from __future__ import annotations

import io
import textwrap
import zlib
from functools import lru_cache
from hashlib import md5
from random import Random

from fontTools import subset
from fontTools.ttLib import TTFont

from benchmarks import generator_pictures, generator_texts
from pipeline.demo import images

_FONT = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
_ROWS, _COLUMNS = 46, 80
_PAGE_BYTES = 1900  # of a page of text, compressed, with its objects
_PICTURE_FROM = 60_000  # bytes from which on a PDF of text has a picture too
# Colours that need no output intent (ISO 19005-1, 6.2.3.3): a profile is as large as a page.
_GREY = "[/CalGray<</WhitePoint[0.9505 1 1.089]>>]"
_RGB = "[/CalRGB<</WhitePoint[0.9505 1 1.089]>>]"
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="{part}" '
    'pdfaid:conformance="B"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


class _Document:
    """Objects in the order of their numbers, from 1."""

    def __init__(self) -> None:
        self.objects: list[bytes] = []

    def add(self, body: str | bytes) -> int:
        self.objects.append(body if isinstance(body, bytes) else body.encode("latin-1"))
        return len(self.objects)

    def stream(self, content: bytes, entries: str = "", *, deflate: bool = True) -> int:
        data = zlib.compress(content) if deflate else content
        kind = "/Filter/FlateDecode" if deflate else ""
        head = f"<<{entries}{kind}/Length {len(data)}>>stream\n".encode("latin-1")
        return self.add(head + data + b"\nendstream")

    def written(self, version: str, root: int) -> bytes:
        out = io.BytesIO()
        out.write(f"%PDF-{version}\n%\xe2\xe3\xcf\xd3\n".encode("latin-1"))
        places = []
        for number, body in enumerate(self.objects, 1):
            places.append(out.tell())
            out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
        start = out.tell()
        rows = "".join(f"{place:010} 00000 n \n" for place in places)
        digest = md5(out.getvalue(), usedforsecurity=False).hexdigest()
        out.write(
            f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{rows}trailer\n"
            f"<</Size {len(places) + 1}/Root {root} 0 R/ID[<{digest}><{digest}>]>>\n"
            f"startxref\n{start}\n%%EOF\n".encode()
        )
        return out.getvalue()


def text(rng: Random, size: int, version: str = "1.4", part: int = 0) -> bytes:
    """Return pages of text; every other one has its font inside, and with `part` it is PDF/A.

    Larger ones have a photograph of their own on the first page as well.
    """
    document = _Document()
    catalogue, pages = document.add(""), document.add("")
    inside = bool(part) or rng.random() < 0.5
    font = _embedded(document) if inside else document.add(
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    )  # fmt: skip
    left = size - (_subset()[1] if inside else 0)
    drawn, resources = b"", f"/Font<</F {font} 0 R>>"
    if part:
        resources += f"/ColorSpace<</C {_GREY}>>"
    if left > _PICTURE_FROM:
        jpeg = generator_pictures.JPEG(rng, left * 3 // 4)
        picture = _picture(document, jpeg, _RGB if part else "/DeviceRGB")
        drawn = b"q 440 0 0 330 72 60 cm /I Do Q\n"
        resources += f"/XObject<</I {picture} 0 R>>"
        left //= 4
    kids = []
    for number in range(min(max(round(left / _PAGE_BYTES), 1), 400)):
        rows = _ROWS if number or not drawn else _ROWS // 3
        content = (
            (b"/C cs 0 sc\n" if part else b"") + _shown(rng, rows) + (drawn if not number else b"")
        )
        kids.append(_page(document, pages, document.stream(content), resources, 595, 842))
    _finish(document, catalogue, pages, kids, part)
    return document.written(version, catalogue)


def scanned(rng: Random, size: int, version: str = "1.4") -> bytes:
    """Return pages that are pictures of text, as many as the size asks for."""
    document = _Document()
    catalogue, pages = document.add(""), document.add("")
    kids: list[int] = []
    left = size
    while left > 0 or not kids:
        words = textwrap.wrap(" ".join(generator_texts.lines(rng, 700)), 46)[:20]
        picture = images.page(words, dpi=100 if size < 60_000 else 150)
        jpeg = images.encoded(picture, "JPEG", quality=40 if size < 60_000 else 75)
        number = _picture(document, jpeg, "/DeviceGray", picture.size)
        content = document.stream(b"q 595 0 0 842 0 0 cm /I Do Q")
        kids.append(_page(document, pages, content, f"/XObject<</I {number} 0 R>>", 595, 842))
        left -= len(jpeg) + 500
        if left < len(jpeg) // 2:
            break
    _finish(document, catalogue, pages, kids, 0)
    return document.written(version, catalogue)


def _finish(document: _Document, catalogue: int, pages: int, kids: list[int], part: int) -> None:
    more = ""
    if part:
        metadata = document.stream(
            _XMP.format(part=part).encode(), "/Type/Metadata/Subtype/XML", deflate=False
        )
        more = f"/Metadata {metadata} 0 R"
    document.objects[catalogue - 1] = f"<</Type/Catalog/Pages {pages} 0 R{more}>>".encode()
    listed = " ".join(f"{one} 0 R" for one in kids)
    body = f"<</Type/Pages/Count {len(kids)}/Kids[{listed}]>>"
    document.objects[pages - 1] = body.encode()


def _page(
    document: _Document, parent: int, content: int, resources: str, width: int, height: int
) -> int:
    return document.add(
        f"<</Type/Page/Parent {parent} 0 R/MediaBox[0 0 {width} {height}]"
        f"/Resources<<{resources}>>/Contents {content} 0 R>>"
    )


def _picture(
    document: _Document, jpeg: bytes, space: str, size: tuple[int, int] | None = None
) -> int:
    width, height = size or _measured(jpeg)
    entries = (
        f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace{space}"
        "/BitsPerComponent 8/Filter/DCTDecode"
    )
    return document.stream(jpeg, entries, deflate=False)


def _measured(jpeg: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        width, height = picture.size
    return width, height


def _shown(rng: Random, rows: int) -> bytes:
    """Return a content stream of `rows` lines."""
    words = " ".join(generator_texts.lines(rng, rows * _COLUMNS))
    shown = textwrap.wrap(words, _COLUMNS)[:rows]
    body = "".join(f"({_literal(one)}) Tj T*\n" for one in shown)
    return f"BT /F 11 Tf 15 TL 72 770 Td\n{body}ET\n".encode("cp1252")


def _literal(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _embedded(document: _Document) -> int:
    """Add Liberation Sans with the letters of Windows-1252, as a simple TrueType font."""
    program, _, widths, box, heights = _subset()
    file = document.stream(program, f"/Length1 {len(program)}")
    descriptor = document.add(
        f"<</Type/FontDescriptor/FontName/AAAAAA+LiberationSans/Flags 32/FontBBox[{box}]"
        f"/ItalicAngle 0/Ascent {heights[0]}/Descent {heights[1]}/CapHeight 700/StemV 80"
        f"/FontFile2 {file} 0 R>>"
    )
    return document.add(
        "<</Type/Font/Subtype/TrueType/BaseFont/AAAAAA+LiberationSans/FirstChar 32/LastChar 255"
        f"/Widths[{widths}]/Encoding/WinAnsiEncoding/FontDescriptor {descriptor} 0 R>>"
    )


@lru_cache(maxsize=1)
def _subset() -> tuple[bytes, int, str, str, tuple[int, int]]:
    """Return the font's program, its size when compressed, widths, box, ascent and descent."""
    letters = [bytes([code]).decode("cp1252", "replace") for code in range(32, 256)]
    font = TTFont(_FONT, recalcTimestamp=False)
    made = subset.Subsetter(
        subset.Options(notdef_outline=True, hinting=False, drop_tables=["FFTM"])
    )
    made.populate(unicodes={ord(one) for one in letters if one != "\ufffd"})
    made.subset(font)
    stream = io.BytesIO()
    font.save(stream)
    scale = 1000 / font["head"].unitsPerEm
    names, metrics = font.getBestCmap(), font["hmtx"].metrics
    widths = " ".join(
        str(round(metrics[names.get(ord(one), ".notdef")][0] * scale)) for one in letters
    )
    head = font["head"]
    box = " ".join(str(round(one * scale)) for one in (head.xMin, head.yMin, head.xMax, head.yMax))
    heights = (round(font["hhea"].ascent * scale), round(font["hhea"].descent * scale))
    program = stream.getvalue()
    return program, len(zlib.compress(program)), widths, box, heights
