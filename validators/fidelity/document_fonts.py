# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fonts that a PDF carries and fonts that it merely names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.font_names import has_equal
from pipeline.core.records import Check
from validators.fidelity.document_objects import array, dictionary, placed, same, text

_SUBSET = re.compile(r"^[A-Z]{6}\+")  # ISO 32000-1, 9.6.4
_SHOWN = 8


@dataclass(slots=True)
class Fonts:
    """Names of fonts, without the mark of a subset."""

    carried: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)


def read(document: Any) -> Fonts:
    """Return the fonts of pages, forms, patterns, glyphs and appearances."""
    found, seen = Fonts(), set[tuple[int, int]]()
    for page in document.pages:
        waiting = [page.obj.get("/Resources") or _above(page.obj)]
        for one in placed(page):
            waiting += _looks(dictionary(one.get("/AP")).get("/N"))
        while waiting:
            waiting += _visit(waiting.pop(), found, seen)
    return found


def _above(page: Any) -> Any:
    """Return resources that a page has from the node above it."""
    for _ in range(64):
        page = dictionary(page.get("/Parent"))
        if "/Resources" in page:
            return page.Resources
    return None


def _looks(normal: Any) -> list[Any]:
    from pikepdf import Stream

    states = [normal] if isinstance(normal, Stream) else list(dictionary(normal).values())
    return [one.get("/Resources") for one in states if isinstance(one, Stream)]


def _visit(resources: Any, found: Fonts, seen: set[tuple[int, int]]) -> list[Any]:
    """Take in the fonts of a resource dictionary; return those of what it uses."""
    from pikepdf import Dictionary, Stream

    holder = dictionary(resources)
    if _met(holder, seen):
        return []
    below: list[Any] = []
    for font in dictionary(holder.get("/Font")).values():
        if isinstance(font, Dictionary) and not _met(font, seen):
            _take(font, found)
            below.append(font.get("/Resources"))
    for kind in ("/XObject", "/Pattern"):
        for one in dictionary(holder.get(kind)).values():
            if isinstance(one, Stream) and not _met(one, seen):
                below.append(one.get("/Resources"))
    for state in dictionary(holder.get("/ExtGState")).values():
        pair = array(dictionary(state).get("/Font"))
        if pair and isinstance(pair[0], Dictionary) and not _met(pair[0], seen):
            _take(pair[0], found)
        group = dictionary(dictionary(state).get("/SMask")).get("/G")
        if isinstance(group, Stream) and not _met(group, seen):
            below.append(group.get("/Resources"))
    return below


def _met(one: Any, seen: set[tuple[int, int]]) -> bool:
    name = same(one)
    if name in seen:
        return True
    if name != (0, 0):
        seen.add(name)
    return False


def _take(font: Any, found: Fonts) -> None:
    from pikepdf import Stream

    kind = text(font.get("/Subtype"))
    if kind == "/Type3":
        return  # its glyphs are content of this very document
    inner = font
    if kind == "/Type0":
        descendants = array(font.get("/DescendantFonts"))
        inner = dictionary(descendants[0]) if descendants else font
    descriptor = dictionary(inner.get("/FontDescriptor"))
    programs = (descriptor.get(key) for key in ("/FontFile", "/FontFile2", "/FontFile3"))
    name = _SUBSET.sub("", text(font.get("/BaseFont")).removeprefix("/")) or "(no name)"
    carried = any(isinstance(one, Stream) for one in programs)
    (found.carried if carried else found.named).add(name)


def exchanged(before: Fonts, after: Fonts) -> set[str]:
    """Return the fonts that were merely named, and stand-ins of the same widths are carried."""
    return {name for name in before.named - after.named if has_equal(name)}


def check(before: Fonts, after: Fonts) -> list[Check]:
    """Return the check, where the source names fonts or the target has lost some.

    A font that is merely named looks as it looks only where one of the same widths is at
    hand; a name that the target still merely names was not replaced at all.
    """
    lost = sorted((before.carried - before.named) & (after.named - after.carried))
    replaced = before.named - after.named
    other = sorted(name for name in replaced if not has_equal(name))
    if not before.named and not lost:
        return []
    notes = []
    if other:
        notes.append(f"no font of the same widths for: {', '.join(other[:_SHOWN])}")
    if lost:
        notes.append(f"not carried any more: {', '.join(lost[:_SHOWN])}")
    total = len(before.carried | before.named)
    bad = len(other) + len(lost)
    return [
        Check(
            "document.fonts",
            f"{len(before.named)} of {total} not embedded",
            f"{bad} exchanged or lost",
            round(1 - bad / max(total, 1), 4),
            not bad,
            "; ".join(notes)[:400],
        )
    ]
