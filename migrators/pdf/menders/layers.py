# SPDX-License-Identifier: AGPL-3.0-or-later
"""Optional content (ISO 19005-2, 6.9): names, a complete order, no automatic states."""

from __future__ import annotations

from typing import Any

from migrators.pdf import walk
from migrators.pdf.menders.base import Mending
from pipeline.core.errors import DamagedError

_DEEPEST = 50


def configurations(mending: Mending) -> int:
    """Complete every configuration of layers; which ones are shown does not change."""
    from pikepdf import Array, Dictionary, Name, String

    content = mending.document.Root.get(Name.OCProperties)
    if not isinstance(content, Dictionary):
        return 0
    groups = [one for one in content.get(Name.OCGs, Array([])) if isinstance(one, Dictionary)]
    changed = 0
    for group in groups:
        if Name.Name not in group:
            group.Name = String("Layer")
            changed += 1
    if not isinstance(content.get(Name.D), Dictionary):
        content.D = Dictionary()
    names: set[str] = set()
    others = content.get(Name.Configs)
    for number, one in enumerate([content.D, *(others if isinstance(others, Array) else ())]):
        if not isinstance(one, Dictionary):
            continue
        name = str(one.get(Name.Name, "")) or f"Configuration {number}"
        while name in names:
            name += "'"
        names.add(name)
        one.Name = String(name)
        changed += 1
        _configure(one, groups)
    mending.note("pdfa.layers", str(len(groups)))
    return changed


def remove(mending: Mending) -> int:
    """Take layers out where none is hidden: PDF/A-1 knows none (ISO 19005-1, 6.1.13).

    A document with hidden ones is for Ghostscript, which draws what is shown alone.
    """
    from pikepdf import Array, Dictionary, Name

    content = mending.document.Root.get(Name.OCProperties)
    if not isinstance(content, Dictionary):
        return 0
    default = content.get(Name.D, Dictionary())
    hidden = len(default.get(Name.OFF, Array([]))) or str(default.get(Name.BaseState, "")) == "/OFF"
    if hidden and any(True for _ in _uses(mending.document)):
        return 0
    mending.lost("pdfa.layers_removed", str(len(content.get(Name.OCGs, Array([])))))
    del mending.document.Root.OCProperties
    return 1


def _uses(document: Any) -> Any:
    """Yield what content still refers to layers."""
    from pikepdf import Dictionary

    for kind in ("/Properties", "/XObject"):
        for _, _, value in walk.entries(document, kind):
            if isinstance(value, Dictionary) and (
                "/OC" in value or str(value.get("/Type", "")) in ("/OCG", "/OCMD")
            ):
                yield value


def _configure(configuration: Any, groups: list[Any]) -> None:
    from pikepdf import Array, Name

    if Name.AS in configuration:
        del configuration[Name.AS]
    if not isinstance(configuration.get(Name.Order), Array):
        return
    listed: set[tuple[int, int]] = set()
    _collect(configuration.Order, listed, 0)
    for group in groups:
        if group.objgen not in listed:
            configuration.Order.append(group)


def _collect(order: Any, listed: set[tuple[int, int]], depth: int) -> None:
    from pikepdf import Array, Dictionary

    if depth > _DEEPEST:
        raise DamagedError(f"layers are nested more than {_DEEPEST} deep", "pdf.damaged")
    for item in order:
        if isinstance(item, Array):
            _collect(item, listed, depth + 1)
        elif isinstance(item, Dictionary):
            listed.add(item.objgen)
