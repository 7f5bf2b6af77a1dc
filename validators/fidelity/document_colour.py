# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a page kept its colours: greyed, inverted and tinted pages are told from good ones.

Means over cells of a third of an inch are compared, so that an edge that moved by a hair
is none of its business. A cell's colour is what makes it no grey: (R - G, G - B).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CELL = 36  # pixels
_PAPER = 250.0  # a cell lighter than this in every channel has nothing on it


@dataclass(frozen=True, slots=True)
class Shift:
    """How far colours moved, in levels of 255.

    `page`: mean over the cells that are inked in either; `cell`: the cell that moved most
    in hue; `light`: the page's mean lightness, which an inverted page exchanges.
    """

    page: float = 0.0
    cell: float = 0.0
    light: float = 0.0


def shift(before: Any, after: Any) -> Shift:
    """Compare two renderings of the same size, height x width x 3 bytes."""
    import numpy as np

    one, other = _cells(before), _cells(after)
    inked = (one.min(axis=2) < _PAPER) | (other.min(axis=2) < _PAPER)
    if not inked.any():
        return Shift()
    apart = np.abs(_hue(one) - _hue(other)).max(axis=2)
    light = abs(float(one.mean()) - float(other.mean()))
    return Shift(float(apart[inked].mean()), float(apart.max()), light)


def moved(before: Any, after: Any) -> Any:
    """Return, for each cell, how far its hue moved, as rows x columns of levels."""
    import numpy as np

    return np.abs(_hue(_cells(before)) - _hue(_cells(after))).max(axis=2)


def _cells(image: Any) -> Any:
    """Return the mean colour of each cell; what is left over at the edges is not looked at."""
    import numpy as np

    height, width = image.shape[:2]
    tall, wide = min(CELL, height), min(CELL, width)
    rows, columns = height // tall, width // wide
    cut = image[: rows * tall, : columns * wide]
    # Rows of a cell are summed first, whole lines at a time: 36 x 255 fits 16 bits.
    lines = np.zeros((rows, columns * wide, 3), np.uint16)
    for row in range(tall):
        lines += cut[row::tall]
    cells = lines.reshape(rows, columns, wide, 3).sum(axis=2, dtype=np.uint32)
    return cells / float(tall * wide)


def _hue(cells: Any) -> Any:
    return cells[:, :, :2] - cells[:, :, 1:]
