# SPDX-License-Identifier: AGPL-3.0-or-later
"""Office documents of about a wanted size: packages by hand, the old formats by LibreOffice.

ISO/IEC 29500-1 (transitional) and ISO/IEC 26300-1:2015, as little of them as a reader needs.
What words do not fill, a photograph does, as in the documents of offices.
"""

from __future__ import annotations

import base64
import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

from benchmarks import generator_pictures, generator_texts
from pipeline.demo import flat, office

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OOXML = "http://schemas.openxmlformats.org"
_MAIN = f"{_OOXML}/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument"
_WORDS = 12_000  # bytes of words at the most; three times as many go into that much of a ZIP
_LEAST_PICTURE = 1500
_EMU = 12_700  # to a point


def _package(parts: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        for name, content in parts.items():
            picture = name == "mimetype" or name.endswith(".jpeg")
            kind = zipfile.ZIP_STORED if picture else zipfile.ZIP_DEFLATED
            data = content.encode() if isinstance(content, str) else content
            package.writestr(zipfile.ZipInfo(name, (2024, 3, 14, 9, 30, 0)), data, kind)
    return stream.getvalue()


def _filling(rng: Random, size: int, packed: int) -> tuple[list[str], bytes]:
    """Return sentences, and the JPEG that fills what is left of `size`; `packed`: the rest."""
    words = max(min((size - packed) * 2, _WORDS), 200)
    left = size - packed - words // 2
    return generator_texts.lines(rng, words), (
        generator_pictures.JPEG(rng, left) if left > _LEAST_PICTURE else b""
    )


def _relations(*rows: tuple[str, str]) -> str:
    body = "".join(
        f'<Relationship Id="rId{number}" Type="{_MAIN}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(rows, 1)
    )
    return (
        f'{_HEAD}<Relationships xmlns="{_OOXML}/package/2006/relationships">{body}</Relationships>'
    )


def _types(**parts: str) -> str:
    """Return [Content_Types].xml; part's path (with __ for /) -> its content type."""
    body = "".join(
        f'<Override PartName="/{name.replace("__", "/")}.xml" ContentType="{kind}"/>'
        for name, kind in parts.items()
    )
    return (
        f'{_HEAD}<Types xmlns="{_OOXML}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default '
        'Extension="xml" ContentType="application/xml"/><Default Extension="jpeg" '
        f'ContentType="image/jpeg"/>{body}</Types>'
    )


def docx(rng: Random, size: int) -> bytes:
    """Return a Word document (ISO/IEC 29500-1, 17)."""
    words, picture = _filling(rng, size, 1800)
    body = "".join(f"<w:p><w:r><w:t>{escape(one)}</w:t></w:r></w:p>" for one in words)
    wide, high = 440 * _EMU, 330 * _EMU
    if picture:
        body += (
            f'<w:p><w:r><w:drawing><wp:inline><wp:extent cx="{wide}" cy="{high}"/>'
            '<wp:docPr id="1" name="Bild 1"/><a:graphic><a:graphicData '
            f'uri="{_OOXML}/drawingml/2006/picture"><pic:pic><pic:nvPicPr><pic:cNvPr id="1" '
            'name="Bild 1"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="rId1"/>'
            '<a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" '
            f'y="0"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
            "</a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline>"
            "</w:drawing></w:r></w:p>"
        )
    names = (
        f'xmlns:w="{_OOXML}/wordprocessingml/2006/main" xmlns:r="{_MAIN}" '
        f'xmlns:wp="{_OOXML}/drawingml/2006/wordprocessingDrawing" '
        f'xmlns:a="{_OOXML}/drawingml/2006/main" xmlns:pic="{_OOXML}/drawingml/2006/picture"'
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _types(word__document=f"{_TYPE}.wordprocessingml.document.main+xml"),
        "_rels/.rels": _relations(("officeDocument", "word/document.xml")),
        "word/document.xml": f"{_HEAD}<w:document {names}><w:body>{body}</w:body></w:document>",
    }
    if picture:
        parts["word/_rels/document.xml.rels"] = _relations(("image", "media/image1.jpeg"))
        parts["word/media/image1.jpeg"] = picture
    return _package(parts)


def xlsx(rng: Random, size: int) -> bytes:
    """Return a workbook of one sheet, a table of words and numbers (ISO/IEC 29500-1, 18)."""
    rows = []
    for number in range(1, min(max(size - 1500, 600) // 34, 20_000) + 1):
        name, cost = escape(generator_texts.sentence(rng)[:40]), rng.randint(1, 999_999)
        rows.append(
            f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{name}</t></is></c>'
            f'<c r="B{number}"><v>{cost}</v></c><c r="C{number}"><v>{cost / 4}</v></c></row>'
        )
    names = f'xmlns="{_OOXML}/spreadsheetml/2006/main" xmlns:r="{_MAIN}"'
    return _package(
        {
            "[Content_Types].xml": _types(
                xl__workbook=f"{_TYPE}.spreadsheetml.sheet.main+xml",
                xl__worksheets__sheet1=f"{_TYPE}.spreadsheetml.worksheet+xml",
            ),
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'{_HEAD}<workbook {names}><sheets><sheet name="Budget" '
            'sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _relations(("worksheet", "worksheets/sheet1.xml")),
            "xl/worksheets/sheet1.xml": f"{_HEAD}<worksheet {names}><sheetData>{''.join(rows)}"
            "</sheetData></worksheet>",
        }
    )


def odt(rng: Random, size: int) -> bytes:
    """Return OpenDocument text 1.2."""
    words, picture = _filling(rng, size, 1500)
    return _odf(flat.text("Tjänsteutlåtande", words), "text", picture)


def ods(rng: Random, size: int) -> bytes:
    """Return an OpenDocument spreadsheet 1.2."""
    rows = [
        (generator_texts.sentence(rng)[:40], float(rng.randint(1, 999_999)))
        for _ in range(min(max(size - 1500, 600) // 23, 20_000))
    ]
    return _odf(flat.sheets("Budget", {"Budget": rows}), "spreadsheet", b"")


def odp(rng: Random, size: int) -> bytes:
    """Return an OpenDocument presentation 1.2 with a page for each five lines."""
    words, picture = _filling(rng, size, 1800)
    pages = [[one[:60] for one in words[at : at + 5]] for at in range(0, min(len(words), 200), 5)]
    return _odf(flat.slides("Samråd", pages), "presentation", picture)


def _odf(document: str, kind: str, picture: bytes) -> bytes:
    """Return a package of a flat document; LibreOffice reads it as it does its own."""
    mime = f"application/vnd.oasis.opendocument.{kind}"
    # In a package the root is `office:document-content`, without the kind's name on it.
    content = document.replace("<office:document ", "<office:document-content ")
    content = content.replace("</office:document>", "</office:document-content>")
    content = content.replace(f' office:mimetype="{mime}"', "")
    content, styles = _apart(content)
    content = _with_picture(content, kind, picture, "Pictures/1.jpeg")
    entries = {"/": mime, "content.xml": "text/xml", "styles.xml": "text/xml"}
    parts: dict[str, str | bytes] = {"mimetype": mime, "content.xml": content, "styles.xml": styles}
    if picture:
        parts["Pictures/1.jpeg"] = picture
        entries["Pictures/1.jpeg"] = "image/jpeg"
    listed = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{one}"/>'
        for name, one in entries.items()
    )
    parts["META-INF/manifest.xml"] = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.2" '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f"{listed}</manifest:manifest>"
    )
    return _package(parts)


def _apart(document: str) -> tuple[str, str]:
    """Return content.xml and styles.xml: which element belongs where is in 3.1.3.2 and 3.1.3.3."""
    opening = document[: document.index("<office:meta>")]
    _, rest = _cut(document, "office:meta")
    styles, rest = _cut(rest, "office:styles")
    automatic, rest = _cut(rest, "office:automatic-styles")
    masters, rest = _cut(rest, "office:master-styles")
    layout = automatic[automatic.index("<style:page-layout") : automatic.index("</office:auto")]
    body = rest[rest.index("<office:body>") :]
    content = f"{opening}{automatic.replace(layout, '')}{body}"
    ours = opening.replace("document-content", "document-styles")
    return content, (
        f"{ours}{styles}<office:automatic-styles>{layout}</office:automatic-styles>{masters}"
        "</office:document-styles>"
    )


def _cut(document: str, name: str) -> tuple[str, str]:
    start, end = document.index(f"<{name}>"), document.index(f"</{name}>") + len(name) + 3
    return document[start:end], document[:start] + document[end:]


def _with_picture(document: str, kind: str, picture: bytes, path: str) -> str:
    """Return the document with a picture at its end; `path` in the package, "" for within."""
    if not picture:
        return document
    held = f' xlink:href="{path}" xlink:type="simple"/>' if path else (
        f"><office:binary-data>{base64.b64encode(picture).decode()}</office:binary-data>"
        "</draw:image>"
    )  # fmt: skip
    frame = (
        '<draw:frame svg:x="2cm" svg:y="9cm" svg:width="12cm" svg:height="9cm"{anchor}>'
        f'<draw:image xmlns:xlink="http://www.w3.org/1999/xlink"{held}</draw:frame>'
    )
    if kind == "text":
        inline = frame.format(anchor=' text:anchor-type="as-char"')
        shown = f"<text:p>{inline}</text:p>"
        return document.replace("</office:text>", f"{shown}</office:text>")
    return document.replace("</draw:page>", f"{frame.format(anchor='')}</draw:page>", 1)


def doc(rng: Random, size: int) -> bytes:
    """Return a Word document of 97-2003. Raises ToolMissingError without LibreOffice."""
    words, picture = _filling(rng, size, 9000)
    return _stored(_with_picture(flat.text("Skrivelse", words), "text", picture, ""), "doc")


def xls(rng: Random, size: int) -> bytes:
    """Return an Excel workbook of 97-2003. Raises ToolMissingError without LibreOffice."""
    rows = [
        (generator_texts.sentence(rng)[:40], float(rng.randint(1, 999_999)))
        for _ in range(min(max(size - 6000, 600) // 90, 20_000))
    ]
    return _stored(flat.sheets("Budget", {"Budget": rows}), "xls")


def ppt(rng: Random, size: int) -> bytes:
    """Return PowerPoint slides of 97-2003. Raises ToolMissingError without LibreOffice."""
    words, picture = _filling(rng, size, 60_000)
    pages = [[one[:60] for one in words[at : at + 5]] for at in range(0, min(len(words), 60), 5)]
    whole = _with_picture(flat.slides("Samråd", pages), "presentation", picture, "")
    return _stored(whole, "ppt")


def pptx(rng: Random, size: int) -> bytes:
    """Return PowerPoint slides. Raises ToolMissingError without LibreOffice."""
    words, picture = _filling(rng, size, 30_000)
    pages = [[one[:60] for one in words[at : at + 5]] for at in range(0, min(len(words), 60), 5)]
    whole = _with_picture(flat.slides("Samråd", pages), "presentation", picture, "")
    return _stored(whole, "pptx")


def _stored(document: str, extension: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-") as folder:
        target = Path(folder) / f"made.{extension}"
        office.store(target, document)
        return target.read_bytes()
