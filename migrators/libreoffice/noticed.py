# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a document carries that a page does not show: objects, links, protection, the hidden."""

from __future__ import annotations

from collections import Counter
from typing import Any

from migrators.libreoffice import documents, odf_copy

_CONTENT = 1 | 2 | 4 | 16  # com.sun.star.sheet.CellFlags: VALUE, DATETIME, STRING, FORMULA
_SHAPES = 20_000  # looked at in one document
_PICTURES = (
    "com.sun.star.drawing.GraphicObjectShape",
    "com.sun.star.text.TextGraphicObject",
)


def collect(document: Any, kind: str) -> dict[str, Any]:
    """Return {"embedded", "links", "protected", "hidden_cells"}.

    `embedded`: kind -> number; `links`: the addresses; the others are counts. Of texts and
    slides `odf_copy` tells what is embedded: to walk through all shapes of a drawing for it
    ended LibreOffice 7.4 at the next file.
    """
    return {
        "embedded": dict(_embedded(document)) if kind == "calc" else {},
        "links": _links(document, kind),
        "protected": _protected(document, kind),
        "hidden_cells": _hidden_cells(document) if kind == "calc" else 0,
    }


def _embedded(document: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    looked_at = 0
    for sheet in document.Sheets:
        for shape in documents.shapes(sheet.DrawPage):
            looked_at += 1
            if looked_at > _SHAPES:
                return found
            if shape.supportsService("com.sun.star.drawing.OLE2Shape"):
                what = odf_copy.kind_of_class(str(shape.CLSID))
                if what:
                    found[what] += 1
    return found


def _links(document: Any, kind: str) -> list[str]:
    """Return what a workbook fetches from elsewhere, and any document's template.

    Hyperlinks are not fetched. What texts and slides fetch, `odf_copy` tells: to ask
    Writer's pictures whether they are linked ends LibreOffice 7.4 on some documents.
    """
    found: list[str] = []
    if kind == "calc":
        for name in ("ExternalDocLinks", "SheetLinks", "DDELinks"):
            links = getattr(document, name, None)
            found += list(getattr(links, "ElementNames", ()) or ())
        areas = getattr(document, "AreaLinks", None)
        found += [
            str(one.SourceUrl if hasattr(one, "SourceUrl") else one.Url) for one in areas or ()
        ]
    template = str(document.DocumentProperties.TemplateURL)
    return [*found, template] if template else found


def picture(shape: Any) -> Any:
    """Return what a picture shows, None for every other shape.

    An embedded object has the property as well, and fails when asked for it.
    """
    return shape.Graphic if any(map(shape.supportsService, _PICTURES)) else None


def _protected(document: Any, kind: str) -> int:
    """Return how many protections against change there are; they bar no reader."""
    settings = document.createInstance("com.sun.star.document.Settings")
    count = 0
    for name in ("ModifyPasswordInfo",):
        try:
            count += bool(len(settings.getPropertyValue(name)))
        except documents.UnoException:
            continue  # this kind of document has no such setting
    if kind == "writer":
        count += bool(len(document.RedlineProtectionKey))
        count += bool(getattr(settings, "ProtectForm", False))
        sections = document.TextSections
        count += sum(bool(sections.getByName(n).IsProtected) for n in sections.ElementNames)
    elif kind == "calc":
        count += bool(document.isProtected())
        count += sum(bool(sheet.isProtected()) for sheet in document.Sheets)
    return count


def _hidden_cells(document: Any) -> int:
    """Return how many cells with content stand in hidden rows and columns."""
    count = 0
    for sheet in document.Sheets:
        if sheet.IsVisible:
            content = sheet.queryContentCells(_CONTENT)
            if content.Count:
                count += _size(content) - _size(content.queryVisibleCells())
    return count


def _size(ranges: Any) -> int:
    return sum(
        (one.EndRow - one.StartRow + 1) * (one.EndColumn - one.StartColumn + 1)
        for one in ranges.RangeAddresses
    )
