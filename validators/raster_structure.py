# SPDX-License-Identifier: AGPL-3.0-or-later
"""The outer structure of JPEG, PNG, GIF and BMP files, read block by block.

Each function notes in `found` what is cut off, altered or left over, and puts width,
height, bits and what else the structure tells into its properties. Memory: one block.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from typing import BinaryIO

from validators import gif_lzw
from validators.findings import Findings

_BLOCK = 1 << 20


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """Return `size` bytes. Raises EOFError when the file ends before."""
    data = stream.read(size)
    if len(data) < size:
        raise EOFError(f"the file ends at {stream.tell()}, {size - len(data)} bytes too early")
    return data


def _trailing(stream: BinaryIO, found: Findings, after: str) -> None:
    rest = os.fstat(stream.fileno()).st_size - stream.tell()
    if rest:
        found.warn("image.trailing", f"{rest} bytes after {after}")


# --- JPEG: ITU-T T.81 annex B; JFIF 1.02; Exif 2.32 ----------------------------------

_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_PROCESS = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive", 0xC3: "lossless"}
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
# Within coded data FF00 is a stuffed byte, FFD0-FFD7 restarts, FFFF a fill byte.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def jpeg(stream: BinaryIO, found: Findings) -> None:
    """Walk the segments of a JPEG stream to its EOI marker. Raises EOFError."""
    if _exactly(stream, 2) != b"\xff\xd8":
        found.error("image.header", "no SOI marker")
        return
    frame = False
    while True:
        marker = _jpeg_next(stream)
        if marker == 0xD9:
            break
        if marker in _JPEG_BARE:
            continue
        # A length below 2 cannot be; the decoder says what it makes of that.
        body = _exactly(stream, max(int.from_bytes(_exactly(stream, 2), "big") - 2, 0))
        if marker in _FRAME_MARKERS:
            frame = True
            _jpeg_frame(marker, body, found)
        elif marker == 0xE2 and body.startswith(b"MPF\0"):
            found.properties["multi_picture"] = True
        elif marker == 0xDA:
            _skip_scan(stream)
    if not frame:
        found.error("image.damaged", "no picture in the stream")
    if found.properties.get("multi_picture") and _another(stream):
        # CIPA DC-007: further pictures follow, each a stream of its own.
        jpeg(stream, found)
    else:
        _trailing(stream, found, "the end marker")


def _another(stream: BinaryIO) -> bool:
    """Pass over padding; return whether another JPEG stream begins there."""
    place = stream.tell()
    block = stream.read(_BLOCK)
    padding = len(block) - len(block.lstrip(b"\0\xff"))
    # FF may be padding or the first byte of the marker.
    start = block.find(b"\xff\xd8", max(padding - 1, 0), padding + 2)
    stream.seek(place + start if start >= 0 else place)
    return start >= 0


def _jpeg_frame(marker: int, body: bytes, found: Findings) -> None:
    if len(body) < 6 or "width" in found.properties:
        return
    bits, height, width, bands = struct.unpack(">BHHB", body[:6])
    process = _JPEG_PROCESS.get(marker, f"process FF{marker:02X}")
    found.properties.update(
        width=width, height=height, bits=bits, bands=bands, compression=f"jpeg {process}"
    )


def _jpeg_next(stream: BinaryIO) -> int:
    """Return the next marker's second byte; bytes before it are passed over."""
    while True:
        while _exactly(stream, 1) != b"\xff":
            pass
        code = _exactly(stream, 1)[0]
        while code == 0xFF:
            code = _exactly(stream, 1)[0]
        if code:
            return code


def _skip_scan(stream: BinaryIO) -> None:
    """Move to the marker that ends the coded data of a scan."""
    kept = b""
    while block := stream.read(_BLOCK):
        data = kept + block
        match = _JPEG_MARKER.search(data)
        if match:
            stream.seek(match.start() - len(data), os.SEEK_CUR)
            return
        kept = data[-1:]
    raise EOFError("no end marker: the file ends within the coded picture")


# --- PNG: ISO/IEC 15948, W3C Recommendation 2003-11-10, section 5 ---------------------

_PNG_FRAMES = frozenset({b"acTL", b"fcTL", b"fdAT"})  # ancillary, but frames of an animation
_PNG_MODES = {
    0: ("grey", 1),
    2: ("rgb", 3),
    3: ("palette", 1),
    4: ("grey alpha", 2),
    6: ("rgba", 4),
}


def png(stream: BinaryIO, found: Findings) -> None:
    """Walk the chunks of a PNG file and check the checksum of each. Raises EOFError."""
    if _exactly(stream, 8) != b"\x89PNG\r\n\x1a\n":
        found.error("image.header", "no PNG signature")
        return
    seen: set[bytes] = set()
    first = True
    while True:
        size, kind = struct.unpack(">I4s", _exactly(stream, 8))
        head, intact = _png_chunk(stream, size, kind)
        name = kind.decode("latin-1")
        if not intact:
            # Bit 5 of the first letter: ancillary, i.e. the picture is whole without it.
            spare = kind[0] & 0x20 and kind not in _PNG_FRAMES
            report = found.warn if spare else found.error
            report("image.checksum", f"chunk {name} before byte {stream.tell()}")
        if first and kind != b"IHDR":
            found.error("image.header", f"the first chunk is {name}")
            return
        if first:
            _png_header(head, found)
        first = False
        seen.add(kind)
        if kind == b"acTL" and size >= 4:
            found.properties["pages"] = int.from_bytes(head[:4], "big")
        if kind == b"IEND":
            break
    if b"IDAT" not in seen:
        found.error("image.damaged", "no picture data")
    _trailing(stream, found, "the end chunk")


