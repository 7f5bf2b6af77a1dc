# SPDX-License-Identifier: AGPL-3.0-or-later
"""Colour that depends on a device (ISO 19005-2, 6.2.4).

No value is converted: the colour spaces of pages are said to mean a stated profile
(/DefaultCMYK and so on, ISO 32000-1, 8.6.5.6). The profile for CMYK is the one that
Ghostscript and MuPDF take where a file states none, so a page looks as it looked.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from migrators.pdf import walk
from migrators.pdf.menders.base import Mending
from pipeline.core.errors import ToolMissingError

_PROFILES = Path("/usr/share/color/icc/ghostscript")
_FILES = {"CMYK": "default_cmyk.icc", "Gray": "default_gray.icc", "RGB": "srgb.icc"}
_CHANNELS = {"Gray": 1, "RGB": 3, "CMYK": 4}


def default_cmyk(mending: Mending) -> int:
    """State a profile for DeviceCMYK beside the sRGB output intent (6.2.4.3)."""
    return _default(mending, "CMYK")


def default_rgb(mending: Mending) -> int:
    """State a profile for DeviceRGB."""
    return _default(mending, "RGB")


def default_gray(mending: Mending) -> int:
    """State a profile for DeviceGray."""
    return _default(mending, "Gray")


def _default(mending: Mending, model: str) -> int:
    from pikepdf import Dictionary, Name, Stream

    space = _space(mending.document, model)
    changed = 0
    for scope in mending.document.content_scopes():
        holder = scope.resources
        if holder is None:
            # A form without resources of its own uses its page's; a page gets some.
            if scope.kind == "page" and scope.page is not None:
                scope.page.obj.Resources = holder = Dictionary()
            elif isinstance(scope.content, Stream):
                scope.content.Resources = holder = Dictionary()
            else:
                continue
        if not isinstance(holder.get(Name.ColorSpace), Dictionary):
            holder.ColorSpace = Dictionary()
        key = f"/Default{model}"
        if key not in holder.ColorSpace:
            holder.ColorSpace[key] = space
            changed += 1
    changed += _alternates(mending.document, model, space)
    return changed


def _alternates(document: Any, model: str, space: Any) -> int:
    """Base DeviceN, Separation and Indexed spaces on the profile: defaults do not reach all."""
    from pikepdf import Array

    changed = 0
    device = f"/Device{model}"
    for one in document.objects:
        if not isinstance(one, Array) or len(one) < 3:
            continue
        place = {"/Separation": 2, "/DeviceN": 2, "/Indexed": 1}.get(str(one[0]))
        if place is not None and str(one[place]) == device:
            one[place] = space
            changed += 1
    return changed


def _space(document: Any, model: str) -> Any:
    from pikepdf import Array, Name

    stream = document.make_stream(profile(model))
    stream.N = _CHANNELS[model]
    stream.Alternate = Name(f"/Device{model}")
    return document.make_indirect(Array([Name.ICCBased, stream]))


@lru_cache(maxsize=3)
def profile(model: str) -> bytes:
    """Return the ICC profile for "CMYK", "RGB" or "Gray". Raises ToolMissingError."""
    path = _PROFILES / _FILES[model]
    if not path.is_file():
        raise ToolMissingError("ICC profiles", "install them with: apt-get install libgs-common")
    return path.read_bytes()


def broken_profiles(mending: Mending) -> int:
    """Put a sound profile in place of one that cannot be used (6.2.4.2)."""
    from pikepdf import Array, Stream

    models = {channels: model for model, channels in _CHANNELS.items()}
    changed = 0
    done: set[tuple[int, int]] = set()
    for one in mending.document.objects:
        if not isinstance(one, Array) or len(one) != 2 or str(one[0]) != "/ICCBased":
            continue
        stream = one[1]
        if not isinstance(stream, Stream) or stream.objgen in done:
            continue
        done.add(stream.objgen)
        channels = int(stream.get("/N", 0))
        if channels in models and not _usable(stream, channels, mending.part):
            stream.write(profile(models[channels]))
            mending.lost("pdfa.profile_replaced", models[channels])
            changed += 1
    return changed


def _usable(stream: Any, channels: int, part: int) -> bool:
    """Whether an ICC profile's header is that of an input profile of so many channels."""
    data = stream.read_bytes()
    spaces = {1: (b"GRAY",), 3: (b"RGB ", b"Lab "), 4: (b"CMYK",)}[channels]
    return bool(
        len(data) >= 128
        and data[36:40] == b"acsp"
        and data[16:20] in spaces
        and data[12:16] in (b"prtr", b"mntr", b"scnr", b"spac")
        and data[8] <= (2 if part == 1 else 4)
    )


def overprint(mending: Mending) -> int:
    """Set the overprint mode to 0, which an ICC-based CMYK space demands (6.2.4.2)."""
    from pikepdf import Dictionary, Name

    changed = 0
    for _, _, state in walk.entries(mending.document, "/ExtGState"):
        if isinstance(state, Dictionary) and int(state.get(Name.OPM, 0)) == 1:
            state.OPM = 0
            changed += 1
    if changed:
        mending.lost("pdfa.overprint", str(changed))
    return changed
