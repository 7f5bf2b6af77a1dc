# SPDX-License-Identifier: AGPL-3.0-or-later
"""Page boxes and what else stands at pages and the catalog (ISO 19005-2, 6.1.13, 6.10, 6.11)."""

from __future__ import annotations

from typing import Any

from migrators.pdf.menders.base import Mending

_SMALLEST, _LARGEST = 3.0, 14400.0
_BOXES = ("/CropBox", "/BleedBox", "/TrimBox", "/ArtBox")
# ISO 32000-1, 7.7.3.3 requires a media box; readers take US Letter where there is none.
_LETTER = (0, 0, 612, 792)


def boxes(mending: Mending) -> int:
    """Mend boxes out of bounds: a useless one is left out, a small page becomes 3 units.

    A page larger than 14,400 units is drawn in larger units (/UserUnit, ISO 32000-1,
    14.11.2): its size in millimetres stays.
    """
    from pikepdf import Array, Name

    changed = 0
    for page in mending.document.pages:
        box = page.obj.get(Name.MediaBox) or page.mediabox
        media = _sides(box)
        if media is None:
            page.obj.MediaBox = Array(list(_LETTER))
            changed += 1
            media = (612.0, 792.0)
        elif min(media) < _SMALLEST:
            left, bottom, right, top = (float(one) for one in box)
            left, right, bottom, top = *sorted((left, right)), *sorted((bottom, top))
            right, top = max(right, left + _SMALLEST), max(top, bottom + _SMALLEST)
            page.obj.MediaBox = Array([left, bottom, right, top])
            changed += 1
            media = right - left, top - bottom
        for key in _BOXES:
            sides = _sides(page.obj.get(key))
            if key in page.obj and (
                sides is None or min(sides) < _SMALLEST or max(sides) > _LARGEST
            ):
                del page.obj[key]
                changed += 1
        if max(media) > _LARGEST:
            _enlarge_unit(mending.document, page, max(media))
            changed += 1
    return changed


def _sides(box: Any) -> tuple[float, float] | None:
    try:
        left, bottom, right, top = (float(one) for one in box)
    except (TypeError, ValueError):
        return None
    return abs(right - left), abs(top - bottom)


def _enlarge_unit(document: Any, page: Any, longest: float) -> None:
    from pikepdf import Array, Dictionary, Name

    factor = float(-(-longest // _LARGEST))
    for key in ("/MediaBox", *_BOXES):
        if key in page.obj or key == "/MediaBox":
            box = page.obj.get(key) or page.mediabox
            page.obj[key] = Array([round(float(one) / factor, 4) for one in box])
    page.contents_add(f"q {1 / factor:.8f} 0 0 {1 / factor:.8f} 0 0 cm".encode(), prepend=True)
    page.contents_add(b"Q")
    page.obj.UserUnit = float(page.obj.get(Name.UserUnit, 1)) * factor
    for annotation in page.obj.get(Name.Annots, ()):
        if isinstance(annotation, Dictionary):
            for key in ("/Rect", "/QuadPoints", "/L", "/Vertices", "/CL"):
                if isinstance(annotation.get(key), Array):
                    annotation[key] = Array([float(one) / factor for one in annotation[key]])


def presentation(mending: Mending) -> int:
    """Take out what controls a show on a screen, and demands on readers (6.10, 6.11)."""
    from pikepdf import Dictionary, Name

    changed = 0
    root = mending.document.Root
    if Name.Requirements in root:
        del root.Requirements
        changed += 1
    names = root.get(Name.Names)
    if isinstance(names, Dictionary) and Name.AlternatePresentations in names:
        del names.AlternatePresentations
        changed += 1
    for page in mending.document.pages:
        if Name.PresSteps in page.obj:
            del page.obj.PresSteps
            changed += 1
    return changed


def stream_references(mending: Mending) -> int:
    """Take out that a stream's data are in a file elsewhere (6.1.7.1): it is not delivered."""
    from pikepdf import Stream

    changed = 0
    for one in mending.document.objects:
        if isinstance(one, Stream):
            for key in ("/F", "/FFilter", "/FDecodeParms"):
                if key in one:
                    del one[key]
                    changed += 1
    if changed:
        mending.lost("pdfa.external_data", str(changed))
    return changed
