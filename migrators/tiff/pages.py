# SPDX-License-Identifier: AGPL-3.0-or-later
"""The pages of a picture file, decoded without loss. Runs in the child only.

libvips for JPEG, PNG and TIFF: strip by strip, and 16 bits of colour. Pillow for the rest,
for palettes and bitmaps, and for CIELAB.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrators.tiff import metadata
from migrators.tiff.entries import Directory, Entry, read
from migrators.tiff.writer import Page
from pipeline.core import pictures
from pipeline.core.errors import DamagedError, NotConvertedError

if TYPE_CHECKING:
    from PIL import Image

# What Pillow raises on hostile or damaged content; MemoryError is not among them.
PILLOW_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError,
    ArithmeticError, AssertionError, NotImplementedError, struct.error, zlib.error,
)  # fmt: skip
# libvips format -> (bits, TIFF SampleFormat)
_FORMATS = {
    "uchar": (8, 1), "ushort": (16, 1), "uint": (32, 1), "char": (8, 2), "short": (16, 2),
    "int": (32, 2), "float": (32, 3), "double": (64, 3),
}  # fmt: skip
# Pillow mode -> (bits, samples, photometric, SampleFormat, ExtraSamples)
_MODES: dict[str, tuple[int, int, int, int, tuple[int, ...]]] = {
    "1": (1, 1, 1, 1, ()), "L": (8, 1, 1, 1, ()), "LA": (8, 2, 1, 1, (2,)),
    "P": (8, 1, 3, 1, ()), "RGB": (8, 3, 2, 1, ()), "RGBA": (8, 4, 2, 1, (2,)),
    "CMYK": (8, 4, 5, 1, ()), "LAB": (8, 3, 8, 1, ()), "I;16": (16, 1, 1, 1, ()),
    "I": (32, 1, 1, 2, ()), "F": (32, 1, 1, 3, ()),
}  # fmt: skip
_NO_MEMORY = ("insufficient memory", "out of memory", "cannot allocate", "unable to allocate")
_UNSUPPORTED = ("not implemented", "not configured", "not support", "unsupported")
_COLOURS = {1: 1, 2: 3, 5: 4}  # photometric -> samples that are colour


def format_of(path: Path) -> str:
    """Return what Pillow would call a format, TIFF also where Pillow does not know its kind.

    Raises DamagedError, NotConvertedError.
    """
    with path.open("rb") as stream:
        if stream.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return "TIFF"
    with opened(path) as image:
        return image.format or ""


def pages(path: Path, image_format: str) -> Iterator[Page]:
    """Yield the pages of a file; each must be read before the next is asked for.

    `image_format` is what Pillow calls it. Raises DamagedError, NotConvertedError.
    """
    if image_format == "TIFF":
        yield from _tiff(path)
    elif image_format in ("JPEG", "PNG") and _by_vips(path):
        with opened(path) as image:
            page = _vips(path, image_format)
            page.tags = metadata.of_image(image, path)
            yield page
    else:
        yield from _pillow(path)


def opened(path: Path) -> Image.Image:
    """Open a file with Pillow. Raises DamagedError, NotConvertedError."""
    from PIL import Image

    pictures.prepare()
    try:
        return Image.open(path)
    except PILLOW_ERRORS as error:
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, (NotImplementedError, KeyError)) or "nsupported" in text:
            raise NotConvertedError(text, "image.codec") from error
        raise DamagedError(text, "image.damaged") from error


def frames(image: Image.Image) -> int:
    """Return how many frames Pillow sees. Raises DamagedError."""
    try:
        return int(getattr(image, "n_frames", 1))
    except PILLOW_ERRORS as error:
        raise DamagedError(f"{type(error).__name__}: {error}", "image.damaged") from error


def _by_vips(path: Path) -> bool:
    with opened(path) as image:
        # Bitmaps and palettes are kept as such; several frames libvips does not see.
        return image.mode not in ("1", "P") and frames(image) == 1


def _tiff(path: Path) -> Iterator[Page]:
    try:
        with path.open("rb") as stream:
            directories = read(stream)
    except (ValueError, struct.error) as error:
        raise DamagedError(str(error), "image.damaged") from error
    for number, directory in enumerate(directories):
        tags = metadata.of_tiff(directory)
        depth = _numbers(directory, 258) or (1,)
        photometric = (_numbers(directory, 262) or (1,))[0]
        old_jpeg = (_numbers(directory, 259) or (1,))[0] == 6  # not in libvips's libtiff
        if photometric in (3, 8) or depth == (1,) or old_jpeg:
            yield _pillow_page(path, number, tags)
        else:
            page = _vips(path, "TIFF", number, photometric)
            extra = _numbers(directory, 338)
            page.extra = extra if len(extra) == len(page.extra) else page.extra
            page.tags = tags
            yield page


def _numbers(directory: Directory, tag: int) -> tuple[int, ...]:
    entry = directory.get(tag)
    return entry.numbers() if isinstance(entry, Entry) else ()


def _vips(path: Path, image_format: str, number: int = 0, photometric: int = -1) -> Page:
    import pyvips

    # Operations are cached by file name; a name may carry another file the next time.
    pyvips.cache_set_max(0)
    loader = {"JPEG": "jpegload", "PNG": "pngload", "TIFF": "tiffload"}[image_format]
    options: dict[str, Any] = {"page": number} if image_format == "TIFF" else {}
    try:
        image = getattr(pyvips.Image, loader)(
            os.fspath(path), access="sequential", fail_on="error", **options
        )
    except pyvips.Error as error:
        raise _failed(error) from error
    if image.format not in _FORMATS:
        raise NotConvertedError(f"pixels of the type {image.format}", "image.codec")
    bits, sample_format = _FORMATS[image.format]
    colour = _colour(image.interpretation, image.bands, photometric)
    spare = image.bands - _COLOURS[colour]
    extra = (2,) + (0,) * (spare - 1) if spare else ()

    # A region keeps its place in the decoder; a new pipeline per strip would start over.
    region = pyvips.Region.new(image)

    def rows(y: int, count: int) -> bytes:
        try:
            return bytes(region.fetch(0, y, image.width, count))
        except pyvips.Error as error:
            raise _failed(error) from error

    return Page(image.width, image.height, bits, image.bands, colour, rows, sample_format, extra)


def _colour(interpretation: str, bands: int, photometric: int) -> int:
    """Return TIFF's photometric for what libvips decoded."""
    if interpretation == "cmyk" or (photometric == 5 and bands >= 4):
        return 5
    if interpretation in ("b-w", "grey16") or bands < 3 or photometric in (0, 1):
        return 1
    if interpretation in ("srgb", "rgb", "rgb16", "scrgb", "multiband"):
        return 2
    raise NotConvertedError(f"colour space {interpretation}", "image.codec")


