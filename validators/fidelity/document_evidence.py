# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures for people: a page before and after, side by side, what differs framed in red.

The same pages give the same bytes, so that a run that was killed and started again finds
what it left. Runs in the child, on documents that are open already.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from validators.fidelity import document_colour, document_pages, document_text, rendering
from validators.fidelity.document_pages import Limits, Page

FOLDER = "evidence"
MOST = 5  # pages; who has seen the worst five knows what is wrong
_WIDEST = 1600  # pixels of the whole picture
_TALLEST = 1400
_GAP, _HEAD = 16, 58
_RED, _INK, _GREY, _PAPER = (208, 0, 0), (20, 20, 20), (120, 120, 120), (238, 238, 238)
_FRAMES = 400  # tiles that are framed one by one; beyond that nearly all is red anyway


@lru_cache(maxsize=1)
def _texts() -> dict[str, Any]:
    path = files("validators.fidelity") / "evidence.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def of_pages(before: Any, after: Any, pages: Sequence[Page], limits: Limits, workdir: Path) -> None:
    """Write the worst pages to `workdir/evidence/page-NNNN.png`."""
    broken = [(page, limits.over(page)) for page in pages]
    broken = [(page, over) for page, over in broken if over]
    broken.sort(key=lambda one: (-max(one[1].values()), one[0].number))
    for page, over in broken[:MOST]:
        one, other = before[page.number - 1], after[page.number - 1]
        boxes = _boxes(one, other, limits) if page.same_size else []
        boxes += _words(one, page.wording.missing)
        found = _told(over, page)
        _write(one, other, boxes, found, page.number, before.page_count, workdir)


def of_counts(before: Any, after: Any, workdir: Path) -> None:
    """Write the first pages that differ between documents of another number of pages."""
    numbers = (before.page_count, after.page_count)
    first = next(
        (at for at in range(min(numbers)) if not _alike(before[at], after[at])), min(numbers)
    )
    found = f"{_texts()['found']['document.pages']}: {numbers[0]} → {numbers[1]}"
    for at in range(first, min(first + MOST, max(numbers))):
        one = before[at] if at < numbers[0] else None
        other = after[at] if at < numbers[1] else None
        _write(one, other, [], found, at + 1, max(numbers), workdir)


def _alike(one: Any, other: Any) -> bool:
    a, b = document_pages.pair(one, other)
    return a is not None and bool(rendering.changed(a, b).mean() < 0.01)


def _told(over: Mapping[str, float], page: Page) -> str:
    names = _texts()["found"]
    words = []
    for name, value in over.items():
        shown = f" {value:.1%}" if name in ("document.rendering", "document.tiles") else ""
        if name == "document.text" and page.wording.missing:
            shown = f": {', '.join(page.wording.missing[:6])}"
        words.append(f"{names[name]}{shown}")
    return "; ".join(words)


def _boxes(one: Any, other: Any, limits: Limits) -> list[tuple[float, float, float, float]]:
    """Return frames around what differs, as shares of the page's width and height."""
    import numpy as np

    a, b = document_pages.pair(one, other)
    height, width = a.shape[:2]
    share = rendering.tiles(rendering.changed(a, b))
    half = rendering.TILE // 2
    found = [
        (column * half, row * half, rendering.TILE)
        for row, column in np.argwhere(share > limits.tile)
    ]
    moved = document_colour.moved(a, b)
    # Where no cell alone moved too far, those are framed that together did.
    every = moved.max(initial=0) <= 255 * limits.colour_tile
    least = limits.colour if every else limits.colour_tile
    cell = document_colour.CELL
    found += [(column * cell, row * cell, cell) for row, column in np.argwhere(moved > 255 * least)]
    return [
        (x / width, y / height, min((x + size) / width, 1.0), min((y + size) / height, 1.0))
        for x, y, size in found
    ]


def _words(page: Any, missing: Sequence[str]) -> list[tuple[float, float, float, float]]:
    """Return frames around words of the source that the target has not."""
    if not missing:
        return []
    across, down, origin = page.rect.width, page.rect.height, page.rect.tl
    found = []
    for left, top, right, bottom, word, *_ in page.get_text("words"):
        if not set(missing).isdisjoint(document_text.words(word)):
            found.append(
                (
                    max((left - origin.x - 2) / across, 0.0), max((top - origin.y - 2) / down, 0.0),
                    min((right - origin.x + 2) / across, 1.0),
                    min((bottom - origin.y + 2) / down, 1.0),
                )
            )  # fmt: skip
    return found


