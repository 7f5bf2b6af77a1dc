# SPDX-License-Identifier: AGPL-3.0-or-later
"""Damages of a migrated record: what each does, and the check that must name it.

`LOOKS` are migrations of a record that has one thing otherwise, `CHANGES` are changes of
the finished output, `ADDED` is what the source has that no PDF/A can keep.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name, String

from tests.validators.records_made import Look, Rgb

Change = Callable[[pikepdf.Pdf], object]


def grey(colour: Rgb) -> Rgb:
    level = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]
    return level, level, level


def inverted(colour: Rgb) -> Rgb:
    return 1 - colour[0], 1 - colour[1], 1 - colour[2]


def exchanged(colour: Rgb) -> Rgb:
    return colour[2], colour[1], colour[0]


def tinted(colour: Rgb) -> Rgb:
    """Return a colour as a profile that is not the right one would show it."""
    return colour[0] ** 0.8, colour[1], colour[2] ** 1.2


def warmer(colour: Rgb) -> Rgb:
    """Return a colour a little off: 3 % of red more, 3 % of blue less."""
    return min_(colour[0] * 1.06), colour[1], colour[2] * 0.94


def min_(value: Any) -> Any:
    return np.minimum(value, 1.0)


LOOKS: dict[str, tuple[Look, str]] = {
    "word removed": (Look(without="inga"), "document.text"),
    "digit changed": (Look(amount="18 000 kr"), "document.text"),
    "paragraphs swapped": (Look(order=(0, 2, 1, 3)), "document.order"),
    "last paragraphs swapped": (Look(order=(0, 1, 3, 2)), "document.order"),
    "text invisible": (Look(invisible=1), "document.tiles"),
    "text covered": (Look(covered=True), "document.tiles"),
    "text layers of other pages": (Look(layers=(1, 0)), "document.text"),
    "text layer doubled from another page": (Look(layers=(0, 0)), "document.text"),
    "stamp of 12 mm removed": (Look(stamp=None), "document.tiles"),
    "stamp moved": (Look(stamp=(400, 600)), "document.tiles"),
    "signature picture removed": (Look(signature=False), "document.tiles"),
    "thin line removed": (Look(line=False), "document.tiles"),
    "picture replaced": (Look(photo=2), "document.tiles"),
    "colours to grey": (Look(paint=grey), "document.colour"),
    "colours inverted": (Look(paint=inverted), "document.colour"),
    "red and blue exchanged": (Look(paint=exchanged), "document.colour"),
    "colours warmer": (Look(paint=warmer), "document.colour"),
    "colours tinted": (Look(paint=tinted), "document.colour"),
}


def content(number: int, before: bytes, after: bytes) -> Change:
    """Return a change that wraps a page's content in operators."""

    def change(document: pikepdf.Pdf) -> None:
        page = document.pages[number]
        page.contents_add(document.make_stream(before), prepend=True)
        page.contents_add(document.make_stream(after))

    return change


def without_page(document: pikepdf.Pdf) -> None:
    del document.pages[4]


def without_first(document: pikepdf.Pdf) -> None:
    del document.pages[0]


def pages_exchanged(document: pikepdf.Pdf) -> None:
    first = document.pages[3]
    document.pages.append(first)
    del document.pages[3]


def blank(document: pikepdf.Pdf) -> None:
    document.pages[1].Contents = document.make_stream(b"")


def picture_blank(document: pikepdf.Pdf) -> None:
    """Replace the first picture's samples by black ones."""
    for page in document.pages:
        for image in page.get_images().values():
            data = image.read_bytes()
            image.write(bytes(len(data)))
            return


def cropped(document: pikepdf.Pdf) -> None:
    document.pages[0].obj.CropBox = Array([0, 100, 595, 842])


def turned(document: pikepdf.Pdf) -> None:
    document.pages[0].rotate(180, relative=True)


def inverted_page(number: int) -> Change:
    """Return a change that shows black for white, and every colour's opposite."""

    def change(document: pikepdf.Pdf) -> None:
        state = Dictionary(GS9=Dictionary(Type=Name.ExtGState, BM=Name.Difference))
        page = document.pages[number]
        page.obj.Resources.ExtGState = state
        page.contents_add(document.make_stream(b"q 1 g 0 0 595 842 re f Q"), prepend=True)
        page.contents_add(document.make_stream(b"q /GS9 gs 1 g 0 0 595 842 re f Q"))

    return change


