# SPDX-License-Identifier: AGPL-3.0-or-later
"""Small files of simple formats, written byte by byte: the same on every machine."""

from __future__ import annotations

import gzip
import io
import struct
import wave
import zipfile
import zlib


def png(width: int, height: int, pixels: bytes) -> bytes:
    """Return a grey PNG of 8 bits (ISO/IEC 15948); `pixels`: one byte each, row by row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, width * height, width))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(width: int, height: int, pixels: bytes) -> bytes:
    """Return a grey TIFF of 8 bits in one strip, not compressed (TIFF 6.0, section 2)."""
    size = width * height
    # Tag, type, count, value; pixels stand before the directory.
    tags = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, height), (279, 4, 1, size),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *one) for one in tags)
    body = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8 + size) + pixels + body


def gif(colours: bytes) -> bytes:
    """Return a GIF of one pixel (GIF89a specification); `colours`: two of three bytes each."""
    screen = b"GIF89a\x01\0\x01\0\x80\0\0" + colours
    return screen + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def bmp(width: int, height: int, pixels: bytes) -> bytes:
    """Return a BMP of 24 bits; `width` a multiple of four, as rows are padded to four bytes."""
    head = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0
    )  # fmt: skip
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


def wav(samples: bytes) -> bytes:
    """Return PCM of one channel, 8 bits, 8000 a second."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(samples)
    return stream.getvalue()


def zipped(name: str, content: str | bytes) -> bytes:
    """Return a ZIP of one stored member of 1980."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def gzipped(content: bytes) -> bytes:
    """Return a gzip file without a time."""
    return gzip.compress(content, mtime=0)
