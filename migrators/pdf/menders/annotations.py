# SPDX-License-Identifier: AGPL-3.0-or-later
"""Annotations (ISO 19005-2, 6.3; ISO 19005-1, 6.5): each has one appearance that stays.

Appearances that are missing are drawn by MuPDF, which would draw the same on the fly;
what it made is copied into the document.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from migrators.pdf.menders.base import Mending

# ISO 32000-1, table 169, without 3D, Sound, Screen and Movie, which 6.3.1 forbids.
_KNOWN = frozenset(
    {
        "/Text", "/Link", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine",
        "/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Stamp", "/Caret", "/Ink",
        "/Popup", "/FileAttachment", "/Widget", "/PrinterMark", "/TrapNet", "/Watermark", "/Redact",
    }
)  # fmt: skip
_NEED_NONE = frozenset({"/Popup", "/Link"})
_PRINT = 4
_NOT_SHOWN = 1 | 2 | 32 | 256  # Invisible, Hidden, NoView, ToggleNoView (table 165)


def kinds(mending: Mending) -> int:
    """Draw films, sounds and 3D views as the still picture that they show (6.3.1).

    The picture becomes a stamp in the same place; an embedded film stays attached where
    the target allows it.
    """
    from pikepdf import Array, Dictionary, Name, Stream

    removed: list[str] = []
    for page in mending.document.pages:
        annotations = page.obj.get(Name.Annots)
        if not isinstance(annotations, Array):
            continue
        kept = Array([])
        for one in annotations:
            kind = str(one.get(Name.Subtype, "")) if isinstance(one, Dictionary) else ""
            if not isinstance(one, Dictionary) or kind in _KNOWN:
                kept.append(one)
                continue
            removed.append(kind.removeprefix("/") or "?")
            normal = _normal(one)
            if isinstance(normal, Stream):
                stamp = Dictionary(
                    Type=Name.Annot, Subtype=Name.Stamp, Rect=one.Rect, F=_PRINT,
                    AP=Dictionary(N=normal), Contents=one.get(Name.Contents, ""),
                )  # fmt: skip
                kept.append(mending.document.make_indirect(stamp))
        page.obj.Annots = kept
    if removed:
        mending.lost("pdfa.media_removed", ", ".join(sorted(removed)))
    return len(removed)


def _normal(annotation: Any) -> Any:
    from pikepdf import Dictionary, Name

    appearance = annotation.get(Name.AP)
    return appearance.get(Name.N) if isinstance(appearance, Dictionary) else None


def hidden(document: Any) -> int:
    """Keep annotations that are not shown as such, with nothing to be seen of them.

    PDF/A knows no hidden annotations (6.3.2). Removed, a form would lose its field and the
    value in it; shown, a page would look otherwise. Returns how many there were.
    """
    from pikepdf import Dictionary, Name

    changed = 0
    for one in _each(document):
        flags = one.get(Name.F, 0)
        if (
            not isinstance(flags, int)
            or not flags & _NOT_SHOWN
            or str(one.get(Name.Subtype, "")) == "/Popup"
        ):
            continue
        one.F = flags & ~_NOT_SHOWN | _PRINT
        if str(one.get(Name.Subtype, "")) != "/Link":
            if _field_type(one) == "/Btn" and one.get(Name.Subtype) == Name.Widget:
                state = str(one.get(Name.AS, "/Off"))
                one.AP = Dictionary(N=Dictionary({state: _empty(document, one)}))
                one.AS = Name(state)
            else:
                one.AP = Dictionary(N=_empty(document, one))
        changed += 1
    return changed


def only_normal(mending: Mending) -> int:
    """Take out the looks for a mouse above or pressed (6.3.3): only the normal one is printed."""
    from pikepdf import Dictionary, Name

    changed = 0
    for one in _each(mending.document):
        appearance = one.get(Name.AP)
        if isinstance(appearance, Dictionary):
            for key in [key for key in appearance if key != "/N"]:
                del appearance[key]
                changed += 1
            if Name.N not in appearance:
                del one.AP
                changed += 1
    return changed


def states(mending: Mending) -> int:
    """Give buttons a dictionary of states and others a single appearance (6.3.3)."""
    from pikepdf import Dictionary, Name, Stream

    changed = 0
    for one in _each(mending.document):
        appearance = one.get(Name.AP)
        if not isinstance(appearance, Dictionary) or Name.N not in appearance:
            continue
        normal = appearance.N
        button = _field_type(one) == "/Btn" and one.get(Name.Subtype) == Name.Widget
        if button and isinstance(normal, Stream):
            state = str(one.get(Name.AS, "/Off"))
            appearance.N = Dictionary({state: normal})
            one.AS = Name(state)
            changed += 1
        elif button and isinstance(normal, Dictionary) and not len(normal):
            state = str(one.get(Name.AS, "/Off"))
            appearance.N = Dictionary({state: _empty(mending.document, one)})
            one.AS = Name(state)
            changed += 1
        elif not button and isinstance(normal, Dictionary) and not isinstance(normal, Stream):
            state = str(one.get(Name.AS, ""))
            shown = normal.get(state) if state else None
            if isinstance(shown, Stream):
                appearance.N = shown
            else:
                appearance.N = _empty(mending.document, one)
            changed += 1
    return changed


def _field_type(widget: Any) -> str:
    """Return the field's type, which a widget may inherit (ISO 32000-1, 12.7.3.1)."""
    from pikepdf import Dictionary, Name

    one, depth = widget, 0
    while isinstance(one, Dictionary) and depth < 32:
        if Name.FT in one:
            return str(one.FT)
        one, depth = one.get(Name.Parent), depth + 1
    return ""