def _png_chunk(stream: BinaryIO, size: int, kind: bytes) -> tuple[bytes, bool]:
    checksum = zlib.crc32(kind)
    head = b""
    left = size
    while left:
        block = _exactly(stream, min(left, _BLOCK))
        head = head or block[:64]
        checksum = zlib.crc32(block, checksum)
        left -= len(block)
    return head, checksum == int.from_bytes(_exactly(stream, 4), "big")


def _png_header(head: bytes, found: Findings) -> None:
    if len(head) < 13:
        found.error("image.header", f"an IHDR of {len(head)} bytes")
        return
    width, height, bits, colour, _, _, interlace = struct.unpack(">IIBBBBB", head[:13])
    mode, bands = _PNG_MODES.get(colour, (f"colour type {colour}", 0))
    found.properties.update(
        width=width, height=height, bits=bits, bands=bands, mode=mode, compression="deflate",
        interlaced=bool(interlace), pages=1,
    )  # fmt: skip


# --- GIF: CompuServe GIF89a, 1990 -----------------------------------------------------


def gif(stream: BinaryIO, found: Findings) -> None:
    """Walk the blocks of a GIF file to its trailer. Raises EOFError."""
    head = _exactly(stream, 13)
    if head[:6] not in (b"GIF87a", b"GIF89a"):
        found.error("image.header", "no GIF signature")
        return
    width, height, flags = struct.unpack("<HHB", head[6:11])
    found.properties.update(
        width=width, height=height, bits=8, bands=1, mode="palette", compression="lzw"
    )
    _gif_palette(stream, flags)
    frames = 0
    while (kind := _exactly(stream, 1)) != b"\x3b":
        if kind == b"\x2c":
            frames += 1
            _gif_picture(stream, frames, flags, found)
        elif kind == b"\x21":
            _exactly(stream, 1)
            _blocks(stream)
        elif kind != b"\0":  # a stray terminator is passed over by every reader
            found.error("image.damaged", f"block type {kind.hex()} at byte {stream.tell() - 1}")
            break
    found.properties["pages"] = frames
    if not frames:
        found.error("image.damaged", "no picture in the file")
    if not found.failed:
        _trailing(stream, found, "the trailer")


def _gif_picture(stream: BinaryIO, number: int, flags: int, found: Findings) -> None:
    """Check one picture: its colours, and that its data hold all of its pixels."""
    placed = _exactly(stream, 9)
    _gif_palette(stream, placed[8])
    if not (flags | placed[8]) & 0x80:
        # Allowed, and of no use: each reader takes colours of its own, Pillow whatever
        # its memory held before.
        found.error("image.damaged", f"picture {number} has no colour table")
    wanted = int.from_bytes(placed[4:6], "little") * int.from_bytes(placed[6:8], "little")
    there = gif_lzw.pixels(_exactly(stream, 1)[0], _blocks(stream), wanted)
    if there < wanted:
        # Pillow says nothing, and shows what its memory held before.
        found.error("image.truncated", f"picture {number} holds {there} of {wanted} pixels")


def _blocks(stream: BinaryIO) -> bytes:
    """Return the data of a row of sub-blocks. Raises EOFError."""
    parts = []
    while size := _exactly(stream, 1)[0]:
        parts.append(_exactly(stream, size))
    return b"".join(parts)


def _gif_palette(stream: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        _exactly(stream, 3 << ((flags & 7) + 1))


# --- BMP: Microsoft, BITMAPINFOHEADER and its successors; IBM, OS/2 1.x and 2.x --------

_BMP_COMPRESSION = {0: "none", 1: "rle 8", 2: "rle 4", 3: "none", 4: "jpeg", 5: "png", 6: "none"}


def bmp(stream: BinaryIO, found: Findings) -> None:
    """Check that a bitmap holds the bytes its header promises. Raises EOFError."""
    head = _exactly(stream, 18)
    if head[:2] != b"BM":
        found.error("image.header", "no BMP signature")
        return
    start, header = struct.unpack("<II", head[10:18])
    total = os.fstat(stream.fileno()).st_size
    if header == 12:
        width, height, planes, bits = struct.unpack("<HHHH", _exactly(stream, 8))
        compression, stored = 0, 0
    elif 16 <= header <= 256:
        rest = _exactly(stream, header - 4).ljust(36, b"\0")
        width, height, planes, bits, compression, stored = struct.unpack("<iiHHII", rest[:20])
        height = abs(height)  # negative: rows stand from the top down
    else:
        found.error("image.header", f"a header of {header} bytes")
        return
    if width <= 0 or height <= 0 or planes != 1 or bits not in (1, 2, 4, 8, 16, 24, 32, 64):
        found.error("image.header", f"{width} x {height} pixels of {bits} bits, {planes} planes")
        return
    found.properties.update(
        width=width, height=height, bits=min(bits, 8), bands=max(1, bits // 8), pages=1,
        compression=_BMP_COMPRESSION.get(compression, str(compression)),
    )  # fmt: skip
    # OS/2 2.x gives 3 and 4 another meaning (Huffman, RLE 24): what is stored then counts.
    plain = _BMP_COMPRESSION.get(compression) == "none" and not (compression == 3 and bits == 1)
    needed = (width * bits + 31) // 32 * 4 * height if plain else stored
    if start + needed > total:
        found.error("image.truncated", f"{total - start} of {needed} bytes of pixels")
    elif needed and total > start + needed + 4096:
        found.warn("image.trailing", f"{total - start - needed} bytes after the pixels")
