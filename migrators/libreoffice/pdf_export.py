# SPDX-License-Identifier: AGPL-3.0-or-later
"""How LibreOffice shall write PDF/A-2b: everything in the document, nothing made smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import uno

FILTERS = {
    "writer": "writer_pdf_Export",
    "calc": "calc_pdf_Export",
    "impress": "impress_pdf_Export",
    "draw": "draw_pdf_Export",
}

_NUMBERS = 1 | 2 | 16  # com.sun.star.sheet.CellFlags: VALUE, DATETIME, FORMULA


def options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the export filter's data.

    `settings`: sheets = "single-page" (default) or "printed"; comments = "leave"
    (default) or "margin" (text documents); hidden = True (default): hidden slides too.
    """
    return {
        "SelectPdfVersion": uno.Any("long", 2),  # PDF/A-2b
        "UseTaggedPDF": True,
        "ExportBookmarks": True,
        "EmbedStandardFonts": True,
        "UseLosslessCompression": True,
        "ReduceImageResolution": False,
        # A form is drawn with what was filled in: widgets are no record of it.
        "ExportFormFields": False,
        "ExportNotes": False,
        "ExportNotesInMargin": settings.get("comments") == "margin",
        "ExportHiddenSlides": bool(settings.get("hidden", True)),
        # The page numbers of the document are those of the PDF.
        "IsSkipEmptyPages": False,
        # A sheet cut into print areas loses which cells stand beside each other.
        "SinglePageSheets": settings.get("sheets", "single-page") != "printed",
    }


def prepare(document: Any, kind: str) -> None:
    """Bring to light, in LibreOffice's memory only, what the export would leave out."""
    if kind != "calc":
        return
    for sheet in document.Sheets:
        # LibreOffice 7.4 exports a hidden sheet with one page a sheet, and leaves it out of
        # what is printed: here it is always shown, and the archivist is told.
        sheet.IsVisible = True
        # A number too wide for its column, as with a font that is not installed, shows as
        # ### and is lost; made smaller it is there. Widths and heights stay as they are.
        numbers = sheet.queryContentCells(_NUMBERS)
        if numbers.Count:
            numbers.ShrinkToFit = True
