# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small valid sample for each validator and each migrator, made by code.

To add a format: write a function that returns a `Sample`, and name it in `VALID` under
the validator's name, or in `SOURCES` under the migrator's. The contract test covers the
module from then on. A sample must be such that its first half alone is not valid.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pikepdf
import pymupdf
from pikepdf import pdfa
from PIL import Image

from pipeline.core.records import Scalar
from pipeline.demo.signing import signed

SWEDISH = "Kommunfullmäktige i Ängelholm återremitterade ärendet på måndagen"
MONTHS = ("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti")


@dataclass(frozen=True, slots=True)
class Sample:
    """A file: its extension without the dot, its bytes; `puid` and `facts` for a migrator."""

    extension: str
    data: bytes
    puid: str = ""
    facts: Mapping[str, Scalar] = field(default_factory=dict)


# -- PDF ----------------------------------------------------------------------------------


def pdf(*pages: str, embedded: bool = True) -> bytes:
    """Return a PDF with a line of text per page, its font embedded or merely named."""
    document = pymupdf.open()
    font = pymupdf.Font("helv")
    for line in pages or (SWEDISH,):
        page = document.new_page()
        if embedded:
            writer = pymupdf.TextWriter(page.rect)
            writer.append((72, 100), line, font=font, fontsize=14)
            writer.write_text(page)
        else:
            page.insert_text((72, 100), line, fontsize=14)
    data: bytes = document.tobytes()
    return data


def pdfa_2b() -> bytes:
    """Return a valid PDF/A-2b."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as document:
        pdfa.prepare(document, "2b")
        document.save(buffer, **pdfa.resolve_save_kwargs("2b", deterministic_id=True))
    return buffer.getvalue()


def scan(*, dpi: int = 200, jpeg: bool = True) -> bytes:
    """Return a PDF as a scanner leaves it: one picture of a page with Swedish text."""
    written = pymupdf.open()
    page = written.new_page()
    lines = (SWEDISH, *(f"Protokoll från sammanträdet i {month}, öppet möte" for month in MONTHS))
    for number, line in enumerate(lines):
        page.insert_text((60, 100 + 28 * number), line, fontsize=14)
    picture = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
    image = picture.tobytes("jpeg", jpg_quality=90) if jpeg else picture.tobytes("png")
    document = pymupdf.open()
    document.new_page().insert_image(page.rect, stream=image)
    data: bytes = document.tobytes()
    return data


def scanned_pages(pages: int = 2, dpi: int = 120) -> bytes:
    """Return a TIFF as a scanner leaves it: a bilevel picture for each page."""
    written = pymupdf.open()
    for number in range(pages):
        page = written.new_page(width=300, height=200)
        page.insert_text((20, 60), f"Protokoll {MONTHS[number]}", fontsize=20)
        page.insert_text((20, 110), "Ängelholm beslutar", fontsize=20)
    frames = []
    for page in written:
        shown = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY)
        frames.append(Image.frombytes("L", (shown.width, shown.height), shown.samples).convert("1"))
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "TIFF", save_all=True, append_images=frames[1:], compression="group4",
        dpi=(dpi, dpi),
    )  # fmt: skip
    return buffer.getvalue()


# -- pictures -----------------------------------------------------------------------------


def picture(image_format: str) -> bytes:
    """Return noise, which no encoder can shorten, so that half of the file is half of it."""
    noise = np.random.default_rng(7).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, image_format)
    return buffer.getvalue()


# -- packages -----------------------------------------------------------------------------

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_ODT = "application/vnd.oasis.opendocument.text"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def zipped(members: Mapping[str, str]) -> bytes:
    """Return a ZIP of these members; the first is stored, as ODF wants its mimetype."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, (name, text) in enumerate(members.items()):
            info = zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6))
            info.compress_type = zipfile.ZIP_DEFLATED if number else zipfile.ZIP_STORED
            archive.writestr(info, text)
    return buffer.getvalue()


def docx(*paragraphs: str) -> bytes:
    """Return a minimal word processing document (ECMA-376)."""
    body = "".join(
        f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in paragraphs or (SWEDISH,) * 3
    )
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    return zipped(
        {
            "[Content_Types].xml": (
                f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
                f'<Default Extension="rels" ContentType="{relations}"/>'
                f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
            ),
            "_rels/.rels": (
                f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
                f' Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
            ),
            "word/document.xml": (
                f'{_XML}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
            ),
        }
    )


