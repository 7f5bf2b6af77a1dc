# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core.records import Outcome, Severity, ValidationResult, Verdict
from validators.raster import VALIDATOR

NOISE = np.random.default_rng(7).integers(0, 256, (120, 90, 3), dtype=np.uint8)


def make(path: Path) -> bytes:
    """Write a picture of the kind that the name says."""
    image = Image.fromarray(NOISE)
    kind = path.stem
    if kind == "progressive":
        image.save(path, progressive=True)
    elif kind == "interlaced":
        path.write_bytes(_interlaced())
    elif kind == "animated":
        others = [image.rotate(angle) for angle in (90, 180)]
        image.save(path, save_all=True, append_images=others, duration=100)
    elif kind == "rle":
        path.write_bytes(_rle())
    elif kind == "multi":
        image.save(path, "MPO", save_all=True, append_images=[image.rotate(180)])
    else:
        image.save(path)
    return path.read_bytes()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, data: bytes, interlace: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    )


def _interlaced() -> bytes:
    rows = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)):  # fmt: skip
        for row in NOISE[y0::dy, x0::dx, 0]:
            rows += b"\0" + row.tobytes()
    return _png(90, 120, zlib.compress(rows), interlace=1)


def _rle() -> bytes:
    rows = b"".join(b"\x0a\x07\x0a\x03\0\0" for _ in range(20)) + b"\0\1"
    palette = bytes(range(256)) * 4
    info = struct.pack("<IiiHHIIiiII", 40, 20, 20, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", 1078 + len(rows), 0, 0, 1078) + info + palette + rows


KINDS = [
    "a.jpg", "progressive.jpg", "multi.jpg", "a.png", "interlaced.png", "animated.png", "a.gif",
    "animated.gif", "a.bmp", "rle.bmp",
]  # fmt: skip


def codes(result: ValidationResult, severity: Severity = Severity.ERROR) -> set[str]:
    return {message.code for message in result.messages if message.severity is severity}


@pytest.mark.parametrize("name", KINDS)
def test_whole_pictures_are_valid(tmp_path: Path, name: str) -> None:
    make(tmp_path / name)
    result = VALIDATOR.validate(tmp_path / name)
    assert (result.verdict, result.outcome, result.messages) == (Verdict.VALID, Outcome.OK, ())
    assert result.properties["pages"] == {"animated": 3, "multi": 2}.get(Path(name).stem, 1)
    assert result.properties["width"] == (20 if "rle" in name else 90)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("keep", [0.05, 0.1, 0.3, 0.5, 0.6, 0.9, 0.99, -20, -2, -1])
def test_truncated_pictures_are_never_valid(tmp_path: Path, name: str, keep: float) -> None:
    data = make(tmp_path / name)
    size = max(int(len(data) * keep), 3) if keep > 0 else len(data) + int(keep)
    (tmp_path / name).write_bytes(data[:size])
    result = VALIDATOR.validate(tmp_path / name)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.DAMAGED), result


@pytest.mark.parametrize("name", ["a.png", "interlaced.png", "animated.png"])
def test_one_altered_byte_is_found_by_checksum(tmp_path: Path, name: str) -> None:
    data = bytearray(make(tmp_path / name))
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(data)
    result = VALIDATOR.validate(tmp_path / name)
    assert result.outcome is Outcome.DAMAGED
    assert "image.checksum" in codes(result)


def test_a_stream_of_too_few_rows_is_found(tmp_path: Path) -> None:
    # Every checksum is right: only decoding tells.
    path = tmp_path / "a.png"
    path.write_bytes(_png(90, 120, zlib.compress(b"\0" * 91 * 60)))
    assert VALIDATOR.validate(path).outcome is Outcome.DAMAGED


@pytest.mark.parametrize("name", KINDS)
def test_data_after_the_end_is_a_warning(tmp_path: Path, name: str) -> None:
    data = make(tmp_path / name)
    (tmp_path / name).write_bytes(data + b"hidden" * 1000)
    result = VALIDATOR.validate(tmp_path / name)
    assert result.verdict is Verdict.VALID
    assert codes(result, Severity.WARNING) == {"image.trailing"}


def test_a_header_of_fifty_thousand_squared_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(_png(50_000, 50_000, zlib.compress(bytes(1000))))
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome) == (Verdict.UNDECIDED, Outcome.TOO_LARGE)


def test_a_picture_larger_than_pillows_limit_is_read(tmp_path: Path) -> None:
    # 200 million pixels: Pillow alone would refuse; a scanned plan may well have as many.
    path = tmp_path / "a.png"
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(bytes(20_001)) for _ in range(10_000)) + packer.flush()
    path.write_bytes(_png(20_000, 10_000, data))
    assert VALIDATOR.validate(path).verdict is Verdict.VALID


def test_a_stray_byte_between_segments_is_a_warning(tmp_path: Path) -> None:
    data = make(tmp_path / "a.jpg")
    place = data.find(b"\xff\xdb")
    (tmp_path / "a.jpg").write_bytes(data[:place] + b"\0\0\0\0" + data[place:])
    result = VALIDATOR.validate(tmp_path / "a.jpg")
    assert result.verdict is Verdict.VALID
    assert codes(result, Severity.WARNING) == {"image.oddity"}


def test_an_empty_file_and_another_format(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert VALIDATOR.validate(tmp_path / "a.jpg").outcome is Outcome.EMPTY
    (tmp_path / "b.jpg").write_bytes(b"%PDF-1.4 and more")
    result = VALIDATOR.validate(tmp_path / "b.jpg")
    assert (result.verdict, codes(result)) == (Verdict.INVALID, {"image.header"})
