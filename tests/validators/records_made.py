# SPDX-License-Identifier: AGPL-3.0-or-later
"""A municipal record as PDF, with everything on it that a migration may lose.

Each argument of `record` is one thing that a damaged output has otherwise.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pikepdf
import pymupdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

Rgb = tuple[float, float, float]
FONT = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
MM = 72 / 25.4
STAMP = 12 * MM  # 12 x 12 mm
PARAGRAPHS = (
    "Sökanden har den 12 mars lämnat in en ansökan om bygglov för nybyggnad av enbostadshus.",
    "Grannar har getts tillfälle att yttra sig; inga erinringar har kommit in till nämnden.",
    "Åtgärden bedöms förenlig med detaljplanen och uppfyller kraven på god helhetsverkan.",
    "Kontrollansvarig ska godkännas innan startbesked lämnas enligt plan- och bygglagen.",
)
SCANNED = ("Protokollsutdrag från sammanträdet", "Reservationen bifogas handlingarna i ärendet")


@dataclass(frozen=True)
class Look:
    """How a record looks; the defaults are the undamaged one."""

    amount: str = "15 000 kr"
    order: tuple[int, ...] = (0, 1, 2, 3)
    without: str = ""  # a word
    stamp: tuple[float, float] | None = (430, 640)
    signature: bool = True
    line: bool = True
    invisible: int = -1  # the paragraph that cannot be seen
    layers: tuple[int, int] = (0, 1)  # which text lies behind the scanned pages
    paint: Callable[[Rgb], Rgb] = lambda colour: colour
    photo: int = 1  # seed of the picture
    covered: bool = False


def record(look: Look = Look()) -> bytes:
    """Return the record: a decision, a map in colours, a form, two scanned pages."""
    document = pymupdf.open()
    _decision(document.new_page(), look)
    _map(document.new_page(), look)
    _form(document.new_page())
    for number, words in enumerate(SCANNED):
        _scan(document.new_page(), words, SCANNED[look.layers[number]])
    layer = document.add_ocg("Granskning", on=True)
    hidden = document.add_ocg("Utkast", on=False)
    document[1].insert_text((80, 700), "Granskad", fontsize=12, fontname="lib", oc=layer)
    document[1].insert_text((80, 720), "Utkast", fontsize=12, fontname="lib", oc=hidden)
    page = document[0]
    page.insert_link(
        {
            "kind": pymupdf.LINK_URI,
            "uri": "https://example.org/plan",
            "from": pymupdf.Rect(72, 60, 200, 80),
        }
    )
    page.insert_link({"kind": pymupdf.LINK_GOTO, "page": 2, "from": pymupdf.Rect(220, 60, 300, 80)})
    document.set_toc([[1, "Beslut", 1], [2, "Karta", 2], [1, "Blankett", 3]])
    document.set_page_labels([{"startpage": 0, "prefix": "", "style": "r", "firstpagenum": 1}])
    document.set_metadata(
        {
            "title": "Beslut om bygglov", "author": "Bygglovsenheten", "subject": "Ängen 4:1",
            "keywords": "bygglov", "creationDate": "D:20240314093000Z",
            "modDate": "D:20240315093000Z",
        }
    )  # fmt: skip
    return changed(document.tobytes(garbage=3, deflate=True), _tagged)


def changed(data: bytes, change: Callable[[pikepdf.Pdf], object]) -> bytes:
    """Return a PDF with something changed in its objects."""
    stream = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        change(document)
        document.save(stream, deterministic_id=True)
    return stream.getvalue()


def _decision(page: pymupdf.Page, look: Look) -> None:
    page.insert_font("lib", FONT)
    page.insert_text((72, 110), "Beslut om bygglov", fontname="lib", fontsize=18)
    for row, number in enumerate(look.order):
        text = PARAGRAPHS[number]
        if look.without:
            text = text.replace(f" {look.without}", "")
        box = pymupdf.Rect(72, 140 + 50 * row, 520, 185 + 50 * row)
        mode = 3 if number == look.invisible else 0
        page.insert_textbox(box, text, fontname="lib", fontsize=11, render_mode=mode)
    page.insert_text((72, 380), f"Avgift: {look.amount}", fontname="lib", fontsize=11)
    if look.line:
        page.draw_line((72, 420), (520, 420), color=(0, 0, 0), width=0.5)
    if look.stamp is not None:
        left, top = look.stamp
        box = pymupdf.Rect(left, top, left + STAMP, top + STAMP)
        page.draw_rect(box, color=look.paint((0.7, 0.1, 0.1)), width=1.5)
        page.draw_oval(
            pymupdf.Rect(left + 6, top + 6, left + STAMP - 6, top + STAMP - 6),
            color=look.paint((0.7, 0.1, 0.1)),
            width=1,
        )
    if look.signature:
        page.insert_image(pymupdf.Rect(72, 640, 222, 690), stream=_signature())
    if look.covered:
        page.draw_rect(pymupdf.Rect(70, 235, 300, 285), color=(1, 1, 1), fill=(1, 1, 1))
    note = page.add_text_annot((540, 150), "Kontrollera fastighetsgränsen")
    note.set_info(title="Granskaren")
    note.update()
    page.add_highlight_annot(pymupdf.Rect(72, 366, 180, 384)).update()


def _signature() -> bytes:
    across = np.linspace(0, 6 * np.pi, 300)
    rows = (50 + 35 * np.sin(across) * np.cos(across / 5)).astype(int)
    made = np.full((100, 300), 255, np.uint8)
    for column, row in enumerate(rows):
        made[max(row - 2, 0) : row + 2, column] = 30
    return _png(made)


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _map(page: pymupdf.Page, look: Look) -> None:
    page.insert_font("lib", FONT)
    page.insert_text((72, 80), "Karta över området", fontname="lib", fontsize=14)
    colours = ((0.85, 0.3, 0.2), (0.3, 0.6, 0.3), (0.3, 0.5, 0.8), (0.9, 0.8, 0.4))
    for number, colour in enumerate(colours):
        box = pymupdf.Rect(72 + 110 * number, 110, 172 + 110 * number, 210)
        page.draw_rect(box, color=None, fill=look.paint(colour))
    page.insert_image(pymupdf.Rect(72, 250, 372, 450), stream=_photo(look))


def _photo(look: Look) -> bytes:
    wave = np.random.default_rng(look.photo).normal(size=(5, 8, 3))
    grid = np.kron(wave, np.ones((20, 20, 1)))
    shares = (grid - grid.min()) / (grid.max() - grid.min())
    painted = np.stack(look.paint(tuple(shares[:, :, band] for band in range(3))), axis=2)  # type: ignore[arg-type]
    return _png((painted * 255).round().astype(np.uint8))


def _form(page: pymupdf.Page) -> None:
    page.insert_font("lib", FONT)
    page.insert_text((72, 80), "Blankett", fontname="lib", fontsize=14)
    for row, (name, kind, value) in enumerate(
        (
            ("Namn", pymupdf.PDF_WIDGET_TYPE_TEXT, "Exempel Åsa"),
            ("Belopp", pymupdf.PDF_WIDGET_TYPE_TEXT, "1 200"),
            ("Samtycke", pymupdf.PDF_WIDGET_TYPE_CHECKBOX, True),
        )
    ):
        widget = pymupdf.Widget()
        widget.field_name, widget.field_type, widget.field_value = name, kind, value
        right = 320 if kind == pymupdf.PDF_WIDGET_TYPE_TEXT else 222
        widget.rect = pymupdf.Rect(200, 120 + 40 * row, right, 142 + 40 * row)
        page.insert_text((72, 135 + 40 * row), name, fontname="lib", fontsize=11)
        page.add_widget(widget)


def _scan(page: pymupdf.Page, words: str, behind: str) -> None:
    paper = pymupdf.open()
    sheet = paper.new_page()
    for row in range(6):
        sheet.insert_text((72, 100 + 40 * row), words, fontsize=14)
    picture = sheet.get_pixmap(dpi=100, colorspace=pymupdf.csGRAY).tobytes("png")
    page.insert_image(page.rect, stream=picture)
    page.insert_font("lib", FONT)
    for row in range(6):
        page.insert_text((72, 100 + 40 * row), behind, fontname="lib", fontsize=14, render_mode=3)


def _tagged(document: pikepdf.Pdf) -> None:
    """Give the record a structure tree, a language and an attachment."""
    root = document.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    whole = document.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document, P=root))
    whole.K = Array([])
    for number, page in enumerate(document.pages):
        page.obj.StructParents = number
        for kind in (Name.H1, Name.P, Name.P):
            one = Dictionary(Type=Name.StructElem, S=kind, P=whole, Pg=page.obj)
            whole.K.append(document.make_indirect(one))
    root.K = whole
    document.Root.StructTreeRoot = root
    document.Root.MarkInfo = Dictionary(Marked=True)
    document.Root.Lang = String("sv-SE")
    document.attachments["mätning.csv"] = "Mätpunkt;Värde\nA;4,2\n".encode()
