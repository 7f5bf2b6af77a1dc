# SPDX-License-Identifier: AGPL-3.0-or-later
"""What LibreOffice knows of a loaded document: counts, dates, fonts, and its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from migrators.libreoffice import documents, fonts, noticed, odf_copy

TEXT_LIMIT = 4 * 1024 * 1024  # characters: a very long book has two million
_SHAPE_DEPTH = 20
_LINKS = 50  # addresses that are told
_PIXELS = 1  # com.sun.star.graphic.GraphicType.PIXEL
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
    copy = odf_copy.read(document, kind, folder)
    found = noticed.collect(document, kind)
    counts = _COUNTS[kind](document)
    if copy["date_fields"]:  # else none is asked for: to ask each box took 0.15 s a presentation
        counts["live_dates"] += _box_dates(document, kind)
    return {
        "created": _date(properties.CreationDate),
        "modified": _date(properties.ModificationDate),
        "macros": _macros(document),
        "fonts_missing": fonts.missing(context, document, kind, copy["fonts"]),
        "headings": copy["headings"],
        "language": _language(document) if kind == "writer" else "",
        **found,
        "embedded": found["embedded"] or dict(copy["embedded"]),
        "links": sorted({*found["links"], *copy["links"]})[:_LINKS],
        "hidden_text": copy["hidden_text"] + _hidden_sections(document, kind),
        **counts,
        "text": text(document, kind, folder),
    }


def hidden_sheets(document: Any) -> list[int]:
    """Return the places of hidden sheets, from 0."""
    return [number for number, sheet in enumerate(document.Sheets) if not sheet.IsVisible]


def live_dates(document: Any, kind: str) -> int:
    """Return how many dates of the document change whenever it is looked at."""
    return _COUNTS[kind](document)["live_dates"] + _box_dates(document, kind)


def text(document: Any, kind: str, folder: Path) -> str:
    """Return the document's text as LibreOffice has it now; of sheets, the cells as shown."""
    return _TEXTS[kind](document, folder)[:TEXT_LIMIT]


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


def _language(document: Any) -> str:
    """Return the language of the default paragraph style, "" where it has none."""
    locale = document.StyleFamilies.getByName("ParagraphStyles").getByName("Standard").CharLocale
    if not locale.Language or locale.Language in ("zxx", "qlt"):
        return ""
    return "-".join(filter(None, (str(locale.Language), str(locale.Country))))


def _hidden_sections(document: Any, kind: str) -> int:
    if kind != "writer":
        return 0
    sections = document.TextSections
    return sum(not sections.getByName(name).IsVisible for name in sections.ElementNames)


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
        "images": _pictures(
            document.GraphicObjects.getByName(name) for name in document.GraphicObjects.ElementNames
        ),
    }


def _calc_counts(document: Any) -> dict[str, int]:
    counts = {"comments": 0, "hidden": 0, "live_dates": 0, "images": 0}
    for sheet in document.Sheets:
        counts["comments"] += sheet.Annotations.Count
        counts["hidden"] += not sheet.IsVisible
        search = sheet.createSearchDescriptor()
        search.SearchString = r"\b(TODAY|NOW|RAND|RANDBETWEEN)\("
        search.SearchRegularExpression = True
        search.SearchType = 0  # formulas
        found = sheet.findAll(search)
        counts["live_dates"] += 0 if found is None else found.Count
    counts["live_dates"] += _header_dates(document)
    counts["images"] = _pictures(
        shape for sheet in document.Sheets for shape in documents.shapes(sheet.DrawPage)
    )
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
    for page in document.DrawPages:
        counts["comments"] += _length(page.createAnnotationEnumeration())
        if page.supportsService("com.sun.star.presentation.DrawPage"):
            counts["hidden"] += not page.Visible
            counts["live_dates"] += bool(page.IsDateTimeVisible and not page.IsDateTimeFixed)
            counts["notes"] += any(
                shape.String.strip()
                for shape in documents.shapes(page.NotesPage)
                if shape.supportsService("com.sun.star.presentation.NotesShape")
            )
    counts["images"] = _pictures(
        shape for page in document.DrawPages for shape in documents.shapes(page)
    )
    return counts


def _box_dates(document: Any, kind: str) -> int:
    """Return how many fields in text boxes of slides show the present date or time."""
    if kind not in ("impress", "draw"):
        return 0
    pages = (*document.DrawPages, *document.MasterPages)
    return sum(_shape_dates(shape) for page in pages for shape in documents.shapes(page))


def _shape_dates(shape: Any) -> int:
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


def _pictures(shapes: Iterable[Any]) -> int:
    """Return how many different pictures of pixels there are, by what tells them apart.

    Drawings (EMF, WMF, SVG) are lines in a PDF; a picture that is shown twice is there
    once; one that could not be loaded has no size.
    """
    found = set()
    for shape in shapes:
        graphic = noticed.picture(shape)
        if graphic is None or getattr(graphic, "GraphicType", 0) != _PIXELS:
            continue
        size = graphic.SizePixel
        if size.Width > 1 and size.Height > 1:
            found.add((size.Width, size.Height, str(graphic.MimeType)))
    return len(found)


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
    for shape in documents.shapes(container):
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