def _annotations(document: pikepdf.Pdf, kind: str) -> list[Any]:
    return [
        one for page in document.pages for one in page.obj.get("/Annots", ())
        if one.get("/Subtype") == kind
    ]  # fmt: skip


def without(number: int, kind: str) -> Change:
    """Return a change that takes the first annotation of a kind off a page."""

    def change(document: pikepdf.Pdf) -> None:
        page = document.pages[number].obj
        first = next(one for one in page.Annots if one.Subtype == kind)
        page.Annots = Array([one for one in page.Annots if one.objgen != first.objgen])

    return change


def link_elsewhere(document: pikepdf.Pdf) -> None:
    link = next(one for one in _annotations(document, "/Link") if "/URI" in one.get("/A", {}))
    link.A.URI = String("https://example.org/planer")


def link_to_another_page(document: pikepdf.Pdf) -> None:
    for link in _annotations(document, "/Link"):
        for holder, key in ((link.get("/A", Dictionary()), "/D"), (link, "/Dest")):
            if key in holder:
                holder[key] = Array([document.pages[1].obj, Name.Fit])


def outline_renamed(document: pikepdf.Pdf) -> None:
    document.Root.Outlines.First.Title = String("Beslut om rivningslov")


def outline_elsewhere(document: pikepdf.Pdf) -> None:
    with document.open_outline() as outline:
        outline.root[1].destination = Array([document.pages[0].obj, Name.Fit])
        outline.root[1].action = None


def without_outline(document: pikepdf.Pdf) -> None:
    del document.Root.Outlines


def without_attachment(document: pikepdf.Pdf) -> None:
    document.Root.Names.EmbeddedFiles = Dictionary(Names=Array([]))
    if "/AF" in document.Root:
        del document.Root.AF


def attachment_byte(document: pikepdf.Pdf) -> None:
    (one,) = document.attachments.values()
    stream = one.obj.EF.F
    stream.write(stream.read_bytes().replace(b"4,2", b"4,3"))


