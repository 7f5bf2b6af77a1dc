# SPDX-License-Identifier: AGPL-3.0-or-later
"""Flat OpenDocument XML (OpenDocument 1.2, part 1, 2.1.1), for LibreOffice to store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from pipeline.demo.made import WHEN

_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" '
    'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" '
    'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'office:version="1.2"'
)
_STYLES = (
    '<office:styles><style:default-style style:family="paragraph"><style:text-properties '
    'style:font-name="Liberation Sans" fo:font-family="Liberation Sans" fo:font-size="11pt" '
    'fo:language="sv" fo:country="SE"/></style:default-style></office:styles>'
)

Row = Sequence[str | float]


def text(title: str, paragraphs: Sequence[str], table: Sequence[Row] = ()) -> str:
    """Return a text document; a paragraph that begins with # is a heading."""
    body = "".join(_paragraph(one) for one in (f"# {title}", *paragraphs))
    return _document("text", title, f"<office:text>{body}{_table('Tabell', table)}</office:text>")


def sheets(title: str, tables: Mapping[str, Sequence[Row]]) -> str:
    """Return a spreadsheet; a cell that begins with = is a formula."""
    body = "".join(_table(name, rows) for name, rows in tables.items())
    return _document("spreadsheet", title, f"<office:spreadsheet>{body}</office:spreadsheet>")


def slides(title: str, pages: Sequence[Sequence[str]]) -> str:
    """Return a presentation: each page a heading and its points."""
    body = []
    for number, (heading, *points) in enumerate(pages, 1):
        frames = [_frame("2cm", "1cm", "3cm", heading)]
        frames.append(_frame("2cm", "5cm", "12cm", *points))
        body.append(
            f'<draw:page draw:name="Bild {number}" draw:master-page-name="Standard">'
            f"{''.join(frames)}</draw:page>"
        )
    return _document(
        "presentation", title, f"<office:presentation>{''.join(body)}</office:presentation>"
    )


def _document(kind: str, title: str, body: str) -> str:
    wide = (
        '<style:style style:name="wide" style:family="table-column">'
        '<style:table-column-properties style:column-width="5cm"/></style:style>'
    )
    layout = (
        f'<office:automatic-styles>{wide}<style:page-layout style:name="P">'
        "<style:page-layout-properties "
        'fo:page-width="28cm" fo:page-height="21cm"/></style:page-layout></office:automatic-styles>'
        '<office:master-styles><style:master-page style:name="Standard" '
        'style:page-layout-name="P"/></office:master-styles>'
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_NAMES} '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}">'
        f"<office:meta><dc:title>{escape(title)}</dc:title><dc:date>{WHEN}</dc:date>"
        f"<meta:creation-date>{WHEN}</meta:creation-date></office:meta>{_STYLES}"
        f"{layout}<office:body>{body}</office:body>"
        "</office:document>"
    )


def _paragraph(line: str) -> str:
    if line.startswith("# "):
        return f'<text:h text:outline-level="1">{escape(line[2:])}</text:h>'
    return f"<text:p>{escape(line)}</text:p>"


def _table(name: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    columns = max(len(row) for row in rows)
    body = "".join(
        f"<table:table-row>{''.join(_cell(cell) for cell in row)}</table:table-row>" for row in rows
    )
    return (
        f'<table:table table:name="{escape(name)}"><table:table-column table:style-name="wide" '
        f'table:number-columns-repeated="{columns}"/>{body}</table:table>'
    )


def _cell(value: str | float) -> str:
    if isinstance(value, str) and value.startswith("="):
        return f'<table:table-cell table:formula="of:{escape(value)}" office:value-type="float"/>'
    if isinstance(value, str):
        shown = f"<text:p>{escape(value)}</text:p>"
        return f'<table:table-cell office:value-type="string">{shown}</table:table-cell>'
    return (
        f'<table:table-cell office:value-type="float" office:value="{value}">'
        f"<text:p>{value}</text:p></table:table-cell>"
    )


def _frame(left: str, top: str, height: str, *lines: str) -> str:
    body = "".join(_paragraph(line) for line in lines)
    return (
        f'<draw:frame svg:x="{left}" svg:y="{top}" svg:width="24cm" svg:height="{height}">'
        f"<draw:text-box>{body}</draw:text-box></draw:frame>"
    )