def xlsx() -> bytes:
    """Return a minimal workbook with texts, numbers, a date and a formula's result."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts = (("workbook", "sheet.main"), ("worksheets/sheet1", "worksheet"), ("styles", "styles"))
    types = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{kind}.{name}+xml"/>'
        for part, name in parts
    )
    links = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{name}" Target="{target}.xml"/>'
        for number, (name, target) in enumerate(
            (("worksheet", "worksheets/sheet1"), ("styles", "styles"))
        )
    )
    rows = "".join(
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{month}</t></is></c>'
        f'<c r="B{number}"><v>{number * 1234.56}</v></c>'
        f'<c r="C{number}" s="1"><v>{37000 + number}</v></c>'
        f'<c r="D{number}"><f>B{number}*2</f><v>{number * 2469.12}</v></c></row>'
        for number, month in enumerate(MONTHS, 1)
    )
    return zipped(
        {
            "[Content_Types].xml": (
                f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
                f'<Default Extension="rels" ContentType="{relations}"/>{types}</Types>'
            ),
            "_rels/.rels": (
                f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
                f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
            ),
            "xl/workbook.xml": (
                f'{_XML}<workbook xmlns="{space}" xmlns:r="{_OFFICE}"><sheets>'
                '<sheet name="Anslag" sheetId="1" r:id="r0"/></sheets></workbook>'
            ),
            "xl/_rels/workbook.xml.rels": (
                f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
            ),
            "xl/styles.xml": (
                f'{_XML}<styleSheet xmlns="{space}"><fonts count="1"><font/></fonts><fills'
                ' count="1"><fill/></fills><borders count="1"><border/></borders>'
                '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/>'
                '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
            ),
            "xl/worksheets/sheet1.xml": (
                f'{_XML}<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
            ),
        }
    )


def odt(*paragraphs: str) -> bytes:
    """Return a minimal text document (OpenDocument 1.2)."""
    body = "".join(f"<text:p>{line}</text:p>" for line in paragraphs or (SWEDISH,) * 3)
    entries = "".join(
        f'<m:file-entry m:full-path="{name}" m:media-type="{kind}"/>'
        for name, kind in (("/", _ODT), ("content.xml", "text/xml"))
    )
    return zipped(
        {
            "mimetype": _ODT,
            "content.xml": (
                f'{_XML}<office:document-content xmlns:office="{_OASIS}:office:1.0"'
                f' xmlns:text="{_OASIS}:text:1.0" office:version="1.2"><office:body>'
                f"<office:text>{body}</office:text></office:body></office:document-content>"
            ),
            "META-INF/manifest.xml": (
                f'{_XML}<m:manifest xmlns:m="{_OASIS}:manifest:1.0" m:version="1.2">'
                f"{entries}</m:manifest>"
            ),
        }
    )


# -- text ---------------------------------------------------------------------------------


def xml() -> bytes:
    """Return well-formed XML."""
    lines = "".join(f"<rad>{month}</rad>" for month in MONTHS)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<lista>{lines}</lista>\n'.encode()


def json() -> bytes:
    """Return JSON: of plain text, half is as good a text as the whole."""
    return ('{"månader": ["' + '", "'.join(MONTHS) + '"]}\n').encode()


def ole() -> bytes:
    """Return a compound file with the streams of a Word document."""
    from tests.validators.test_ole import compound, word

    return compound(word())


VALID: dict[str, Callable[[], Sample]] = {
    "jpeg2000": lambda: Sample("jp2", picture("JPEG2000")),
    "odf": lambda: Sample("odt", odt()),
    "ole": lambda: Sample("doc", ole()),
    "ooxml": lambda: Sample("docx", docx()),
    "pdf": lambda: Sample("pdf", pdf()),
    "pdf_signatures": lambda: Sample("pdf", signed(pdf())),
    "raster": lambda: Sample("png", picture("PNG")),
    "text": lambda: Sample("json", json()),
    "tiff": lambda: Sample("tif", picture("TIFF")),
    "verapdf": lambda: Sample("pdf", pdfa_2b()),
    "xml": lambda: Sample("xml", xml()),
    "zip": lambda: Sample("zip", zipped({"a.txt": "text", "b/c.txt": "more"})),
}

SOURCES: dict[str, Callable[[], Sample]] = {
    "image_to_tiff": lambda: Sample("bmp", picture("BMP"), "fmt/116"),
    "office_to_pdfa": lambda: Sample("docx", docx(), "fmt/412"),
    "picture_to_pdfa": lambda: Sample("tif", scanned_pages(), "fmt/353"),
    "pdf_to_pdfa": lambda: Sample("pdf", pdf(), "fmt/276"),
    "scan_to_pdfa": lambda: Sample("pdf", scan(), "fmt/276", {"needs_ocr": True, "attachments": 0}),
    "sheet_to_csv": lambda: Sample("xlsx", xlsx(), "fmt/214"),
    "sheet_to_ods": lambda: Sample("xlsx", xlsx(), "fmt/214"),
}