def form_value(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm.Fields[1].V = String("1 300")


def unticked(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm.Fields[2].V = Name.Off


def without_field(document: pikepdf.Pdf) -> None:
    """Leave the widget's look on the page, and no field behind it."""
    form = document.Root.AcroForm
    gone = form.Fields[0]
    form.Fields = Array([one for one in form.Fields if one.objgen != gone.objgen])
    gone.Subtype = Name.Stamp


def note_rewritten(document: pikepdf.Pdf) -> None:
    _annotations(document, "/Text")[0].Contents = String("Kontrollera")


def without_layers(document: pikepdf.Pdf) -> None:
    del document.Root.OCProperties


def layer_renamed(document: pikepdf.Pdf) -> None:
    document.Root.OCProperties.OCGs[0].Name = String("Lager 1")


def layer_shown(document: pikepdf.Pdf) -> None:
    default = document.Root.OCProperties.D
    default.OFF = Array([])
    default.ON = document.Root.OCProperties.OCGs


def without_tags(document: pikepdf.Pdf) -> None:
    del document.Root.StructTreeRoot


def page_cut_off_from_tags(document: pikepdf.Pdf) -> None:
    del document.pages[2].obj.StructParents


def half_of_the_tags(document: pikepdf.Pdf) -> None:
    whole = document.Root.StructTreeRoot.K
    whole.K = Array(list(whole.K)[::2])


def titled(document: pikepdf.Pdf) -> None:
    document.docinfo["/Title"] = "Beslut"


def dated(document: pikepdf.Pdf) -> None:
    document.docinfo["/CreationDate"] = "D:20241122093000Z"


def without_author(document: pikepdf.Pdf) -> None:
    del document.docinfo["/Author"]


def other_language(document: pikepdf.Pdf) -> None:
    document.Root.Lang = String("en-GB")


def without_labels(document: pikepdf.Pdf) -> None:
    del document.Root.PageLabels


def font_dropped(document: pikepdf.Pdf) -> None:
    for one in document.objects:
        if isinstance(one, Dictionary) and "/FontFile2" in one:
            del one["/FontFile2"]


CHANGES: dict[str, tuple[Change, str]] = {
    "page dropped": (without_page, "document.pages"),
    "first page dropped": (without_first, "document.pages"),
    "pages exchanged": (pages_exchanged, "document.text"),
    "page blank": (blank, "document.blank"),
    "picture black": (picture_blank, "document.tiles"),
    "page shifted": (content(0, b"q 1 0 0 1 9 9 cm", b"Q"), "document.tiles"),
    "page scaled to 98 %": (content(0, b"q .98 0 0 .98 0 0 cm", b"Q"), "document.tiles"),
    "page upside down": (turned, "document.tiles"),
    "page cropped": (cropped, "document.page_size"),
    "page inverted": (inverted_page(0), "document.rendering"),
    "grey page inverted": (inverted_page(3), "document.colour"),
    "link removed": (without(0, "/Link"), "document.links"),
    "link to another address": (link_elsewhere, "document.links"),
    "link to another page": (link_to_another_page, "document.links"),
    "outline removed": (without_outline, "document.outline"),
    "bookmark renamed": (outline_renamed, "document.outline"),
    "bookmark to another page": (outline_elsewhere, "document.outline"),
    "attachment removed": (without_attachment, "document.attachments"),
    "a byte of the attachment": (attachment_byte, "document.attachments"),
    "form value changed": (form_value, "document.fields"),
    "box unticked": (unticked, "document.fields"),
    "field flattened": (without_field, "document.fields"),
    "note removed": (without(0, "/Text"), "document.annotations"),
    "note rewritten": (note_rewritten, "document.annotations"),
    "highlight removed": (without(0, "/Highlight"), "document.annotations"),
    "layers flattened": (without_layers, "document.layers"),
    "layer renamed": (layer_renamed, "document.layers"),
    "hidden layer shown": (layer_shown, "document.layers"),
    "tags removed": (without_tags, "document.tags"),
    "page without tags": (page_cut_off_from_tags, "document.tags"),
    "half of the tags": (half_of_the_tags, "document.tags"),
    "title changed": (titled, "document.metadata"),
    "date changed": (dated, "document.metadata"),
    "author removed": (without_author, "document.metadata"),
    "language changed": (other_language, "document.language"),
    "page labels removed": (without_labels, "document.labels"),
    "font not embedded any more": (font_dropped, "document.fonts"),
}


def scripted(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("this.calculateNow();"))


def launching(document: pikepdf.Pdf) -> None:
    link = Dictionary(
        Type=Name.Annot, Subtype=Name.Link, Rect=Array([72, 60, 100, 70]),
        A=Dictionary(S=Name.Launch, F=String("kalkyl.exe")),
    )  # fmt: skip
    document.pages[0].obj.Annots.append(document.make_indirect(link))


def filmed(document: pikepdf.Pdf) -> None:
    film = Dictionary(
        Type=Name.Annot, Subtype=Name.Movie, Rect=Array([72, 500, 200, 600]),
        Movie=Dictionary(F=String("film.mov")),
    )  # fmt: skip
    document.pages[1].obj.Annots = Array([document.make_indirect(film)])


def xfa(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm.XFA = document.make_stream(b"<xdp:xdp/>")


def unknown_font(document: pikepdf.Pdf) -> None:
    """Name a font that nobody has, and whose widths nobody else's have."""
    _set_in(document, "/Kommunsans-Regular")


def calibri(document: pikepdf.Pdf) -> None:
    """Name a font that another has the widths of, and draw something beside its text."""
    _set_in(document, "/Calibri")
    box = b"q 0.7 0.1 0.1 RG 2 w 300 480 30 30 re S Q"
    document.pages[0].contents_add(document.make_stream(box))


def _set_in(document: pikepdf.Pdf, name: str) -> None:
    font = Dictionary(
        Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name(name), FirstChar=32, LastChar=126,
        Widths=Array([507] * 95), Encoding=Name.WinAnsiEncoding,
        FontDescriptor=document.make_indirect(
            Dictionary(
                Type=Name.FontDescriptor, FontName=Name(name), Flags=32, ItalicAngle=0,
                FontBBox=Array([-500, -300, 1200, 1000]), Ascent=950, Descent=-250,
                CapHeight=650, StemV=80,
            )
        ),
    )  # fmt: skip
    page = document.pages[0]
    page.obj.Resources.Font["/F99"] = document.make_indirect(font)
    page.contents_add(document.make_stream(b"BT /F99 32 Tf 400 400 Td (Bygglov) Tj ET"))


ADDED: dict[str, tuple[Change, str]] = {
    "script": (scripted, "document.actions"),
    "program started": (launching, "document.actions"),
    "film": (filmed, "document.media"),
    "XFA": (xfa, "document.xfa"),
    "font nobody has": (unknown_font, "document.fonts"),
}
