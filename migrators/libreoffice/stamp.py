# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finish LibreOffice's PDF/A: the same bytes on every run, the document's own dates.

LibreOffice writes the time of the export into Info, XMP and the file identifier. The
PDF's dates become those that the source itself states, or none. Runs in the isolated child.
"""

from __future__ import annotations

import struct
from datetime import datetime
from pathlib import Path
from typing import Any

from migrators.libreoffice import type1

# ISO 19005-2, 6.1.13: no side of a page below 3 or above 14,400 units.
_SMALLEST = 3.0
_LARGEST = 14400.0
# Letters of a path by which it is known: more than what documents tell of their own.
_LEAD = 24
_PROFILE_DATE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)


def finish(
    raw: Path, target: Path, created: str, modified: str, language: str, left_out: list[int]
) -> dict[str, Any]:
    """Write `target` from LibreOffice's `raw`.

    `language` is stated where there is one; the pages `left_out` (from 0) are not taken.
    Returns {"pages", "dropped": empty ones, "too_large", "letters": of the text on the pages,
    "media": sounds and films left out, "path_shown": whether a page tells where the document
    was converted}. Nothing is written when a page is larger than PDF/A allows.
    """
    import pikepdf

    with pikepdf.open(raw) as pdf:
        # LibreOffice 7.4 writes a page for each sheet then, also for those that are hidden.
        for number in sorted(left_out, reverse=True):
            del pdf.pages[number]
        # With one page a sheet, an empty sheet becomes a page of 1 x 1 points.
        empty = [n for n, page in enumerate(pdf.pages) if min(_size(page)) < _SMALLEST]
        too_large = any(max(_size(page)) > _LARGEST for page in pdf.pages)
        kept = len(pdf.pages) - len(empty)
        made: dict[str, Any] = {"pages": kept, "dropped": len(empty), "too_large": too_large}
        if too_large or not kept:
            return {**made, "letters": 0, "media": 0, "path_shown": False}
        for number in reversed(empty):
            del pdf.pages[number]
        if (empty or left_out) and "/OpenAction" in pdf.Root:
            del pdf.Root.OpenAction  # it may name a page that is gone
        if "/StructTreeRoot" not in pdf.Root and "/MarkInfo" in pdf.Root:
            del pdf.Root.MarkInfo  # Calc says "tagged" and writes no tags
        if language:
            # LibreOffice states the language of its own settings for DOC and RTF, not theirs.
            pdf.Root.Lang = pikepdf.String(language)
        media = sum(_settle_annotations(page, raw.parent) for page in pdf.pages)
        _date(pdf, created, modified)
        _date_profiles(pdf)
        _number_fonts(pdf)
        # LibreOffice's own: both are of the time of the export. qpdf would keep the first
        # half of the identifier; without one it makes it from the content.
        for key in ("/DocChecksum", "/ID"):
            if key in pdf.trailer:
                del pdf.trailer[key]
        pdf.save(
            target,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            compress_streams=True,
        )
    text = _text(target)
    shown = any(_told(raw.parent, page) for page in text)
    return {**made, "letters": sum(map(letters, text)), "media": media, "path_shown": shown}


def _told(folder: Path, page: str) -> bool:
    """Whether a page tells where the document lies.

    Its beginning is enough: a footer or a cell cuts off, and breaks, what is too long.
    """
    whole = "".join(page.split())
    place = "".join(str(folder).split())
    return place[:_LEAD] in whole or f"file://{place[: _LEAD // 2]}" in whole


def _settle_annotations(page: Any, folder: Path) -> int:
    """Make links relative again, and take away sound and film; return how many those were.

    LibreOffice writes a link to `other.pptx` as one to where it found the document, our
    working folder. ISO 19005-2, 6.3.1, has no annotations of type Screen; the picture that
    stands for the film is on the page itself.
    """
    import pikepdf

    annotations = page.get("/Annots")
    if annotations is None:
        return 0
    kept = []
    for one in annotations:
        if one.get("/Subtype") == "/Screen":
            continue
        action = one.get("/A", {})
        if "/URI" in action:
            address = str(action["/URI"])
            near = relative(address, folder)
            if near != address:
                action["/URI"] = near
        kept.append(one)
    media = len(annotations) - len(kept)
    if media:
        page["/Annots"] = pikepdf.Array(kept)
    return media


def relative(address: str, folder: Path) -> str:
    """Return the address of a file as seen from a folder, if it is near to it."""
    for up, parent in enumerate((folder, *list(folder.parents)[:2])):
        prefix = parent.as_uri() + "/"
        if len(parent.parts) > 1 and address.startswith(prefix):
            return "../" * up + address.removeprefix(prefix)
    return address


def _text(path: Path) -> list[str]:
    import pymupdf

    with pymupdf.open(path) as document:
        return [page.get_text() for page in document]


def fonts_by_page(path: Path) -> list[str]:
    """Return the font of each page's text, without subset tag, weight and slant."""
    import pymupdf

    found = []
    with pymupdf.open(path) as document:
        # All pages share one list of fonts: only the text itself tells which it is set in.
        for page in document:
            spans = [
                str(span["font"])
                for block in page.get_text("dict")["blocks"]
                for line in block.get("lines", ())
                for span in line["spans"]
                if span["text"].strip()
            ]
            found.append(spans[0].rpartition("+")[2].partition("-")[0] if spans else "")
    return found


