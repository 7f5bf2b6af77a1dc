# SPDX-License-Identifier: AGPL-3.0-or-later
"""JPEG 2000: JP2 and bare codestreams by jpylyzer, all of the family by a full decode.

ISO/IEC 15444-1 annexes A (codestream) and I (boxes); JPX is ISO/IEC 15444-2, which
jpylyzer does not know, so there boxes, tile parts and the decode are what is checked.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from validators.findings import Findings, empty, packages
from validators.imaging import describe, max_pixels, pillow_decode, within_limit

NAME = "jpeg2000"
_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_SOC, _SIZ, _SOT, _EOC = 0xFF4F, 0xFF51, 0xFF90, 0xFFD9
# OpenJPEG holds each component in 32 bits, beside the decoded picture.
_BYTES_PER_SAMPLE = 6
_MEMORY = 2600 * 1024 * 1024


class Jpeg2000Validator:
    """Checks conformance with jpylyzer and that the picture is whole."""

    name = NAME
    puids = frozenset({"x-fmt/392", "fmt/151", "fmt/1794"})

    def agents(self) -> tuple[Agent, ...]:
        """Return jpylyzer and the decoder. Raises ToolMissingError."""
        return packages("jpylyzer", "pillow", "pymupdf")

    def validate(self, path: Path) -> ValidationResult:
        """Judge a JPEG 2000 file."""
        return isolate.call(Pool.LIBRARIES, _judge, path, max_pixels())


def _judge(path: Path, limit: int) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    with path.open("rb") as stream:
        boxed = stream.read(12) == _SIGNATURE
        brand = stream.read(12)[8:12] if boxed else b""
        try:
            for start, end in _codestreams(stream) if boxed else [(0, _size(stream))]:
                _codestream(stream, start, end, found, boxed=boxed)
        except (EOFError, struct.error) as error:
            found.error("image.truncated", str(error))
    if boxed and "width" not in found.properties and not found.failed:
        found.error("image.damaged", "no codestream in the file")
    _decode(path, found, limit)
    if brand != b"jpx " and found.open:
        _conformance(path, "jp2" if boxed else "j2c", found)
    return found.result()


def _decode(path: Path, found: Findings, limit: int) -> None:
    width, height, bands = (found.properties.get(key, 0) for key in ("width", "height", "bands"))
    if not (isinstance(width, int) and isinstance(height, int) and isinstance(bands, int)):
        return
    if width <= 0 or height <= 0:
        found.error("image.header", f"{width} x {height} pixels")
    if not within_limit(found, width, height, limit) or not found.open:
        return
    if width * height * max(bands, 1) * _BYTES_PER_SAMPLE > _MEMORY:
        # OpenJPEG reports memory that it did not get as a broken file.
        found.undecided("image.too_large", f"{width} x {height}", Outcome.TOO_LARGE)
        return
    describe(path, found)
    problem = pillow_decode(path, found, limit)
    if not problem:
        return
    if "broken data stream" in problem and not _second_opinion(path):
        found.error("image.damaged", problem)
    else:
        # E.g. signed components (Kakadu writes them), which Pillow calls a broken stream.
        found.undecided("image.codec", problem, Outcome.UNSUPPORTED)


def _second_opinion(path: Path) -> bool:
    """Return whether MuPDF can decode the picture."""
    import pymupdf

    try:
        pymupdf.Pixmap(os.fspath(path))
    except (RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase):
        return False
    return True


def _size(stream: BinaryIO) -> int:
    return os.fstat(stream.fileno()).st_size


def _codestreams(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield start and end of each codestream box. Raises EOFError at a box that is cut off."""
    place, total = 0, _size(stream)
    while place < total:
        stream.seek(place)
        length, kind = struct.unpack(">I4s", stream.read(8))
        head = 8
        if length == 1:
            length, head = struct.unpack(">Q", stream.read(8))[0], 16
        end = total if length == 0 else place + length
        if end > total or end < place + head:
            raise EOFError(f"box {kind!r} at {place} ends at {end}; the file has {total} bytes")
        if kind == b"jp2c":
            yield place + head, end
        place = end


def _codestream(stream: BinaryIO, start: int, end: int, found: Findings, *, boxed: bool) -> None:
    """Walk the tile parts of a codestream; each says how long it is."""
    stream.seek(start)
    if struct.unpack(">H", stream.read(2))[0] != _SOC:
        found.error("image.header", f"no codestream at {start}")
        return
    place = start + 2
    while True:
        stream.seek(place)
        marker, length = struct.unpack(">HH", stream.read(4).ljust(4, b"\0"))
        if marker == _EOC:
            break
        if marker == _SIZ and length >= 2 and "width" not in found.properties:
            _size_segment(stream.read(length - 2), found)
        if marker == _SOT:
            part = struct.unpack(">HIBB", stream.read(8))[1]
            # 0: the last tile part reaches to the end marker.
            place = place + part if part else end - 2
        elif marker >= 0xFF00 and length >= 2:
            place += 2 + length
        else:
            code = "image.truncated" if place + 4 > end else "image.damaged"
            found.error(code, f"no marker at {place}")
            return
        if place + 2 > end:
            raise EOFError(f"a tile part ends at {place}; the codestream at {end}")
    if not boxed and end > place + 2:
        found.warn("image.trailing", f"{end - place - 2} bytes after the end marker")


def _size_segment(body: bytes, found: Findings) -> None:
    if len(body) < 39:
        raise EOFError(f"a SIZ segment of {len(body)} bytes")
    width, height, left, top = struct.unpack(">IIII", body[2:18])
    bands = struct.unpack(">H", body[34:36])[0]
    found.properties.update(
        width=width - left, height=height - top, bands=bands, pages=1,
        bits=(body[36] & 0x7F) + 1, compression="jpeg 2000",
    )  # fmt: skip


def _conformance(path: Path, kind: str, found: Findings) -> None:
    from jpylyzer import jpylyzer

    report = jpylyzer.checkOneFile(os.fspath(path), kind)
    valid = report.findtext("isValid")
    found.properties["jpylyzer_valid"] = valid == "True"
    if valid == "True":
        return
    failed = [node.tag for node in report.iter() if node.text == "False" and node.tag != "isValid"]
    trouble = report.findtext("statusInfo/failureMessage") or ""
    # It decodes in full, so nothing is lost: not what the standard says, but not damaged.
    detail = f"jpylyzer: {', '.join(failed)} {trouble}".strip()
    found.error("jpeg2000.conformance", detail, Outcome.INVALID)


VALIDATOR = Jpeg2000Validator()
