# SPDX-License-Identifier: AGPL-3.0-or-later
"""Documents that break one rule of PDF/A each, made by code."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

from tests.contract.samples import SWEDISH, pdf

Change = Callable[[Pdf], object]


def changed(change: Change, *pages: str, embedded: bool = True, **saving: object) -> bytes:
    """Return a document of text after a change."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(*pages, embedded=embedded))) as document:
        change(document)
        document.save(buffer, **saving)
    return buffer.getvalue()


def append(document: Pdf, operators: bytes) -> None:
    """Add operators to the first page's content."""
    document.pages[0].contents_add(b"q\n" + operators + b"\nQ")


def annotate(document: Pdf, **entries: object) -> pikepdf.Object:
    """Hang an annotation on the first page."""
    given = {"Type": Name.Annot, "Rect": Array([100, 500, 200, 540]), "F": 4, **entries}
    one = document.make_indirect(Dictionary(**given))
    page = document.pages[0].obj
    if Name.Annots not in page:
        page.Annots = Array([])
    page.Annots.append(one)
    return one


def state(document: Pdf, **entries: object) -> None:
    """Use a graphics state with these entries."""
    resources = document.pages[0].obj.Resources
    resources.ExtGState = Dictionary(Odd=Dictionary(Type=Name.ExtGState, **entries))
    append(document, b"/Odd gs 0 0 1 rg 300 300 50 50 re f")


def field(document: Pdf, **entries: object) -> pikepdf.Object:
    """Add a form field with a widget."""
    one = annotate(document, Subtype=Name.Widget, T=String("namn"), **entries)
    document.Root.AcroForm = Dictionary(
        Fields=Array([one]),
        DA=String("/Helv 12 Tf 0 g"),
        DR=Dictionary(
            Font=Dictionary(
                Helv=document.make_indirect(
                    Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
                )
            )
        ),
    )
    return one


def appearance(document: Pdf) -> pikepdf.Object:
    """Return a form that draws a blue square."""
    stream = document.make_stream(b"0 0 1 rg 0 0 100 40 re f")
    stream.Type, stream.Subtype = Name.XObject, Name.Form
    stream.BBox = Array([0, 0, 100, 40])
    return stream


def font_of(document: Pdf) -> pikepdf.Object:
    """Return the first page's only font."""
    (font,) = document.pages[0].obj.Resources.Font.as_dict().values()
    return font


# -- one for each rule ---------------------------------------------------------------------


def launches(document: Pdf) -> None:
    action = Dictionary(S=Name.Launch, F=String("calc.exe"))
    annotate(document, Subtype=Name.Link, A=action, Border=Array([0, 0, 0]))


def scripts(document: Pdf) -> None:
    document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def reacts(document: Pdf) -> None:
    document.pages[0].obj.AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("x()")))


def calculates(document: Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=String("f()"))
    field(document, FT=Name.Tx, V=String("12"), AA=Dictionary(K=script))


def wants_appearances(document: Pdf) -> None:
    field(document, FT=Name.Tx, V=String("Osterlen"), DA=String("/Helv 12 Tf 0 g"))
    document.Root.AcroForm.NeedAppearances = True


def has_xfa(document: Pdf) -> None:
    normal = Dictionary(N=appearance(document))
    field(document, FT=Name.Tx, V=String("x"), AP=normal)
    document.Root.AcroForm.XFA = document.make_stream(b"<xdp/>")
    document.Root.NeedsRendering = True


def has_a_plain_button(document: Pdf) -> None:
    field(document, FT=Name.Btn, Ff=65536, AP=Dictionary(N=appearance(document)))


def rolls_over(document: Pdf) -> None:
    looks = Dictionary(N=appearance(document), R=appearance(document), D=appearance(document))
    annotate(document, Subtype=Name.Stamp, AP=looks)


def highlights(document: Pdf) -> None:
    corners = Array([100, 540, 200, 540, 100, 500, 200, 500])
    annotate(document, Subtype=Name.Highlight, C=Array([1, 1, 0]), QuadPoints=corners)


def highlights_directly(document: Pdf) -> None:
    corners = Array([100, 540, 200, 540, 100, 500, 200, 500])
    one = Dictionary(
        Type=Name.Annot, Subtype=Name.Highlight, F=4, Rect=Array([100, 500, 200, 540]),
        C=Array([1, 1, 0]), QuadPoints=corners,
    )  # fmt: skip
    document.pages[0].obj.Annots = Array([one])


def plays(document: Pdf) -> None:
    film = Dictionary(S=Name.Movie, Operation=Name.Play)
    annotate(document, Subtype=Name.Movie, A=film, AP=Dictionary(N=appearance(document)))


def hides(document: Pdf) -> None:
    field(document, FT=Name.Tx, V=String("dolt"), F=2, AP=Dictionary(N=appearance(document)))


def transfers(document: Pdf) -> None:
    function = Dictionary(FunctionType=2, Domain=Array([0, 1]), N=1, C0=[1], C1=[0])
    state(document, TR=document.make_indirect(function))


def screens(document: Pdf) -> None:
    state(document, HT=Dictionary(Type=Name.Halftone, HalftoneType=6, Width=1, Height=1))


def blends_oddly(document: Pdf) -> None:
    state(document, BM=Name("/Sparkle"))


