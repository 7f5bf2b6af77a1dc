# SPDX-License-Identifier: AGPL-3.0-or-later
"""Embedded CMaps that rest on others (ISO 19005-2, 6.2.11.3.3): written out in full."""

from __future__ import annotations

from typing import Any

from migrators.pdf import cmap, walk
from migrators.pdf.menders.base import Mending


def write_out(mending: Mending) -> int:
    """Write each CMap that is embedded as one that refers to no other."""
    from pikepdf import Name, Stream

    changed = 0
    done: set[tuple[int, int]] = set()
    for font in walk.fonts(mending.document):
        encoding = font.get(Name.Encoding)
        if not isinstance(encoding, Stream) or encoding.objgen in done:
            continue
        done.add(encoding.objgen)
        found = cmap.parse(encoding.read_bytes())
        used = encoding.get(Name.UseCMap)
        name = found.uses or (str(used)[1:] if isinstance(used, Name) else "")
        base = cmap.predefined(name) if name else None
        if isinstance(used, Stream):
            base = cmap.parse(used.read_bytes())
        if base is not None:
            found.spaces = base.spaces + found.spaces
            found.ranges = base.ranges + found.ranges
        if not found.ranges:
            continue
        if Name.UseCMap in encoding:
            del encoding.UseCMap
        own = str(encoding.get(Name.CMapName, "/Written"))[1:]
        mode = int(encoding.get(Name.WMode, 0))
        encoding.write(found.written(own, _system(encoding), mode))
        encoding.WMode = mode
        changed += 1
    return changed


def _system(encoding: Any) -> tuple[str, str, int]:
    from pikepdf import Dictionary, Name

    stated = encoding.get(Name.CIDSystemInfo)
    if not isinstance(stated, Dictionary):
        return "Adobe", "Identity", 0
    registry, ordering = str(stated.get(Name.Registry, "")), str(stated.get(Name.Ordering, ""))
    return registry or "Adobe", ordering or "Identity", int(stated.get(Name.Supplement, 0))
