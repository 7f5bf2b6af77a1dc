# SPDX-License-Identifier: AGPL-3.0-or-later
"""Any picture to TIFF, without loss: every page, every bit, profile, Exif, XMP, resolution."""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from migrators.base import Options
from migrators.tiff import metadata
from migrators.tiff.entries import EXIF
from migrators.tiff.pages import PILLOW_ERRORS, format_of, frames, opened, pages, palette
from migrators.tiff.writer import Page, Writer
from pipeline.core import isolate
from pipeline.core.errors import DamagedError, FileError, NotConvertedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Message, MigrationNote, Severity
from pipeline.core.versions import wheel_agent

if TYPE_CHECKING:
    from PIL import Image

NAME = "image_to_tiff"
# Exif values that only their own camera's program understands, with offsets into the file.
_MAKER_NOTE = 37500


class ImageToTiff:
    """Decodes a picture, writes it as TIFF and reads that back with another library."""

    name = NAME
    sources = frozenset(
        {
            # BMP, GIF, JPEG 2000, WebP
            "fmt/114", "fmt/115", "fmt/116", "fmt/117", "fmt/118", "fmt/119", "x-fmt/25",
            "x-fmt/270", "fmt/3", "fmt/4", "x-fmt/392", "fmt/151", "fmt/1794", "fmt/566",
            "fmt/567", "fmt/568",
            # TGA, PCX and DCX, Photoshop, Netpbm, XBM, icons, SGI
            "fmt/402", "x-fmt/367", "fmt/86", "fmt/87", "fmt/88", "fmt/89", "fmt/90",
            "x-fmt/348", "x-fmt/92", "fmt/406", "fmt/407", "fmt/408", "fmt/409", "x-fmt/164",
            "x-fmt/178", "x-fmt/207", "x-fmt/418", "x-fmt/140",
            # PNG, JPEG, TIFF: for a policy that wants them so
            "fmt/11", "fmt/12", "fmt/13", "fmt/935", "fmt/41", "fmt/42", "fmt/43", "fmt/44",
            "fmt/112", "fmt/645", "fmt/1507", "x-fmt/390", "x-fmt/391", "x-fmt/398", "fmt/353",
            "fmt/7", "fmt/8", "fmt/9", "fmt/10", "fmt/152", "fmt/153", "fmt/154", "fmt/155",
            "fmt/156", "fmt/1917", "x-fmt/387", "x-fmt/388", "x-fmt/399",
        }
    )  # fmt: skip
    target_puids = frozenset({"fmt/353"})

    def agents(self) -> tuple[Agent, ...]:
        """Return the libraries. Raises ToolMissingError."""
        return (wheel_agent("pyvips-binary"), wheel_agent("pillow"))

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write `target`. The setting `compression` is none, lzw or deflate (the default)."""
        compression = str(options.settings.get("compression", "deflate"))
        try:
            messages = isolate.call(Pool.LIBRARIES, _convert, source, target, compression)
        except FileError:
            # Also when the child was killed, and could not clean up behind itself.
            target.unlink(missing_ok=True)
            raise
        return MigrationNote(f"decoded, TIFF {compression}", tuple(messages), self.agents())


def _convert(source: Path, target: Path, compression: str) -> tuple[Message, ...]:
    if not source.stat().st_size:
        raise DamagedError("0 bytes", "file.empty")
    image_format = format_of(source)
    messages: list[Message] = []
    if image_format != "TIFF":
        with opened(source) as image:
            messages = _left_behind(image)
    written: list[tuple[Page, str]] = []
    with target.open("xb") as stream:
        writer = Writer(stream, compression)
        for page in pages(source, image_format):
            digest = hashlib.sha256()
            page.read = _hashing(page.read, digest.update)
            writer.add(page)
            page.read = _spent
            written.append((page, digest.hexdigest()))
        stream.flush()
        os.fsync(stream.fileno())
    if not written:
        raise DamagedError("no pages", "image.damaged")
    _verify(target, written)
    return tuple(messages)


def _left_behind(image: Image.Image) -> list[Message]:
    """Say what TIFF has no place for."""
    image_format, info = image.format, image.info
    messages = []
    if image_format == "GIF" or "duration" in info:
        messages.append(Message("image.animation", Severity.INFO, "timing of the frames"))
    if image_format == "PNG":
        texts = sorted(str(key) for key, value in info.items() if type(value).__name__ == "iTXt")
        if texts:
            messages.append(Message("image.text_chunks", Severity.WARNING, ", ".join(texts)))
    if image_format == "PSD":
        messages.extend(_photoshop(image))
    tags, unreadable = metadata.exif(info.get("exif"))
    if unreadable:
        detail = ", ".join(str(tag) for tag in unreadable[:20])
        messages.append(Message("image.exif_unreadable", Severity.WARNING, detail))
    below = tags.get(EXIF)
    if isinstance(below, dict) and _MAKER_NOTE in below:
        messages.append(Message("image.maker_note", Severity.INFO))
    return messages


def _photoshop(image: Image.Image) -> list[Message]:
    """Adobe Photoshop file format, header section: the composite is all that is converted."""
    found = []
    if frames(image) > 1:
        found.append(Message("image.layers", Severity.WARNING, str(frames(image))))
    with open(str(image.filename), "rb") as stream:  # type: ignore[attr-defined]
        channels = struct.unpack(">H", stream.read(14)[12:])[0]
    if channels > len(image.getbands()):
        detail = f"{channels} channels, {len(image.getbands())} of them colour"
        found.append(Message("image.channels", Severity.WARNING, detail))
    return found


def _hashing(
    read: Callable[[int, int], bytes], update: Callable[[bytes], None]
) -> Callable[[int, int], bytes]:
    def rows(y: int, count: int) -> bytes:
        data = read(y, count)
        update(data)
        return data

    return rows


def _spent(y: int, count: int) -> bytes:
    raise io.UnsupportedOperation(f"rows {y}-{y + count} have been read")


def _verify(target: Path, written: list[tuple[Page, str]]) -> None:
    """Read every page back by a decoder that had no part in writing it."""
    count = _count(target, written[0][0])
    if count != len(written):
        raise NotConvertedError(f"{count} pages of {len(written)}", "image.verify")
    for number, (page, digest) in enumerate(written):
        read = _by_pillow if _expanded(page) else _by_vips
        shape, found = read(target, number, page)
        expected = (page.width, page.height, page.bits, page.samples)
        if shape != expected or found != digest:
            detail = f"page {number + 1}: {shape} read back, {expected} written"
            raise NotConvertedError(detail, "image.verify")


def _expanded(page: Page) -> bool:
    """Return whether libvips would not give back what is stored."""
    return page.bits == 1 or bool(page.palette) or page.photometric == 8


def _count(target: Path, first: Page) -> int:
    import pyvips

    if _expanded(first):
        with opened(target) as image:
            return frames(image)
    pyvips.cache_set_max(0)
    try:
        return int(pyvips.Image.tiffload(os.fspath(target)).get("n-pages"))
    except pyvips.Error as error:
        raise NotConvertedError(str(error), "image.verify") from error


_Shape = tuple[int, int, int, int]


def _by_pillow(target: Path, number: int, page: Page) -> tuple[_Shape, str]:
    from PIL.Image import Transpose

    with opened(target) as image:
        try:
            image.seek(number)
            # Not turned: what is compared is what was stored.
            orientation = image.getexif().get(274, 1)
            image.load()
        except PILLOW_ERRORS as error:
            raise NotConvertedError(str(error), "image.verify") from error
        back = _BACK.get(orientation)
        stored = image.transpose(Transpose(back)) if back is not None else image
        bits = 1 if stored.mode == "1" else 8
        shape = (stored.width, stored.height, bits, len(stored.getbands()))
        same = palette(stored) == page.palette
        return shape, hashlib.sha256(stored.tobytes()).hexdigest() if same else "palette"


# Exif orientation -> Pillow's Transpose that undoes what Pillow did for it.
_BACK = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}


def _by_vips(target: Path, number: int, page: Page) -> tuple[_Shape, str]:
    import pyvips

    digest = hashlib.sha256()
    try:
        image = pyvips.Image.tiffload(
            os.fspath(target), page=number, access="sequential", fail_on="error"
        )
        region = pyvips.Region.new(image)
        for y in range(0, image.height, page.strip_rows):
            rows = min(page.strip_rows, image.height - y)
            digest.update(region.fetch(0, y, image.width, rows))
    except pyvips.Error as error:
        raise NotConvertedError(str(error), "image.verify") from error
    bits = {"uchar": 8, "char": 8, "ushort": 16, "short": 16, "double": 64}.get(image.format, 32)
    return (image.width, image.height, bits, image.bands), digest.hexdigest()


MIGRATOR = ImageToTiff()
