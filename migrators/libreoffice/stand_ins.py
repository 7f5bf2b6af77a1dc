# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which font LibreOffice takes for one that is not installed: it is asked, with a page for each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from xml.sax.saxutils import quoteattr

from migrators.libreoffice import client, stamp
from pipeline.core.errors import NotConvertedError, from_os_error
from pipeline.core.isolate import Pool, call

_METRIC: Mapping[str, list[str]] = tomllib.loads(
    files("migrators.libreoffice").joinpath("fonts.toml").read_text(encoding="utf-8")
)
_MOST = 200  # fonts asked about for one document
_FLAT = ("OpenDocument Text Flat XML", "writer")
_NAMES = "urn:oasis:names:tc:opendocument:xmlns"
_XML = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document office:version="1.3"'
    ' office:mimetype="application/vnd.oasis.opendocument.text"'
    f' xmlns:office="{_NAMES}:office:1.0" xmlns:text="{_NAMES}:text:1.0"'
    f' xmlns:style="{_NAMES}:style:1.0" xmlns:fo="{_NAMES}:xsl-fo-compatible:1.0">'
    "<office:automatic-styles>{styles}</office:automatic-styles>"
    "<office:body><office:text>{pages}</office:text></office:body></office:document>"
)
_STYLE = (
    '<style:style style:name="P{number}" style:family="paragraph"><style:paragraph-properties'
    ' fo:break-before="page"/><style:text-properties fo:font-family={name}/></style:style>'
)
_PAGE = '<text:p text:style-name="P{number}">Aa</text:p>'
_known: dict[str, str] = {}  # font that is missing here -> font that LibreOffice takes


def of(missing: list[str], folder: Path) -> dict[str, str]:
    """Return the font, as it names itself in a PDF, that stands in for each of these."""
    asked = missing[:_MOST]
    unknown = [name for name in asked if name not in _known]
    if unknown:
        _known.update(zip(unknown, _taken(unknown, folder), strict=True))
    return {name: _known[name] for name in asked}


def same_widths(name: str, stand_in: str) -> bool:
    """Whether lines break where they did with the font that was asked for."""
    return stand_in in _METRIC.get(name, ())


def _taken(names: list[str], folder: Path) -> list[str]:
    # The quotes are of CSS: a name with spaces is one family.
    family = [quoteattr("'" + name.replace("'", "") + "'") for name in names]
    styles = (_STYLE.format(number=n, name=one) for n, one in enumerate(family))
    pages = (_PAGE.format(number=n) for n in range(len(names)))
    source, target = folder / "office-fonts.fodt", folder / "office-fonts.pdf"
    try:
        xml = _XML.format(styles="".join(styles), pages="".join(pages))
        source.write_text(xml, encoding="utf-8", errors="replace")
    except OSError as error:
        raise from_os_error(error) from error
    client.store(source, target, _FLAT, "writer_pdf_Export")
    taken = call(Pool.LIBRARIES, stamp.fonts_by_page, target)
    if len(taken) != len(names):
        raise NotConvertedError(f"{len(taken)} pages for {len(names)} fonts", "office.export")
    source.unlink()
    target.unlink()
    return taken
