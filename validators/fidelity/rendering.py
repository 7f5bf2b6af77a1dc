# SPDX-License-Identifier: AGPL-3.0-or-later
"""What differs between two renderings of a page, the rasteriser's own noise forgiven.

A pixel counts as changed when the other page has nothing like it within reach: so a
glyph's edge that moved by a hair is none, and a thin line that is gone is one. Asked in
both directions, for what was lost and for what was added.
"""

from __future__ import annotations

from typing import Any

_SCALE = 1.5  # 108 dpi: a rule of half a point is still seen
_REACH = 2  # pixels, half a millimetre
_STEP = 24  # levels of 255; two rasterisers of one colour differ by less
_TILE = 72  # pixels, two thirds of an inch
_LARGEST = 4_000_000  # pixels of a page that are compared; plans may be metres wide


def pixels(page: Any) -> Any:
    """Return a page of PyMuPDF as an array of height x width x 3 bytes."""
    import numpy as np
    import pymupdf

    points = max(abs(page.rect.width * page.rect.height), 1.0)
    scale = min(_SCALE, (_LARGEST / points) ** 0.5)
    image = page.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), alpha=False, colorspace=pymupdf.csRGB
    )
    data = np.frombuffer(image.samples, np.uint8)
    return data.reshape(image.h, image.stride)[:, : image.w * 3].reshape(image.h, image.w, 3)


def changed(before: Any, after: Any) -> Any:
    """Return height x width of bool: what is not found in the other within reach."""
    return _unmatched(before, after) | _unmatched(after, before)


def _unmatched(one: Any, other: Any) -> Any:
    import numpy as np

    low = _spread(other, np.minimum).astype(np.int16) - _STEP
    high = _spread(other, np.maximum).astype(np.int16) + _STEP
    return ((one < low) | (one > high)).any(axis=2)


def _spread(image: Any, choose: Any) -> Any:
    """Return the least (or greatest) value within reach of each pixel, axis by axis."""
    result = image
    for axis in (0, 1):
        source, result = result, result.copy()
        for step in range(1, _REACH + 1):
            ahead = [slice(None)] * 3
            behind = [slice(None)] * 3
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            a, b = tuple(ahead), tuple(behind)
            result[b] = choose(result[b], source[a])
            result[a] = choose(result[a], source[b])
    return result


def worst_tile(off: Any) -> float:
    """Return the largest share of changed pixels in any tile.

    Tiles overlap by half, or what lies on a corner would be a quarter of each of four.
    """
    import numpy as np

    height, width = off.shape
    if height < _TILE or width < _TILE:
        return float(off.mean()) if off.size else 0.0
    half = _TILE // 2
    rows, columns = height // half, width // half
    cells = off[: rows * half, : columns * half].reshape(rows, half, columns, half)
    quarter = cells.mean(axis=(1, 3), dtype=np.float64)
    tiles = (quarter[:-1, :-1] + quarter[1:, :-1] + quarter[:-1, 1:] + quarter[1:, 1:]) / 4
    return float(tiles.max())
