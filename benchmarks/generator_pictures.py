# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures of about a wanted size: soft colours with a grain, as photographs have."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from PIL import Image

from benchmarks import generator_raw as raw

_SMALLEST, _LARGEST = 8, 12_000  # pixels of a side
_GRAIN = 0.08


def photograph(rng: Random, pixels: int) -> Any:
    """Return an RGB picture of about so many pixels, four to three."""
    width = min(max(round((pixels * 4 / 3) ** 0.5), _SMALLEST), _LARGEST)
    height = min(max(round(width * 3 / 4), _SMALLEST), _LARGEST)
    few = (max(width // 40, 2), max(height // 40, 2))
    soft = Image.frombytes("RGB", few, rng.randbytes(few[0] * few[1] * 3))
    soft = soft.resize((width, height), Image.Resampling.BICUBIC)
    grain = Image.frombytes("L", (width, height), rng.randbytes(width * height))
    return Image.blend(soft, grain.convert("RGB"), _GRAIN)


def encoded(rng: Random, size: int, kind: str, bytes_per_pixel: float, **options: Any) -> bytes:
    """Return a picture in a format of Pillow's, near `size` bytes.

    How far a picture can be compressed is known when it has been: one attempt, and a
    second where that is more than a third away.
    """
    pixels = max(size / bytes_per_pixel, _SMALLEST**2)
    content = b""
    for _ in range(2):
        stream = io.BytesIO()
        picture = photograph(rng, round(pixels))
        if kind == "GIF":
            picture = picture.quantize(64, Image.Quantize.FASTOCTREE)
        picture.save(stream, kind, **options)
        content = stream.getvalue()
        if 0.75 <= len(content) / max(size, 1) <= 1.34:
            break
        pixels *= size / len(content)
        if pixels < _SMALLEST**2:
            break
    return content


JPEG: Callable[[Random, int], bytes] = partial(
    encoded, kind="JPEG", bytes_per_pixel=0.35, quality=85, dpi=(200, 200)
)
TIFF: Callable[[Random, int], bytes] = partial(
    encoded, kind="TIFF", bytes_per_pixel=1.9, compression="tiff_lzw", dpi=(200, 200)
)
GIF: Callable[[Random, int], bytes] = partial(
    encoded, kind="GIF", bytes_per_pixel=0.6, comment=b"Vapen"
)
BMP: Callable[[Random, int], bytes] = partial(encoded, kind="BMP", bytes_per_pixel=3.0)
JP2: Callable[[Random, int], bytes] = partial(
    encoded, kind="JPEG2000", bytes_per_pixel=1.7, irreversible=False
)


def png(rng: Random, size: int) -> bytes:
    """Return a grey PNG whose low bits are noise: half a byte for each pixel."""
    side = min(max(round((2 * size) ** 0.5), _SMALLEST), _LARGEST)
    grey = bytes(one & 0x0F | 0x80 for one in rng.randbytes(side * side))
    return raw.png(side, side, grey)


def wav(rng: Random, size: int) -> bytes:
    """Return a sound: noise for as long as it takes."""
    return raw.wav(rng.randbytes(max(size - 44, 2) // 2 * 2))
