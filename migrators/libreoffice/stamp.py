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
_PROFILE_DATE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)


def finish(raw: Path, target: Path, created: str, modified: str) -> dict[str, Any]:
    """Write `target` from LibreOffice's `raw`.

    Returns {"pages", "dropped": empty ones, "too_large", "letters": of the text on the pages}.
    Nothing is written when a page is larger than PDF/A allows. Raises DamagedError.
    """
    import pikepdf

    with pikepdf.open(raw) as pdf:
        # With one page a sheet, an empty or hidden sheet becomes a page of 1 x 1 points.
        empty = [n for n, page in enumerate(pdf.pages) if min(_size(page)) < _SMALLEST]
        too_large = any(max(_size(page)) > _LARGEST for page in pdf.pages)
        kept = len(pdf.pages) - len(empty)
        if too_large or not kept:
            return {"pages": kept, "dropped": len(empty), "too_large": too_large, "letters": 0}
        for number in reversed(empty):
            del pdf.pages[number]
        if empty and "/OpenAction" in pdf.Root:
            del pdf.Root.OpenAction  # it may name a page that is gone
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
    return {"pages": kept, "dropped": len(empty), "too_large": False, "letters": _letters(target)}


def _letters(path: Path) -> int:
    import pymupdf

    with pymupdf.open(path) as document:
        return sum(letters(page.get_text()) for page in document)


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
