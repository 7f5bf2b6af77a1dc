# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write a classic, little-endian TIFF page by page, strip by strip. TIFF 6.0, section 2.

The same input gives the same bytes: no date, no name of a program, tags in order.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from migrators.tiff.entries import Directory, Entry, long, rational, short
from pipeline.core.errors import ConfigError, NotConvertedError

_STRIP = 256 * 1024  # bytes of pixels; TIFF recommends 8 KiB for the machines of 1992
_LIMIT = (1 << 32) - (1 << 24)
_COMPRESSION = {"none": 1, "lzw": 5, "deflate": 8}
_DTYPES = {(8, 1): "<u1", (16, 1): "<u2"}  # (bits, sample format) that a predictor helps


@dataclass(slots=True)
class Page:
    """One picture: its shape, a reader of its rows, and what else its directory shall hold.

    `bits` per sample; `photometric`, `sample_format` and `extra` (ExtraSamples) are TIFF's
    own numbers. `read(y, rows)` is called from the top down, once, and returns rows packed as
    TIFF wants them. `palette`: 3 x 2^bits 16-bit values, all reds first.
    """

    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    read: Callable[[int, int], bytes]
    sample_format: int = 1
    extra: tuple[int, ...] = ()
    palette: tuple[int, ...] = ()
    tags: Directory = field(default_factory=dict)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return (self.width * self.samples * self.bits + 7) // 8

    @property
    def strip_rows(self) -> int:
        """Rows of one strip."""
        return max(1, min(self.height, _STRIP // self.row_bytes))


class Writer:
    """Writes to an open file. `compression` is none, lzw or deflate."""

    def __init__(self, stream: BinaryIO, compression: str) -> None:
        if compression not in _COMPRESSION:
            raise ConfigError(f"TIFF compression {compression!r}; use none, deflate or lzw")
        self._stream = stream
        self._compression = compression
        self._stream.write(struct.pack("<2sHI", b"II", 42, 0))
        self._link = 4  # where the offset of the next directory is to be put

    def add(self, page: Page) -> None:
        """Write a page. Raises NotConvertedError when a classic TIFF cannot hold it."""
        offsets, counts = [], []
        predictor = self._compression != "none" and self._predictable(page)
        for y in range(0, page.height, page.strip_rows):
            rows = min(page.strip_rows, page.height - y)
            data = page.read(y, rows)
            if len(data) != rows * page.row_bytes:
                raise NotConvertedError(f"{len(data)} bytes for {rows} rows of {page.row_bytes}")
            packed = self._pack(_differences(data, page, rows) if predictor else data)
            offsets.append(self._put(packed))
            counts.append(len(packed))
        directory = {**page.tags, **_structure(page)}
        directory[259] = short(_COMPRESSION[self._compression])
        directory[273], directory[279] = long(*offsets), long(*counts)
        if predictor:
            directory[317] = short(2)
        place = self._directory(directory)
        self._stream.seek(self._link)
        self._stream.write(struct.pack("<I", place))
        self._stream.seek(0, io.SEEK_END)
        self._link = place + 2 + 12 * len(directory)

    def _predictable(self, page: Page) -> bool:
        return (page.bits, page.sample_format) in _DTYPES and not page.palette

    def _pack(self, data: bytes) -> bytes:
        if self._compression == "deflate":
            return zlib.compress(data, 6)
        return _lzw(data) if self._compression == "lzw" else data

    def _put(self, data: bytes) -> int:
        place = self._stream.tell()
        if place % 2:
            place += self._stream.write(b"\0")
        if place + len(data) > _LIMIT:
            raise NotConvertedError("the pages need more than the 4 GiB of a classic TIFF")
        self._stream.write(data)
        return place

    def _directory(self, directory: Directory) -> int:
        """Write a directory, those below it first, and return where it stands."""
        table = []
        for tag in sorted(directory):
            value = directory[tag]
            entry = value if isinstance(value, Entry) else long(self._directory(value))
            data = entry.data
            if len(data) > 4:
                data = struct.pack("<I", self._put(data))
            table.append(struct.pack("<HHI", tag, entry.kind, entry.count) + data.ljust(4, b"\0"))
        body = struct.pack("<H", len(table)) + b"".join(table) + struct.pack("<I", 0)
        return self._put(body)


def _structure(page: Page) -> Directory:
    """Return the tags that say how the pixels are stored."""
    tags: Directory = {
        256: long(page.width),
        257: long(page.height),
        258: short(*[page.bits] * page.samples),
        262: short(page.photometric),
        277: short(page.samples),
        278: long(page.strip_rows),
        284: short(1),
    }
    if 282 not in page.tags or 283 not in page.tags:
        # Both are required; without a unit they state the pixels' shape, not a size.
        tags.update({282: rational(1, 1), 283: rational(1, 1), 296: short(1)})
    if page.extra:
        tags[338] = short(*page.extra)
    if page.sample_format != 1:
        tags[339] = short(*[page.sample_format] * page.samples)
    if page.palette:
        tags[320] = short(*page.palette)
    if page.photometric == 5:
        tags[332] = short(1)
    return tags


def _differences(data: bytes, page: Page, rows: int) -> bytes:
    """Horizontal differencing, TIFF 6.0 section 14."""
    dtype = _DTYPES[page.bits, page.sample_format]
    pixels = np.frombuffer(data, dtype).reshape(rows, page.width, page.samples).copy()
    pixels[:, 1:] -= pixels[:, :-1].copy()
    return pixels.tobytes()


def _lzw(data: bytes) -> bytes:
    """Compress by libtiff: as one row of a grey picture, which is one strip of a file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.frombytes("L", (len(data), 1), data).save(buffer, "TIFF", compression="tiff_lzw")
    with Image.open(buffer) as image:
        offsets, counts = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    return buffer.getvalue()[offsets[0] : offsets[0] + counts[0]]
