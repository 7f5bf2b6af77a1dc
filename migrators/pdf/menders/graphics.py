# SPDX-License-Identifier: AGPL-3.0-or-later
"""Graphics states, images and form XObjects (ISO 19005-2, 6.2.5 to 6.2.10).

What goes is meant for one printing device (transfer functions, halftones, OPI) or for
programs that are gone (PostScript XObjects).
"""

from __future__ import annotations

from typing import Any

from migrators.pdf import walk
from migrators.pdf.menders.base import Mending

_INTENTS = frozenset(
    {"/RelativeColorimetric", "/AbsoluteColorimetric", "/Perceptual", "/Saturation"}
)
_BLENDS = frozenset(
    {
        "/Normal", "/Compatible", "/Multiply", "/Screen", "/Overlay", "/Darken", "/Lighten",
        "/ColorDodge", "/ColorBurn", "/HardLight", "/SoftLight", "/Difference", "/Exclusion",
        "/Hue", "/Saturation", "/Color", "/Luminosity",
    }
)  # fmt: skip

_TRANSPARENT = frozenset({"6.4-1", "6.4-2", "6.4-4", "6.4-5", "6.4-6"})


def transfer_functions(mending: Mending) -> int:
    """Take /TR, a /TR2 that is not Default, and /HTP out of graphics states (6.2.5)."""
    changed = 0
    for state in _states(mending.document):
        for key in ("/TR", "/TR2", "/HTP"):
            if key in state and not (key == "/TR2" and str(state[key]) == "/Default"):
                # A function that changes nothing is no loss.
                if str(state[key]) not in ("/Identity", "/Default"):
                    mending.lost("pdfa.device_dependent", key[1:])
                del state[key]
                changed += 1
    return changed


def halftones(mending: Mending) -> int:
    """Leave halftones to the device: /HT becomes the default (6.2.5)."""
    changed = 0
    for state in _states(mending.document):
        if "/HT" in state and str(state["/HT"]) != "/Default":
            del state["/HT"]
            changed += 1
    return changed


def rendering_intents(mending: Mending) -> int:
    """Take out rendering intents that ISO 32000-1 does not name (6.2.6)."""
    changed = 0
    for state in _states(mending.document):
        if "/RI" in state and str(state["/RI"]) not in _INTENTS:
            del state["/RI"]
            changed += 1
    for image in _x_objects(mending.document, "/Image"):
        if "/Intent" in image and str(image["/Intent"]) not in _INTENTS:
            del image["/Intent"]
            changed += 1
    return changed


def images(mending: Mending) -> int:
    """Take /Alternates, /OPI and /Interpolate out of images (6.2.8)."""
    changed = 0
    for image in _x_objects(mending.document, "/Image"):
        for key in ("/Alternates", "/OPI", "/Interpolate"):
            if key in image:
                del image[key]
                changed += 1
        if image.get("/ImageMask") is True and image.get("/BitsPerComponent", 1) != 1:
            image["/BitsPerComponent"] = 1
            changed += 1
    return changed


def forms(mending: Mending) -> int:
    """Take PostScript, OPI and references to other files out of form XObjects (6.2.9)."""
    changed = 0
    for form in _x_objects(mending.document, "/Form"):
        for key in ("/OPI", "/PS", "/Ref"):
            if key in form:
                mending.lost("pdfa.device_dependent", key[1:])
                del form[key]
                changed += 1
        if str(form.get("/Subtype2", "")) == "/PS":
            del form["/Subtype2"]
            changed += 1
    return changed + _postscript(mending)


def _postscript(mending: Mending) -> int:
    """Put an empty form where a PostScript XObject was: a screen never showed it."""
    from pikepdf import Array, Name, Stream

    changed = 0
    for holder, key, value in list(walk.entries(mending.document, "/XObject")):
        if isinstance(value, Stream) and str(value.get("/Subtype", "")) == "/PS":
            empty = mending.document.make_stream(b"")
            empty.Type, empty.Subtype = Name.XObject, Name.Form
            empty.BBox = Array([0, 0, 1, 1])
            holder[key] = empty
            mending.lost("pdfa.device_dependent", "PostScript")
            changed += 1
    return changed


def own_resources(mending: Mending) -> int:
    """Give forms and pages the resources that they took from elsewhere (6.2.2)."""
    from pikepdf import Dictionary, Name, Stream

    changed = 0
    for page in mending.document.pages:
        if Name.Resources not in page.obj:
            page.obj.Resources = page.resources
            changed += 1
    for scope in mending.document.content_scopes():
        one = scope.content
        if isinstance(one, Stream) and Name.Resources not in one and scope.resources is not None:
            one.Resources = Dictionary(scope.resources)
            changed += 1
    return changed


def blend_modes(mending: Mending) -> int:
    """Put Normal in place of blend modes that nobody knows (6.2.10), as readers do."""
    from pikepdf import Array, Name

    changed = 0
    for state in _states(mending.document):
        mode = state.get("/BM")
        if mode is None:
            continue
        # Of a list, the first mode that a reader knows counts (ISO 32000-1, 11.6.3).
        asked = [str(one) for one in mode] if isinstance(mode, Array) else [str(mode)]
        known = [one for one in asked if one in _BLENDS]
        if asked[:1] != known[:1] or isinstance(mode, Array):
            state.BM = Name(known[0]) if known else Name.Normal
            changed += 1
    return changed


def plain_groups(mending: Mending) -> int:
    """Take the word "transparency" off groups in which nothing is transparent (19005-1, 6.4).

    Where a blend mode, an opacity or a soft mask is used, the page is for Ghostscript.
    """
    if mending.rules & _TRANSPARENT:
        return 0
    changed = 0
    for page in mending.document.pages:
        if "/Group" in page.obj:
            del page.obj["/Group"]
            changed += 1
    for form in _x_objects(mending.document, "/Form"):
        if "/Group" in form:
            del form["/Group"]
            changed += 1
    return changed


def _states(document: Any) -> Any:
    from pikepdf import Dictionary

    for _, _, state in walk.entries(document, "/ExtGState"):
        if isinstance(state, Dictionary):
            yield state


def _x_objects(document: Any, subtype: str) -> Any:
    from pikepdf import Stream

    for one in document.objects:
        if isinstance(one, Stream) and str(one.get("/Subtype", "")) == subtype:
            yield one
