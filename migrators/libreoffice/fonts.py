# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which fonts a document asks for that are not here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_FORMATS = 2_000  # of cells, asked in one sheet


def missing(context: Any, document: Any, kind: str, named: set[str]) -> list[str]:
    """Return the fonts that a document's text is set in and this machine lacks.

    `named`: what `odf_copy` read of texts and slides; workbooks are asked, for the styles
    in use and the ranges of one format.
    """
    toolkit = context.ServiceManager.createInstanceWithContext("com.sun.star.awt.Toolkit", context)
    device = toolkit.createScreenCompatibleDevice(1, 1)
    present = {one.Name.casefold() for one in device.FontDescriptors}
    wanted = set(named)
    if kind == "calc":
        wanted.update(_of_styles(document), _of_sheets(document))
    # A name may list others to take in its place: "Cambria;Times New Roman".
    names = {name.split(";")[0].strip() for name in wanted}
    return sorted(name for name in names if name and name.casefold() not in present)


def _name(formatted: Any) -> str:
    """Return a font's name, "" where several are used or none is told."""
    return str(formatted.CharFontName or "")


def _of_styles(document: Any) -> Iterator[str]:
    for family in document.StyleFamilies:
        for style in family:
            if style.supportsService("com.sun.star.style.CharacterProperties") and style.isInUse():
                yield _name(style)


def _of_sheets(document: Any) -> Iterator[str]:
    for sheet in document.Sheets:
        ranges = sheet.UniqueCellFormatRanges
        for number in range(min(ranges.Count, _FORMATS)):
            yield _name(ranges.getByIndex(number).getByIndex(0))
