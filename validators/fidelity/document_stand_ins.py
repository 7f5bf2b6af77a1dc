# SPDX-License-Identifier: AGPL-3.0-or-later
"""A second look at pages whose text is set in a font that the document does not carry.

What such a page looks like nobody can say: MuPDF draws the source with a font of its own
choice, and the output carries another of the same widths. Glyphs of two fonts differ, and
are forgiven, where each line of such text stands in the same place with about as much ink;
its words are compared as words anyway, and all around it every pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from validators.fidelity import document_pages, rendering
from validators.fidelity.document_pages import Limits, Page

_MARGIN = 3  # pixels that glyphs may stand out of their line
_DARK = 200  # level below which a pixel is ink
_INK = (0.6, 1.7)  # bounds of ink after, as a multiple of ink before


def forgiving(
    before: Any, after: Any, pages: Iterable[Page], limits: Limits, names: set[str]
) -> list[Page]:
    """Return the pages, those with a tile that failed looked at again.

    `names`: the fonts that were exchanged for others of the same widths.
    """
    return [
        _again(before[page.number - 1], after[page.number - 1], page, names)
        if page.same_size and page.tile > limits.tile
        else page
        for page in pages
    ]


def _again(one: Any, other: Any, page: Page, names: set[str]) -> Page:
    a, b = document_pages.pair(one, other)
    off = rendering.changed(a, b)
    scale = rendering.scale_of(one)
    forgiven = False
    for left, top, right, bottom in _lines(one, names):
        across = slice(max(int(left * scale) - _MARGIN, 0), int(right * scale) + _MARGIN)
        down = slice(max(int(top * scale) - _MARGIN, 0), int(bottom * scale) + _MARGIN)
        if _ink_alike(a[down, across], b[down, across]):
            off[down, across] = False
            forgiven = True
    if not forgiven:
        return page
    told = ", ".join(sorted(names))
    return replace(page, off=float(off.mean()), tile=rendering.worst_tile(off), stand_ins=told)


def _lines(page: Any, names: set[str]) -> Iterator[tuple[float, float, float, float]]:
    origin = page.rect.tl
    for block in page.get_text("dict")["blocks"]:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                if span["font"] in names:
                    left, top, right, bottom = span["bbox"]
                    yield left - origin.x, top - origin.y, right - origin.x, bottom - origin.y


def _ink_alike(a: Any, b: Any) -> bool:
    before, after = (int((one.min(axis=2, initial=255) < _DARK).sum()) for one in (a, b))
    return before > 0 and _INK[0] <= after / before <= _INK[1]