def intends_oddly(document: Pdf) -> None:
    state(document, RI=Name("/Vivid"))
    append(document, b"/Vivid ri")


def prints_in_four_colours(document: Pdf) -> None:
    append(document, b"0.1 0.9 0.8 0.1 k 300 300 80 80 re f")


def overprints(document: Pdf) -> None:
    state(document, OP=True, op=True, OPM=1)
    append(document, b"/Odd gs 0.1 0.9 0.8 0.1 k 300 400 80 80 re f")


def mixes_inks(document: Pdf) -> None:
    tint = document.make_stream(b"{ exch dup 0.5 mul exch dup 0.2 mul exch pop 3 2 roll 0 }")
    for key, value in {"FunctionType": 4, "Domain": [0, 1, 0, 1], "Range": [0, 1] * 4}.items():
        tint[f"/{key}"] = value
    inks = Array([Name("/Gold"), Name("/Ruby")])
    space = document.make_indirect(Array([Name.DeviceN, inks, Name.DeviceCMYK, tint]))
    document.pages[0].obj.Resources.ColorSpace = Dictionary(Odd=space)
    append(document, b"/Odd cs 0.5 0.9 scn 300 300 90 90 re f")


def borrows_resources(document: Pdf) -> None:
    form = document.make_stream(b"/Odd gs 0 0 1 rg 0 0 60 60 re f")
    form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 60, 60])
    resources = document.pages[0].obj.Resources
    resources.ExtGState = Dictionary(Odd=Dictionary(ca=0.5))
    resources.XObject = Dictionary(Form=form)
    append(document, b"1 0 0 1 300 300 cm /Form Do")


def has_a_bad_profile(document: Pdf) -> None:
    profile = document.make_stream(b"no profile at all" * 20)
    profile.N = 3
    space = document.make_indirect(Array([Name.ICCBased, profile]))
    document.pages[0].obj.Resources.ColorSpace = Dictionary(Odd=space)
    append(document, b"/Odd cs 0.2 0.4 0.6 sc 300 300 50 50 re f")


def invents_operators(document: Pdf) -> None:
    append(document, b"1 2 sparkle 0 0 1 rg 300 300 50 50 re f")


def overflows(document: Pdf) -> None:
    append(document, b"q 99999999999 w Q 0 0 1 rg 300 300 50 50 re f")


def vanishes(document: Pdf) -> None:
    append(document, b"q 0." + b"0" * 40 + b"1 w Q 0 0 1 rg 300 300 50 50 re f")


def nests(document: Pdf) -> None:
    append(document, b"q " * 40 + b"Q " * 40)


def smooths(document: Pdf) -> None:
    append(
        document,
        b"60 0 0 60 300 300 cm BI /W 2 /H 2 /CS /G /BPC 8 /I true ID \x00\x80\x80\xff EI",
    )


def has_postscript(document: Pdf) -> None:
    stream = document.make_stream(b"showpage")
    stream.Type, stream.Subtype = Name.XObject, Name("/PS")
    document.pages[0].obj.Resources.XObject = Dictionary(Old=stream)
    append(document, b"/Old Do")


def has_nameless_layers(document: Pdf) -> None:
    layer = document.make_indirect(Dictionary(Type=Name.OCG, Name=String("Lager")))
    document.Root.OCProperties = Dictionary(
        OCGs=Array([layer]), D=Dictionary(Order=Array([]), AS=Array([Dictionary(Event=Name.View)]))
    )


def is_a_map(document: Pdf) -> None:
    document.pages[0].obj.MediaBox = Array([0, 0, 20_000, 20_000])


def is_a_dot(document: Pdf) -> None:
    document.pages[0].obj.TrimBox = Array([10, 10, 11, 11])


def requires(document: Pdf) -> None:
    document.Root.Requirements = Array(
        [Dictionary(Type=Name.Requirement, S=Name.EnableJavaScripts)]
    )
    document.pages[0].obj.PresSteps = Dictionary(Type=Name.NavNode)


def permits_oddly(document: Pdf) -> None:
    document.Root.Perms = Dictionary(Odd=Dictionary())


def lists_glyphs_wrongly(document: Pdf) -> None:
    for one in document.objects:
        if isinstance(one, Dictionary) and Name.FontName in one:
            one.FontName = Name("/ABCDEF+Nimbus")
            one.CIDSet = document.make_stream(b"\x80")
    for one in document.objects:
        if isinstance(one, Dictionary) and Name.BaseFont in one:
            one.BaseFont = Name("/ABCDEF+Nimbus")


def forgets_types(document: Pdf) -> None:
    font = font_of(document)
    del font.Type


def has_wrong_widths(document: Pdf) -> None:
    child = font_of(document).DescendantFonts[0]
    del child.W
    child.DW = 700


def describes_pictures(document: Pdf) -> None:
    metadata = document.make_stream(
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-'
        b'rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:own="http://example.org/own/">'
        b"<own:word>x</own:word></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    metadata.Type, metadata.Subtype = Name.Metadata, Name.XML
    document.pages[0].obj.Metadata = metadata


def scanned_pdf_20() -> bytes:
    """Return a document that calls itself PDF 2.0."""
    return changed(lambda _: None, SWEDISH, min_version="2.0")
