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
    """Return the export filter's data; `settings` as `office_to_pdfa.OfficeToPdfa` has them."""
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
        "ExportNotesPages": settings.get("notes") == "pages",
        "ExportHiddenSlides": bool(settings.get("hidden", True)),
        # The page numbers of the document are those of the PDF.
        "IsSkipEmptyPages": False,
        # A sheet cut into print areas loses which cells stand beside each other.
        "SinglePageSheets": settings.get("sheets", "single-page") != "printed",
    }


def prepare(context: Any, document: Any, kind: str, settings: Mapping[str, Any]) -> None:
    """Bring to light, in LibreOffice's memory only, what the policy wants to be seen."""
    hidden = settings.get("hidden", True)
    if kind == "calc":
        _sheets(document, hidden)
    elif kind == "writer":
        _changes(context, document, str(settings.get("tracked", "leave")))
        if hidden == "all":
            options_ = document.createInstance("com.sun.star.document.Settings")
            options_.setPropertyValue("PrintHiddenText", True)
            sections = document.TextSections
            for name in sections.ElementNames:
                sections.getByName(name).IsVisible = True


def _sheets(document: Any, hidden: Any) -> None:
    for sheet in document.Sheets:
        # LibreOffice 7.4 exports a hidden sheet with one page a sheet, and leaves it out of
        # what is printed: here the policy decides, and the archivist is told.
        if hidden:
            sheet.IsVisible = True
        if hidden == "all":
            sheet.Rows.IsVisible = True
            sheet.Columns.IsVisible = True
        # A number too wide for its column, as with a font that is not installed, shows as
        # ### and is lost; made smaller it is there. Widths and heights stay as they are.
        numbers = sheet.queryContentCells(_NUMBERS)
        if numbers.Count:
            numbers.ShrinkToFit = True


def _changes(context: Any, document: Any, tracked: str) -> None:
    """Show, accept or reject all tracked changes; "leave": as the document shows them."""
    if tracked == "shown":
        document.ShowChanges = True
    elif tracked in _CHANGES:
        helper = context.ServiceManager.createInstanceWithContext(
            "com.sun.star.frame.DispatchHelper", context
        )
        frame = document.CurrentController.Frame
        helper.executeDispatch(frame, _CHANGES[tracked], "", 0, ())


_CHANGES = {
    "accepted": ".uno:AcceptAllTrackedChanges",
    "rejected": ".uno:RejectAllTrackedChanges",
}
