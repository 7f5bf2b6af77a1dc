# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDF files of every kind that a case-management system holds, the same bytes each time."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pikepdf
import pymupdf

from pipeline.demo import images, signing
from pipeline.demo.made import Folder

_DATE = "D:20240314093000Z"
_FONT = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
SCANNED = [
    "Länsstyrelsen i Skåne län",
    "Beslut om strandskydd",
    "Dispens medges för att uppföra brygga",
    "på fastigheten Ängen 4:1 i Ystads kommun.",
    "Beslutet får överklagas inom tre veckor.",
]


def pdf_files(folder: Folder) -> None:
    """Make them."""
    case = "KS 2024-00123 Bygglov Ängsgatan 4"
    born = born_digital()
    folder.write(f"{case}/03 Beslut.pdf", born, "PDF, links and outline, fonts embedded")
    folder.write("Arkiv/Skrivelse 1997.pdf", unembedded(), "PDF without embedded fonts")
    folder.write(f"{case}/04 Skannat beslut.pdf", scanned(), "PDF, scanned, no text")
    folder.write("Blanketter/Ansökan.pdf", form(), "PDF form")
    folder.write(f"{case}/05 Yttrande med bilaga.pdf", attached(born), "PDF with an attachment")
    folder.write("Sekretess/Läkarintyg.pdf", encrypted(born), "PDF that needs a password")
    folder.write("Avtal/Markanvisningsavtal.pdf", signing.signed(born), "PDF, signed")


def _saved(document: Any) -> bytes:
    document.set_metadata(
        {"title": "Beslut", "author": "Exempelkommun", "creationDate": _DATE, "modDate": _DATE}
    )
    return settled(document.tobytes(garbage=3, deflate=True, no_new_id=True))


def settled(data: bytes, **options: Any) -> bytes:
    """Return a PDF with a file identifier that is made from its content."""
    stream = BytesIO()
    with pikepdf.open(BytesIO(data)) as document:
        if pikepdf.Name.ID in document.trailer:
            del document.trailer.ID
        document.save(stream, **(options or {"deterministic_id": True}))
    return stream.getvalue()


def born_digital() -> bytes:
    """Return two pages with embedded font, outline, and links in and out."""
    document = pymupdf.open()
    for number, lines in enumerate(
        (
            ("Beslut om bygglov", "Bygglov beviljas för enbostadshus."),
            ("Skäl", "Planen medger det."),
        )
    ):
        page = document.new_page()
        page.insert_font("lib", _FONT)
        for row, line in enumerate(lines):
            page.insert_text((72, 100 + row * 40), line, fontname="lib", fontsize=16)
        box = pymupdf.Rect(72, 300, 300, 320)
        page.insert_text((72, 315), "Se även", fontname="lib", fontsize=12)
        if number:
            page.insert_link({"kind": pymupdf.LINK_GOTO, "page": 0, "from": box})
        else:
            uri = "https://www.riksarkivet.se/"
            page.insert_link({"kind": pymupdf.LINK_URI, "uri": uri, "from": box})
    document.set_toc([[1, "Beslut", 1], [1, "Skäl", 2]])
    return _saved(document)


def unembedded() -> bytes:
    """Return a page in a font that is not in the file, as was usual before PDF/A."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "Skrivelse till byggnadsnämnden", fontname="tiro", fontsize=18)
    page.insert_textbox(
        pymupdf.Rect(72, 140, 500, 400),
        "Härmed anmäls att arbetet med om- och tillbyggnad är slutfört. " * 6,
        fontname="helv",
        fontsize=12,
    )
    return _saved(document)


def scanned() -> bytes:
    """Return a page that is a picture of text."""
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    picture = images.encoded(images.page(SCANNED), "JPEG", quality=85, dpi=(200, 200))
    page.insert_image(page.rect, stream=picture)
    return _saved(document)


def form() -> bytes:
    """Return a form that is filled in."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_font("lib", _FONT)
    page.insert_text((72, 80), "Ansökan om plats i förskola", fontname="lib", fontsize=16)
    for number, (name, value) in enumerate(
        (("Barnets namn", "Exempel"), ("Önskat datum", "1 maj"))
    ):
        page.insert_text((72, 140 + number * 50), name, fontname="lib", fontsize=11)
        widget = pymupdf.Widget()
        widget.field_type = pymupdf.PDF_WIDGET_TYPE_TEXT
        widget.field_name = name
        widget.field_value = value
        widget.rect = pymupdf.Rect(220, 125 + number * 50, 460, 147 + number * 50)
        page.add_widget(widget)
    return _saved(document)


def attached(data: bytes) -> bytes:
    """Return a PDF with a spreadsheet's text attached."""
    with pikepdf.open(BytesIO(data)) as document:
        stream = document.make_stream("Mätpunkt;Värde\nA;4,2\n".encode())
        stream.Type = pikepdf.Name.EmbeddedFile
        stream.Subtype = pikepdf.Name("/text/csv")
        stream.Params = pikepdf.Dictionary(ModDate=pikepdf.String(_DATE))
        specification = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Filespec,
                F=pikepdf.String("matning.csv"),
                UF=pikepdf.String("mätning.csv"),
                EF=pikepdf.Dictionary(F=stream),
            )
        )
        names = pikepdf.Array([pikepdf.String("mätning.csv"), specification])
        document.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=names))
        out = BytesIO()
        document.save(out, deterministic_id=True)
    return out.getvalue()


def encrypted(data: bytes) -> bytes:
    """Return a PDF that needs a password; RC4, because AES would begin with random bytes."""
    locked = pikepdf.Encryption(owner="arkiv", user="hemlig", R=3, aes=False, metadata=False)
    return settled(data, encryption=locked, static_id=True)
