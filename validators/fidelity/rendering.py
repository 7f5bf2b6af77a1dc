# SPDX-License-Identifier: AGPL-3.0-or-later
"""What differs between two renderings of a page, the rasteriser's own noise forgiven.

A pixel counts as changed when the other page has nothing like it within reach: so a
glyph's edge that moved by a hair is none, and a thin line that is gone is one. Asked in
both directions, for what was lost and for what was added. Only pixels that differ from
the one in the same place are asked: of most pages there are none.
"""

from __future__ import annotations

from typing import Any

SCALE = 1.5  # 108 dpi: a rule of half a point is still seen
TILE = 72  # pixels, two thirds of an inch
_REACH = 2  # pixels, half a millimetre
_STEP = 24  # levels of 255; two rasterisers of one colour differ by less
_LARGEST = 4_000_000  # pixels of a page that are compared; plans may be metres wide


def scale_of(page: Any) -> float:
    """Return pixels per point at which a page of PyMuPDF is compared."""
    points = max(abs(page.rect.width * page.rect.height), 1.0)
    return float(min(SCALE, (_LARGEST / points) ** 0.5))


def pixels(page: Any, scale: float | None = None) -> Any:
    """Return a page of PyMuPDF as an array of height x width x 3 bytes.

    `scale` in pixels per point.
    """
    import numpy as np
    import pymupdf

    factor = scale_of(page) if scale is None else scale
    image = page.get_pixmap(
        matrix=pymupdf.Matrix(factor, factor), alpha=False, colorspace=pymupdf.csRGB
    )
    data = np.frombuffer(image.samples, np.uint8)
    return data.reshape(image.h, image.stride)[:, : image.w * 3].reshape(image.h, image.w, 3)


def apart(before: Any, after: Any) -> Any:
    """Return height x width of bytes: how far each pixel is from the one in its place."""
    import numpy as np

    differ = np.maximum(before, after)
    differ -= np.minimum(before, after)
    return np.maximum(np.maximum(differ[:, :, 0], differ[:, :, 1]), differ[:, :, 2])


def changed(before: Any, after: Any, differ: Any = None) -> Any:
    """Return height x width of bool: what is not found in the other within reach.

    `differ`: what `apart` says of them, where it was asked already.
    """
    import numpy as np

    off = np.zeros(before.shape[:2], bool)
    asked = (apart(before, after) if differ is None else differ) > _STEP
    rows, columns = np.flatnonzero(asked.any(axis=1)), np.flatnonzero(asked.any(axis=0))
    if not rows.size:
        return off
    # What lies further away than the reach cannot match, so the frame around it will do.
    top, bottom = max(int(rows[0]) - _REACH, 0), int(rows[-1]) + _REACH + 1
    left, right = max(int(columns[0]) - _REACH, 0), int(columns[-1]) + _REACH + 1
    one, other = before[top:bottom, left:right], after[top:bottom, left:right]
    off[top:bottom, left:right] = _unmatched(one, other) | _unmatched(other, one)
    return off & asked


def _unmatched(one: Any, other: Any) -> Any:
    import numpy as np

    low = _spread(other, np.minimum)
    high = _spread(other, np.maximum)
    # Bytes that must not run over: 24 below 10 is 0, 24 above 250 is 255.
    low = np.maximum(low, _STEP) - np.uint8(_STEP)
    high = np.minimum(high, 255 - _STEP) + np.uint8(_STEP)
    beyond = (one < low) | (one > high)
    return beyond[:, :, 0] | beyond[:, :, 1] | beyond[:, :, 2]


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


def tiles(off: Any) -> Any:
    """Return the share of changed pixels (0-1) in each tile, as rows x columns.

    Tiles overlap by half, or what lies on a corner would be a quarter of each of four;
    tile (r, c) begins at pixel (r * TILE / 2, c * TILE / 2). What is left at the right and
    lower edge belongs to the last.
    """
    import numpy as np

    half = TILE // 2
    height, width = off.shape
    rows, columns = -(-height // half), -(-width // half)
    padded = np.zeros((max(rows, 2) * half, max(columns, 2) * half), bool)
    padded[:height, :width] = off
    cells = padded.reshape(max(rows, 2), half, max(columns, 2), half)
    quarter = cells.mean(axis=(1, 3), dtype=np.float64)
    return (quarter[:-1, :-1] + quarter[1:, :-1] + quarter[:-1, 1:] + quarter[1:, 1:]) / 4


def worst_tile(off: Any) -> float:
    """Return the largest share of changed pixels in any tile."""
    return float(tiles(off).max()) if off.any() else 0.0