def _failed(error: Exception) -> Exception:
    text = str(error)
    if any(sign in text.lower() for sign in _NO_MEMORY):
        return MemoryError(text)
    if any(sign in text.lower() for sign in _UNSUPPORTED):
        return NotConvertedError(text, "image.codec")
    return DamagedError(" ".join(text.split()), "image.damaged")


def _pillow(path: Path) -> Iterator[Page]:
    with opened(path) as image:
        _refuse_lossy(image, path)
        sizes = sorted(image.info.get("sizes", ())) if image.format == "ICO" else []
        # The further frames of a Photoshop file are its layers, not pages.
        count = 1 if image.format == "PSD" else frames(image)
        for number in range(len(sizes) or count):
            try:
                if sizes:
                    image.size = sizes[number]  # type: ignore[misc]
                elif count > 1:
                    image.seek(number)
                image.load()
            except PILLOW_ERRORS as error:
                raise DamagedError(f"{type(error).__name__}: {error}", "image.damaged") from error
            yield _page(image, metadata.of_image(image, path))


def _pillow_page(path: Path, number: int, tags: Directory) -> Page:
    with opened(path) as image:
        try:
            image.seek(number)
            # Pillow turns a TIFF as its orientation says while it loads it.
            turned = image.getexif().get(274, 1) != 1
            image.load()
        except PILLOW_ERRORS as error:
            raise DamagedError(f"{type(error).__name__}: {error}", "image.damaged") from error
        if turned:
            tags.pop(274, None)
        return _page(image.copy(), tags)


def _refuse_lossy(image: Image.Image, path: Path) -> None:
    """Raise NotConvertedError where Pillow would halve the bits of each sample in silence."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    lost = False
    if image.format == "SGI":
        lost = head[3] == 2
    elif image.format == "PPM" and image.mode == "RGB":
        lost = _pnm_maximum(head) > 255
    elif image.format == "JPEG2000":
        place = head.find(b"\xff\x4f\xff\x51")
        body = head[place + 6 :]
        if place >= 0 and len(body) >= 37:
            bands, depth = struct.unpack_from(">H", body, 34)[0], (body[36] & 0x7F) + 1
            lost = depth > (16 if bands == 1 else 8)
    if lost:
        raise NotConvertedError("more bits per sample than can be read without loss", "image.depth")


def _pnm_maximum(head: bytes) -> int:
    words: list[bytes] = []
    for line in head.split(b"\n"):
        words.extend(line.partition(b"#")[0].split())
        if len(words) >= 4:
            return int(words[3]) if words[3].isdigit() else 0
    return 0


def _page(image: Image.Image, tags: Directory) -> Page:
    """Return a loaded frame as a page; its pixels are copied."""
    transparent = "transparency" in image.info and image.mode in ("1", "L", "P", "RGB")
    frame = image
    if transparent or image.mode in ("PA", "RGBa", "La", "RGBX"):
        # TIFF has no transparent palette entry; expanded, each pixel says it for itself.
        frame = image.convert("RGBA")
    elif image.mode in ("YCbCr", "HSV"):
        raise NotConvertedError(f"colour space {image.mode}", "image.codec")
    elif image.mode in ("I;16B", "I;16L", "I;16N"):
        frame = image.convert("I;16")
    elif image.mode == "I" and image.format in ("PPM", "PNG"):
        frame = image.convert("I;16")  # Pillow's way to hold 16 bits without a sign
    if frame.mode not in _MODES:
        raise NotConvertedError(f"pixels of the kind {frame.mode}", "image.codec")
    bits, samples, photometric, sample_format, extra = _MODES[frame.mode]
    return Page(
        frame.width, frame.height, bits, samples, photometric, _rows(frame), sample_format, extra,
        palette(frame), tags,
    )  # fmt: skip


def _rows(frame: Image.Image) -> Callable[[int, int], bytes]:
    def rows(y: int, count: int) -> bytes:
        return frame.crop((0, y, frame.width, y + count)).tobytes()

    return rows


def palette(frame: Image.Image) -> tuple[int, ...]:
    """Return a colour map as TIFF has it, nothing for a picture without one."""
    if frame.mode != "P":
        return ()
    colours = (frame.getpalette("RGB") or [])[:768]
    colours += [0] * (768 - len(colours))
    # 8 bits to 16 by repetition, as TIFF's colour map wants them: 255 becomes 65535.
    return tuple(value * 257 for channel in range(3) for value in colours[channel::3])
