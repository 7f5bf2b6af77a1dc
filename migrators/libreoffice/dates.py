# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dates that change whenever a document is looked at: set to when it was saved last.

A letter that dates itself would show the day of its conversion. What its reader saw last
is, as far as the document can tell, the day on which it was saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migrators.libreoffice import documents

_FIELDS = (
    "com.sun.star.text.textfield.DateTime",
    "com.sun.star.text.TextField.DateTime",  # as Impress and Draw call it
)


def freeze(document: Any, kind: str) -> int:
    """Set the date fields of texts and slides; return how many were set.

    Nothing is set where the document does not tell when it was saved.
    """
    properties = document.DocumentProperties
    saved = properties.ModificationDate
    if not saved.Year:
        saved = properties.CreationDate
    if not saved.Year or kind == "calc":
        return 0
    fields = _of_text(document) if kind == "writer" else _of_slides(document)
    count = sum(_set(field, saved) for field in fields)
    if kind == "impress":
        for page in document.DrawPages:
            if page.IsDateTimeVisible and not page.IsDateTimeFixed:
                page.DateTimeText = f"{saved.Year:04d}-{saved.Month:02d}-{saved.Day:02d}"
                page.IsDateTimeFixed = True
                count += 1
    return count


def _set(field: Any, saved: Any) -> bool:
    if not any(map(field.supportsService, _FIELDS)) or field.IsFixed:
        return False
    try:
        # Fixed first: a field that is not takes the present time for any other.
        field.IsFixed = True
        if hasattr(field, "DateTimeValue"):
            field.DateTimeValue = saved
        else:
            field.DateTime = saved
    except documents.UnoException:
        return False
    return True


def _of_text(document: Any) -> Iterator[Any]:
    # All at once: what is changed while it is walked through may come again.
    walk, found = document.TextFields.createEnumeration(), []
    while walk.hasMoreElements():
        found.append(walk.nextElement())
    return iter(found)


def _of_slides(document: Any) -> Iterator[Any]:
    for page in (*document.DrawPages, *document.MasterPages):
        for shape in documents.shapes(page):
            if not shape.supportsService("com.sun.star.drawing.Text") or not shape.String:
                continue
            if shape.supportsService("com.sun.star.presentation.DateTimeShape"):
                continue
            paragraphs = shape.createEnumeration()
            while paragraphs.hasMoreElements():
                portions = paragraphs.nextElement().createEnumeration()
                while portions.hasMoreElements():
                    portion = portions.nextElement()
                    if portion.TextPortionType == "TextField":
                        yield portion.TextField
