# SPDX-License-Identifier: AGPL-3.0-or-later
"""Decoding pictures to find out whether they can be decoded. Runs in the child only.

Two decoders: libvips reads in strips and so in little memory; Pillow reads more formats.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core import pictures
from pipeline.core.errors import ConfigError
from pipeline.core.records import Outcome
from validators.findings import Findings

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 1_000_000_000  # per page; the largest scanned plans have a tenth of that

# What Pillow's readers raise on hostile or damaged content. MemoryError is not among
# them: it means that the child's limit was reached, not that the file is damaged.
PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
_NO_MEMORY = ("insufficient memory", "out of memory", "cannot allocate", "unable to allocate")


def max_pixels() -> int:
    """Return the limit in pixels for one page, SKANEARKIV_MAX_PIXELS or the default.

    To be asked in the parent: a warm child keeps the environment it was started with.
    Raises ConfigError.
    """
    text = os.environ.get("SKANEARKIV_MAX_PIXELS", "")
    if not text:
        return MAX_PIXELS
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ConfigError(f"SKANEARKIV_MAX_PIXELS is not a number of pixels: {text!r}")
    return int(text)


def within_limit(found: Findings, width: int, height: int, limit: int) -> bool:
    """Return whether a page may be decoded; note it in `found` when not."""
    if width * height <= limit:
        return True
    detail = f"{width} x {height} pixels; the limit is {limit}"
    found.undecided("image.too_large", detail, Outcome.TOO_LARGE)
    return False


def vips_decode(path: Path, loader: str, fail_on: str = "error", page: int | None = None) -> str:
    """Decode every pixel with libvips, strip by strip, and throw it away.

    Returns "" or libvips's own words. `fail_on` is libvips's none, truncated, error or
    warning. Raises MemoryError.
    """
    import pyvips

    # Operations are cached by file name; a name may carry another file the next time.
    pyvips.cache_set_max(0)
    options = {} if page is None else {"page": page}
    try:
        load = getattr(pyvips.Image, loader)
        load(os.fspath(path), access="sequential", fail_on=fail_on, **options).avg()
    except pyvips.Error as error:
        text = str(error)
        if any(sign in text.lower() for sign in _NO_MEMORY):
            raise MemoryError(text) from error
        return text
    return ""


@contextmanager
def pillow(path: Path) -> Iterator[Image.Image]:
    """Open a picture with Pillow. Raises one of PILLOW_ERRORS.

    Pillow's own limit on pixels is off: each caller has looked at the header before.
    """
    from PIL import Image

    pictures.prepare()
    with Image.open(path) as image:
        yield image


def pillow_decode(path: Path, found: Findings, limit: int, page: int | None = None) -> str:
    """Decode one page, or all of them when `page` is None; return "" or Pillow's words."""
    try:
        with pillow(path) as image:
            count = int(getattr(image, "n_frames", 1))
            found.properties["pages"] = max(count, int(found.properties.get("pages") or 0))
            pages = range(count) if page is None else (page,)
            for number in pages:
                image.seek(number)
                if not within_limit(found, image.width, image.height, limit):
                    return ""
                image.load()
    except PILLOW_ERRORS as error:
        return f"{type(error).__name__}: {error}"
    return ""


def describe(path: Path, found: Findings) -> None:
    """Add what Pillow reads from the header to the properties, where it can."""
    try:
        with pillow(path) as image:
            info = image.info
            found.properties.update(
                mode=image.mode,
                bands=len(image.getbands()),
                icc=bool(info.get("icc_profile")),
                exif=bool(image.getexif()),
                xmp=bool(info.get("xmp") or info.get("XML:com.adobe.xmp")),
                dpi=_dpi(info.get("dpi")),
            )
    except PILLOW_ERRORS as error:
        found.warn("image.metadata", f"{type(error).__name__}: {error}")


def _dpi(value: object) -> float | None:
    if not isinstance(value, tuple) or not value:
        return None
    try:
        number = float(value[0])
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    # A zero denominator gives infinity or not-a-number, which JSON cannot carry.
    return round(number, 2) if 0 < number < 1e6 else None