def _write(
    one: Any,
    other: Any,
    boxes: Sequence[tuple[float, float, float, float]],
    found: str,
    number: int,
    total: int,
    workdir: Path,
) -> None:
    from PIL import Image, ImageDraw

    panels = [_panel(page, boxes) for page in (one, other)]
    blank = next(panel for panel in panels if panel is not None)
    left, right = (panel or Image.new("RGB", blank.size, _PAPER) for panel in panels)
    width = left.width + right.width + 3 * _GAP
    whole = Image.new("RGB", (width, max(left.height, right.height) + _HEAD + _GAP), _PAPER)
    draw = ImageDraw.Draw(whole)
    words = _texts()
    lines = [(_GAP, 26, 17, f"{words['page'].format(number=number, total=total)}: {found}")]
    for place, panel, told, page in (
        (_GAP, left, words["before"], one),
        (left.width + 2 * _GAP, right, words["after"], other),
    ):
        lines.append((place, 49, 13, told if page is not None else words["none"]))
        whole.paste(panel, (place, _HEAD))
        edge = (place - 1, _HEAD - 1, place + panel.width, _HEAD + panel.height)
        draw.rectangle(edge, outline=_GREY)
    whole.paste(_caption(width, lines), (0, 0))
    folder = workdir / FOLDER
    folder.mkdir(exist_ok=True)
    whole.save(folder / f"page-{number:04d}.png", optimize=False, compress_level=9)


def _panel(page: Any, boxes: Sequence[tuple[float, float, float, float]]) -> Any:
    """Return a page as a picture with its frames; None where there is no page."""
    from PIL import Image, ImageDraw

    if page is None:
        return None
    across, down = max(page.rect.width, 1.0), max(page.rect.height, 1.0)
    scale = min((_WIDEST - 3 * _GAP) / 2 / across, _TALLEST / down)
    made = rendering.pixels(page, scale=scale)
    image = Image.fromarray(made).crop((0, 0, (_WIDEST - 3 * _GAP) // 2, _TALLEST))
    image = image.crop((0, 0, min(image.width, made.shape[1]), min(image.height, made.shape[0])))
    wide, tall = image.size
    draw = ImageDraw.Draw(image)
    for x, y, right, bottom in _joined(boxes):
        draw.rectangle((x * wide, y * tall, right * wide - 1, bottom * tall - 1), None, _RED, 2)
    return image


def _joined(
    boxes: Sequence[tuple[float, float, float, float]],
) -> list[tuple[float, float, float, float]]:
    """Return one frame for tiles that touch: who looks wants to see what is inside."""
    found: list[tuple[float, float, float, float]] = []
    for box in boxes[:_FRAMES]:
        joined = box
        while True:
            near = [one for one in found if _touch(one, joined)]
            if not near:
                break
            found = [one for one in found if one not in near]
            every = [joined, *near]
            joined = (
                min(one[0] for one in every), min(one[1] for one in every),
                max(one[2] for one in every), max(one[3] for one in every),
            )  # fmt: skip
        found.append(joined)
    return found


def _touch(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    across = one[0] <= other[2] and other[0] <= one[2]
    return across and one[1] <= other[3] and other[1] <= one[3]


def _caption(width: int, lines: Sequence[tuple[int, int, int, str]]) -> Any:
    """Return the words above the pages; each line with its place, base line and size.

    Set by MuPDF, which has glyphs for what a document's words may be written in.
    """
    import pymupdf
    from PIL import Image

    with pymupdf.open() as document:
        page = document.new_page(width=width, height=_HEAD - 1)
        page.draw_rect(page.rect, color=None, fill=tuple(one / 255 for one in _PAPER))
        font = pymupdf.Font("helv")
        writer = pymupdf.TextWriter(page.rect, color=tuple(one / 255 for one in _INK))
        for left, base, size, text in lines:
            writer.append((left, base), _fitting(text, font, size, width - 2 * _GAP), font, size)
        writer.write_text(page)
        return Image.fromarray(rendering.pixels(page, scale=1.0))


def _fitting(text: str, font: Any, size: int, width: int) -> str:
    """Cut a caption to the picture's width."""
    plain = "".join(one if one.isprintable() else "?" for one in text)[:400]
    if font.text_length(plain, size) <= width:
        return plain
    while plain and font.text_length(f"{plain} ...", size) > width:
        plain = plain[:-1]
    return f"{plain} ..."
