# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures as numbers and as metadata, for comparison. Runs in the child only.

Sources are read by Pillow wherever it can do so without loss, TIFF by libvips: the migrator
decodes JPEG and PNG the other way round, so an error of one library shows as a difference.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.core.errors import DamagedError, NotConvertedError
from validators import tiff_structure
from validators.imaging import PILLOW_ERRORS, pillow

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

_BITS = {
    "uchar": 8, "char": 8, "ushort": 16, "short": 16, "uint": 32, "int": 32, "float": 32,
    "double": 64,
}  # fmt: skip
_DTYPES = {
    "uchar": "u1", "char": "i1", "ushort": "<u2", "short": "<i2", "uint": "<u4", "int": "<i4",
    "float": "<f4", "double": "<f8",
}  # fmt: skip
_ROWS = 256
# Tags of a first directory that tell of its storage, or are compared by themselves.
_STORAGE = frozenset(
    {
        *range(254, 267), 273, 274, *range(277, 285), 296, 297, *range(288, 294), *range(317, 333),
        *range(338, 348), *range(512, 533), 700, 33723, 34377, 34665, 34675, 34853, 40965,
    }
)  # fmt: skip
_EXIF, _GPS, _INTEROPERABILITY = 34665, 34853, 40965


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one page without decoding it. `dpi` is None where none is stated."""

    width: int
    height: int
    bits: int
    icc: bytes
    exif: frozenset[tuple[int, int]]
    xmp: bytes
    dpi: tuple[float, float] | None
    orientation: int


def page_count(path: Path) -> int:
    """Return the pages of a file. Raises DamagedError."""
    if is_tiff(path):
        return len(_structure(path).pages)
    try:
        with pillow(path) as image:
            if image.format == "ICO":
                return len(image.info["sizes"])
            # The further frames of a Photoshop file are its layers.
            return 1 if image.format == "PSD" else int(getattr(image, "n_frames", 1))
    except PILLOW_ERRORS as error:
        raise DamagedError(f"{type(error).__name__}: {error}", "image.damaged") from error


def is_tiff(path: Path) -> bool:
    """Return whether a file begins as TIFF does."""
    with path.open("rb") as stream:
        return stream.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _structure(path: Path) -> tiff_structure.Structure:
    structure = tiff_structure.read(path)
    if structure.problems:
        raise DamagedError(structure.problems[0][1], structure.problems[0][0])
    return structure


def facts(path: Path, page: int) -> Facts:
    """Return what the file says of a page. Raises DamagedError."""
    if is_tiff(path):
        return _tiff_facts(path, page)
    try:
        with pillow(path) as image:
            _seek(image, page)
            return _facts(image, path)
    except PILLOW_ERRORS as error:
        raise DamagedError(f"{type(error).__name__}: {error}", "image.damaged") from error


def _seek(image: Image.Image, page: int) -> None:
    if image.format == "ICO":
        image.size = sorted(image.info["sizes"])[page]  # type: ignore[misc]
        image.load()
    elif page:
        image.seek(page)


def _facts(image: Image.Image, path: Path) -> Facts:
    info = image.info
    exif = image.getexif()
    tags = {(0, tag) for tag in exif if tag not in _STORAGE}
    for below in (_EXIF, _GPS):
        tags |= {(below, tag) for tag in exif.get_ifd(below) if tag != _INTEROPERABILITY}
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or exif.get(700) or b""
    return Facts(
        image.width,
        image.height,
        _bits(image, path),
        info.get("icc_profile") or _jp2_profile(image, path),
        frozenset(tags),
        (xmp.encode() if isinstance(xmp, str) else bytes(xmp)).strip(b"\0 \r\n"),
        _resolution(image),
        int(exif.get(274, 1) or 1),
    )


def _tiff_facts(path: Path, page: int) -> Facts:
    """Return what a TIFF page says, read without a library: none opens all that there are."""
    ifd = _structure(path).pages[page]

    def raw(tag: int) -> bytes:
        place, size = ifd.places.get(tag, (0, 0))
        with path.open("rb") as stream:
            stream.seek(place)
            return stream.read(size)

    exif = {(0, tag) for tag in ifd.present if tag not in _STORAGE}
    for tag in (_EXIF, _GPS):
        below = ifd.below.get(tag)
        exif |= {(tag, one) for one in below.present} if below else set()
    factor = {2: 1.0, 3: 2.54}.get(ifd.one(tiff_structure.UNIT, 2), 0.0)
    pair = tuple(ifd.rational.get(tag, 0.0) * factor for tag in (282, 283))
    return Facts(
        ifd.one(tiff_structure.WIDTH),
        ifd.one(tiff_structure.HEIGHT),
        max(ifd.values.get(tiff_structure.BITS, (1,))),
        raw(tiff_structure.ICC),
        frozenset(exif - {(_EXIF, _INTEROPERABILITY)}),
        raw(tiff_structure.XMP).strip(b"\0 \r\n"),
        _sane(pair),
        ifd.one(tiff_structure.ORIENTATION, 1),
    )


def _bits(image: Image.Image, path: Path) -> int:
    if image.format == "PNG":
        with path.open("rb") as stream:
            depth = stream.read(25)[24]
        return depth if image.mode != "P" else 8
    return {"1": 1, "I;16": 16, "I;16B": 16, "I": 16, "F": 32}.get(image.mode, 8)


def _jp2_profile(image: Image.Image, path: Path) -> bytes:
    """Return the profile of a JP2 file, which Pillow leaves: ISO/IEC 15444-1, I.5.3.3."""
    if image.format != "JPEG2000":
        return b""
    with path.open("rb") as stream:
        head = stream.read(4 << 20)
    place = head.find(b"colr")
    if place < 4 or head[place + 4] not in (2, 3):
        return b""
    length = int.from_bytes(head[place - 4 : place], "big")
    return head[place + 7 : place - 4 + length]


def _resolution(image: Image.Image) -> tuple[float, float] | None:
    info = image.info
    pair: Any = info.get("dpi")
    if image.format in ("JPEG", "MPO"):
        # Pillow fills in 72 where nothing is stated.
        factor = {1: 1.0, 2: 2.54}.get(info.get("jfif_unit", 0), 0.0)
        pair = tuple(float(v) * factor for v in info.get("jfif_density", (0, 0)))
        if not all(pair):
            exif = image.getexif()
            factor = {2: 1.0, 3: 2.54}.get(int(exif.get(296, 2) or 2), 0.0)
            pair = tuple(_number(exif.get(tag)) * factor for tag in (282, 283))
    return _sane(pair)


def _sane(pair: Any) -> tuple[float, float] | None:
    if not isinstance(pair, tuple) or len(pair) != 2:
        return None
    horizontal, vertical = _number(pair[0]), _number(pair[1])
    if not (0 < horizontal < 1e6 and 0 < vertical < 1e6):
        return None
    return round(horizontal, 2), round(vertical, 2)


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if number == number else 0.0  # noqa: PLR0124 - not-a-number


def rows(path: Path, page: int) -> Iterator[npt.NDArray[Any]]:
    """Yield a page in bands of rows, each (rows, width, samples), palettes expanded.

    Raises DamagedError, NotConvertedError, MemoryError.
    """
    if is_tiff(path) and not _beyond_vips(path, page):
        yield from _vips_rows(path, page, "tiffload")
        return
    try:
        with pillow(path) as image:
            if image.format == "PNG" and image.mode not in ("1", "P", "I;16"):
                # Pillow would make colour of 16 bits into 8.
                deep = _bits(image, path) > 8
            else:
                deep = False
            if not deep:
                yield from _pillow_rows(image, page)
                return
    except PILLOW_ERRORS as error:
        raise DamagedError(f"{type(error).__name__}: {error}", "image.damaged") from error
    yield from _vips_rows(path, page, "pngload")


def _beyond_vips(path: Path, page: int) -> bool:
    ifd = tiff_structure.read(path).pages[page]
    return ifd.one(tiff_structure.PHOTOMETRIC) == 8 or ifd.one(tiff_structure.COMPRESSION) == 6


def _pillow_rows(image: Image.Image, page: int) -> Iterator[npt.NDArray[Any]]:
    _seek(image, page)
    image.load()
    frame = image
    if "transparency" in image.info or image.mode in ("PA", "RGBa", "La"):
        frame = image.convert("RGBA")
    elif image.mode == "P":
        frame = image.convert("RGB")
    elif image.mode == "1":
        frame = image.convert("L")
    elif image.mode == "I" and image.format in ("PPM", "PNG"):
        frame = image.convert("I;16")
    for y in range(0, frame.height, _ROWS):
        band = np.asarray(frame.crop((0, y, frame.width, min(y + _ROWS, frame.height))))
        yield band.reshape(band.shape[0], band.shape[1], -1)


def _vips_rows(path: Path, page: int, loader: str) -> Iterator[npt.NDArray[Any]]:
    import pyvips

    pyvips.cache_set_max(0)
    options = {"page": page} if loader == "tiffload" else {}
    try:
        load = getattr(pyvips.Image, loader)
        image = load(os.fspath(path), access="sequential", fail_on="error", **options)
        if image.format not in _DTYPES:
            raise NotConvertedError(f"pixels of the type {image.format}", "image.codec")
        region = pyvips.Region.new(image)
        for y in range(0, image.height, _ROWS):
            count = min(_ROWS, image.height - y)
            data = np.frombuffer(region.fetch(0, y, image.width, count), _DTYPES[image.format])
            yield data.reshape(count, image.width, image.bands)
    except pyvips.Error as error:
        text = str(error)
        if "memory" in text.lower():
            raise MemoryError(text) from error
        raise DamagedError(" ".join(text.split()), "image.damaged") from error