def _empty(document: Any, annotation: Any) -> Any:
    from pikepdf import Array, Name

    left, bottom, right, top = (float(value) for value in annotation.Rect)
    stream = document.make_stream(b"")
    stream.Type, stream.Subtype = Name.XObject, Name.Form
    stream.BBox = Array([0, 0, abs(right - left), abs(top - bottom)])
    return stream


def opacity(mending: Mending) -> int:
    """Let the appearance alone say how an annotation looks (ISO 19005-1, 6.5.3)."""
    changed = 0
    for one in _each(mending.document):
        if "/CA" in one:
            del one["/CA"]
            changed += 1
    return changed


def appearances(mending: Mending) -> int:
    """Draw annotations that have no appearance (6.3.3), by MuPDF; fields by qpdf."""
    from pikepdf import Dictionary, Name

    lacking = [
        (number, place)
        for number, page in enumerate(mending.document.pages)
        for place, one in enumerate(page.obj.get(Name.Annots, ()))
        if isinstance(one, Dictionary) and _lacks(one)
    ]
    if not lacking:
        return 0
    for number, place in lacking:
        # MuPDF leaves an annotation alone that is no object of its own.
        annotations = mending.document.pages[number].obj.Annots
        if not annotations[place].is_indirect:
            annotations[place] = mending.document.make_indirect(annotations[place])
    drawn = _drawn(mending, lacking)
    for number, place in lacking:
        one = mending.document.pages[number].obj.Annots[place]
        normal, box = drawn.get((number, place), (None, None))
        if normal is None:
            normal = _empty(mending.document, one)
        else:
            one.Rect = box  # MuPDF makes room for what it draws, and an appearance fills it
        if _field_type(one) == "/Btn" and one.get(Name.Subtype) == Name.Widget:
            state = str(one.get(Name.AS, "/Off"))
            one.AP, one.AS = Dictionary(N=Dictionary({state: normal})), Name(state)
        else:
            one.AP = Dictionary(N=normal)
    return len(lacking)


def _lacks(one: Any) -> bool:
    from pikepdf import Dictionary, Name

    appearance = one.get(Name.AP)
    has = isinstance(appearance, Dictionary) and Name.N in appearance
    return not has and str(one.get(Name.Subtype, "")) not in _NEED_NONE


def _drawn(
    mending: Mending, lacking: list[tuple[int, int]]
) -> dict[tuple[int, int], tuple[Any, Any]]:
    """Return the (appearance, rectangle) that MuPDF makes, copied into the document."""
    import pikepdf
    import pymupdf

    found: dict[tuple[int, int], tuple[Any, Any]] = {}
    with tempfile.TemporaryDirectory(dir=mending.path.parent) as folder:
        before, after = Path(folder) / "before.pdf", Path(folder) / "after.pdf"
        mending.document.save(before, deterministic_id=True)
        with pymupdf.open(before) as document:
            for number in sorted({number for number, _ in lacking}):
                page = document[number]
                fields = [(one.xref, one._annot) for one in page.widgets()]
                for xref, one in [*((one.xref, one) for one in page.annots()), *fields]:
                    if not _has_stream(document, xref):
                        # PyMuPDF's own `update` overrides the size of a field's letters.
                        pymupdf.mupdf.pdf_annot_request_resynthesis(one.this)
                        pymupdf.mupdf.pdf_update_annot(one.this)
            document.save(after)
        with pikepdf.open(after) as made:
            for number, place in lacking:
                annotations = made.pages[number].obj.get("/Annots", ())
                if place < len(annotations):
                    normal = _normal(annotations[place])
                    if isinstance(normal, pikepdf.Stream):
                        box = pikepdf.Array([float(one) for one in annotations[place].Rect])
                        found[number, place] = mending.document.copy_foreign(normal), box
    return found


def _has_stream(document: Any, xref: int) -> bool:
    kind, _ = document.xref_get_key(xref, "AP/N")
    return str(kind) != "null"


def _each(document: Any) -> Any:
    from pikepdf import Array, Dictionary, Name

    for page in document.pages:
        annotations = page.obj.get(Name.Annots)
        for one in annotations if isinstance(annotations, Array) else ():
            if isinstance(one, Dictionary):
                yield one