def letters(text: str) -> int:
    """Return the number of letters and digits in a text."""
    return sum(map(str.isalnum, text))


def _size(page: Any) -> tuple[float, float]:
    box = [float(number) for number in page.mediabox]
    return abs(box[2] - box[0]), abs(box[3] - box[1])


def _date(pdf: Any, created: str, modified: str) -> None:
    """Set the dates in Info and XMP alike, as PDF/A wants (6.7.3), or remove them."""
    stated = {"CreationDate": created, "ModDate": modified or created}
    names = {"CreationDate": "xmp:CreateDate", "ModDate": "xmp:ModifyDate"}
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
        for key, name in names.items():
            if name in xmp:
                del xmp[name]
            if f"/{key}" in pdf.docinfo:
                del pdf.docinfo[f"/{key}"]
            if _real(stated[key]):
                xmp[name] = stated[key] + "Z"
                digits = stated[key].translate({ord(c): None for c in "-:T"})
                pdf.docinfo[f"/{key}"] = f"D:{digits}Z"
        if "xmp:MetadataDate" in xmp:
            del xmp["xmp:MetadataDate"]


def _date_profiles(pdf: Any) -> None:
    """Take the time of the export out of the colour profiles of the output intents.

    ICC.1:2010, 7.2: the date at 24-35, the profile's MD5 at 84-99, where zeros mean that
    none was calculated.
    """
    for intent in pdf.Root.get("/OutputIntents", []):
        profile = intent.get("/DestOutputProfile")
        if profile is None:
            continue
        data = bytearray(profile.read_bytes())
        data[24:36] = _PROFILE_DATE
        data[84:100] = bytes(16)
        profile.write(bytes(data))


def _number_fonts(pdf: Any) -> None:
    """Take LibreOffice's running count out of its Type 1 fonts; see `type1`."""
    import pikepdf

    place = 0
    for one in pdf.objects:
        if not isinstance(one, pikepdf.Dictionary) or "/FontFile" not in one:
            continue
        stream = one.FontFile
        program = stream.read_bytes()
        lengths = {key: int(stream.get(key, 0)) for key in ("/Length1", "/Length2", "/Length3")}
        stream.write(type1.numbered(program, lengths["/Length1"], lengths["/Length2"], place))
        for key, value in lengths.items():
            stream[key] = value
        place += 1


def _real(value: str) -> bool:
    try:
        return bool(value) and datetime.fromisoformat(value).year >= 1601
    except ValueError:
        return False
