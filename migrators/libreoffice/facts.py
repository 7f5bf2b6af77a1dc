# SPDX-License-Identifier: AGPL-3.0-or-later
"""What LibreOffice knows of a loaded document: counts, dates, fonts, and its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from migrators.libreoffice import documents

TEXT_LIMIT = 4 * 1024 * 1024  # characters: a very long book has two million
_SHAPE_DEPTH = 20
_DATE_FIELDS = (
    "com.sun.star.text.textfield.DateTime",
    "com.sun.star.text.TextField.DateTime",  # as Impress and Draw call it
)
_DATE_FIELD = "com.sun.star.text.textfield.DateTime"
_CODE = re.compile(r"^[\s'rem]*(?:(?:public|private|static)\s+)*(?:sub|function)\s", re.I | re.M)
# LibreOffice's CSV export: tab (a comma would join two numbers), quote, UTF-8, from line 1;
# the ninth token: values as they are shown; the last: every sheet.
_CSV = "9,34,UTF8,1,,0,false,true,true,false,false,-1"


def collect(context: Any, document: Any, kind: str, folder: Path) -> dict[str, Any]:
    """Return counts of what a PDF may not show, the fonts missing, the dates, the text."""
    properties = document.DocumentProperties
    return {
        "created": _date(properties.CreationDate),
        "modified": _date(properties.ModificationDate),
        "macros": _macros(document),
        "fonts_missing": _fonts_missing(context, document),
        **_COUNTS[kind](document),
        "text": _TEXTS[kind](document, folder)[:TEXT_LIMIT],
    }


def pages(document: Any, kind: str) -> int:
    """Return the number of pages as laid out; of sheets for Calc, of slides for Impress."""
    if kind == "writer":
        cursor = document.CurrentController.ViewCursor
        cursor.jumpToLastPage()
        return int(cursor.getPage())
    if kind == "calc":
        return sum(1 for sheet in document.Sheets if sheet.IsVisible)
    return int(document.DrawPages.Count)


def _date(value: Any) -> str:
    if not (value.Year and value.Month and value.Day):
        return ""
    clock = f"{value.Hours:02d}:{value.Minutes:02d}:{value.Seconds:02d}"
    return f"{value.Year:04d}-{value.Month:02d}-{value.Day:02d}T{clock}"


def _macros(document: Any) -> int:
    # Each Excel workbook brings an empty module for every sheet: only code counts.
    libraries: Any = getattr(document, "BasicLibraries", None)
    count = 0
    for name in libraries.ElementNames if libraries is not None else ():
        libraries.loadLibrary(name)
        library = libraries.getByName(name)
        sources = (str(library.getByName(module)) for module in library.ElementNames)
        count += sum(1 for source in sources if _CODE.search(source))
    return count


def _fonts_missing(context: Any, document: Any) -> list[str]:
    """Return the fonts that styles in use name and this machine lacks.

    Fonts set by hand on a few words are not seen: to ask each word over UNO takes longer
    than the conversion.
    """
    toolkit = context.ServiceManager.createInstanceWithContext("com.sun.star.awt.Toolkit", context)
    device = toolkit.createScreenCompatibleDevice(1, 1)
    present = {one.Name.casefold() for one in device.FontDescriptors}
    wanted = set()
    for family in document.StyleFamilies:
        for style in family:
            if style.supportsService("com.sun.star.style.CharacterProperties") and style.isInUse():
                wanted.add(str(style.CharFontName).split(";")[0])
    return sorted(name for name in wanted if name and name.casefold() not in present)


def _each(walk: Any) -> Iterator[Any]:
    while walk.hasMoreElements():
        yield walk.nextElement()


def _length(walk: Any) -> int:
    return sum(1 for _ in _each(walk))


def _writer_counts(document: Any) -> dict[str, int]:
    comments = dates = 0
    for one in _each(document.TextFields.createEnumeration()):
        comments += one.supportsService("com.sun.star.text.textfield.Annotation")
        if one.supportsService(_DATE_FIELD):
            dates += not one.IsFixed
    redlines = _length(document.Redlines.createEnumeration())
    return {
        "comments": comments,
        "tracked_changes": redlines,
        "live_dates": dates,
        "images": len(document.GraphicObjects.ElementNames),
    }


def _calc_counts(document: Any) -> dict[str, int]:
    counts = {"comments": 0, "hidden": 0, "live_dates": 0, "images": 0}
    for sheet in document.Sheets:
        counts["comments"] += sheet.Annotations.Count
        counts["hidden"] += not sheet.IsVisible
        counts["images"] += sum(map(_picture, sheet.DrawPage))
        search = sheet.createSearchDescriptor()
        search.SearchString = r"\b(TODAY|NOW|RAND|RANDBETWEEN)\("
        search.SearchRegularExpression = True
        search.SearchType = 0  # formulas
        found = sheet.findAll(search)
        counts["live_dates"] += 0 if found is None else found.Count
    counts["live_dates"] += _header_dates(document)
    return counts


def _header_dates(document: Any) -> int:
    """Return how many sheet headers and footers show the present date or time."""
    found = 0
    for style in document.StyleFamilies.getByName("PageStyles"):
        for place in ("RightPageHeaderContent", "RightPageFooterContent"):
            content = getattr(style, place) if style.isInUse() else None
            if content is None:
                continue
            for text in (content.LeftText, content.CenterText, content.RightText):
                fields = _each(text.TextFields.createEnumeration())
                found += any(one.supportsService(_DATE_FIELD) for one in fields)
    return found


def _slides_counts(document: Any) -> dict[str, int]:
    counts = {"comments": 0, "hidden": 0, "live_dates": 0, "notes": 0, "images": 0}
    for page in (*document.DrawPages, *document.MasterPages):
        counts["live_dates"] += sum(map(_shape_dates, page))
    for page in document.DrawPages:
        counts["comments"] += _length(page.createAnnotationEnumeration())
        counts["images"] += sum(map(_picture, page))
        if page.supportsService("com.sun.star.presentation.DrawPage"):
            counts["hidden"] += not page.Visible
            counts["live_dates"] += bool(page.IsDateTimeVisible and not page.IsDateTimeFixed)
            counts["notes"] += any(
                shape.String.strip()
                for shape in page.NotesPage
                if shape.supportsService("com.sun.star.presentation.NotesShape")
            )
    return counts


def _shape_dates(shape: Any) -> int:
    """Count the fields of a text box that show the time at which it is looked at."""
    if not shape.supportsService("com.sun.star.drawing.Text") or not shape.String:
        return 0
    if shape.supportsService("com.sun.star.presentation.DateTimeShape"):
        return 0  # shown where the slide says so: `IsDateTimeVisible`
    portions = (
        portion
        for paragraph in _each(shape.createEnumeration())
        for portion in _each(paragraph.createEnumeration())
    )
    fields = (one.TextField for one in portions if one.TextPortionType == "TextField")
    return sum(any(map(one.supportsService, _DATE_FIELDS)) and not one.IsFixed for one in fields)


def _picture(shape: Any) -> bool:
    return bool(shape.supportsService("com.sun.star.drawing.GraphicObjectShape"))


def _writer_text(document: Any, folder: Path) -> str:
    plain = folder / "office-text.txt"
    documents.store(document, plain, "Text (encoded)", {}, FilterOptions="UTF8,LF")
    parts = [plain.read_text(encoding="utf-8-sig", errors="replace")]
    plain.unlink()
    frames = document.TextFrames
    for name in frames.ElementNames:
        try:
            parts.append(frames.getByName(name).getString())
        except documents.UnoException:
            # "no text available": a frame that holds a picture or nothing.
            continue
    parts += [note.String for note in document.Footnotes]
    parts += [note.String for note in document.Endnotes]
    return "\n".join(parts)


def _calc_text(document: Any, folder: Path) -> str:
    # One file for each sheet, named "office-cells-<sheet>.csv".
    documents.store(
        document, folder / "office-cells.csv", "Text - txt - csv (StarCalc)", {},
        FilterOptions=_CSV,
    )  # fmt: skip
    parts, size = [], 0
    for path in sorted(folder.glob("office-cells*.csv")):
        if size < TEXT_LIMIT:
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                parts.append(file.read(TEXT_LIMIT - size))
            size += len(parts[-1])
        path.unlink()
    return "\n".join(parts)


def _slides_text(document: Any, folder: Path) -> str:
    del folder
    return "\n".join(text for page in document.DrawPages for text in _shapes(page, 0))


def _shapes(container: Any, depth: int) -> Iterator[str]:
    for shape in container:
        if depth < _SHAPE_DEPTH and shape.supportsService("com.sun.star.drawing.GroupShape"):
            yield from _shapes(shape, depth + 1)
        elif shape.supportsService("com.sun.star.drawing.TableShape"):
            model = shape.Model
            for row in range(model.RowCount):
                for column in range(model.ColumnCount):
                    yield model.getCellByPosition(column, row).String
        elif not getattr(shape, "IsEmptyPresentationObject", False) and hasattr(shape, "String"):
            yield shape.String


_COUNTS = {
    "writer": _writer_counts,
    "calc": _calc_counts,
    "impress": _slides_counts,
    "draw": _slides_counts,
}
_TEXTS = {
    "writer": _writer_text,
    "calc": _calc_text,
    "impress": _slides_text,
    "draw": _slides_text,
}
