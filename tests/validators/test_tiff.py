# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from pipeline.core.errors import ConfigError
from pipeline.core.records import Outcome, Severity, ValidationResult, Verdict
from validators import tiff_structure
from validators.tiff import VALIDATOR

NOISE = np.random.default_rng(7).integers(0, 256, (120, 90, 3), dtype=np.uint8)


def picture(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(NOISE).convert(mode)


def codes(result: ValidationResult, severity: Severity = Severity.ERROR) -> set[str]:
    return {message.code for message in result.messages if message.severity is severity}


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
def test_a_whole_file_is_valid(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    picture().save(path, compression=compression, dpi=(300, 300))
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome, result.messages) == (Verdict.VALID, Outcome.OK, ())
    assert result.properties["width"] == 90
    assert result.properties["height"] == 120
    assert result.properties["bits"] == 8
    assert result.properties["dpi"] == 300
    assert {agent.name for agent in result.agents} == {"pyvips-binary", "pillow"}


def test_sixteen_bits_tiles_and_bigtiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    wide = np.repeat(NOISE.astype(np.uint16) * 257, 4, axis=0)
    pyvips.Image.new_from_array(wide).tiffsave(
        str(path), tile=True, bigtiff=True, compression="deflate"
    )
    result = VALIDATOR.validate(path)
    assert result.verdict is Verdict.VALID
    assert result.properties["bits"] == 16
    assert result.properties["big"] is True


def multipage(path: Path, compression: str | None) -> None:
    frames = [picture(), picture("L"), picture().rotate(90, expand=True), picture("1")]
    frames[0].save(path, save_all=True, append_images=frames[1:], compression=compression)


def test_every_page_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    multipage(path, "tiff_lzw")
    result = VALIDATOR.validate(path)
    assert result.verdict is Verdict.VALID
    assert result.properties["pages"] == 4


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
@pytest.mark.parametrize("keep", [0.0, 0.1, 0.4, 0.5, 0.7, 0.9, 0.99, -20])
def test_a_truncated_document_is_never_valid(
    tmp_path: Path, compression: str | None, keep: float
) -> None:
    # Pillow and libvips both read the pages that are left, and say nothing.
    path = tmp_path / "a.tif"
    multipage(path, compression)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) + 5] if keep >= 0 else data[: int(keep)])
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.DAMAGED)


def test_libtiff_says_nothing_of_the_lost_page(tmp_path: Path) -> None:
    """The reason for our own walk: remove it if this ever fails."""
    path = tmp_path / "a.tif"
    multipage(path, "tiff_lzw")
    last = tiff_structure.read(path).pages[-1].offset
    path.write_bytes(path.read_bytes()[: last - 10])
    assert pyvips.Image.tiffload(str(path), fail_on="warning").get("n-pages") == 3
    assert VALIDATOR.validate(path).outcome is Outcome.DAMAGED


def test_altered_pixels_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    picture().save(path, compression="tiff_deflate")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)
    assert VALIDATOR.validate(path).outcome is Outcome.DAMAGED


def test_a_strip_that_lies_outside_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    picture("L").save(path)
    data = bytearray(path.read_bytes())
    with Image.open(path) as image:
        offset = image.tag_v2[273][0]  # type: ignore[attr-defined]
    place = data.find(struct.pack("<HHII", 273, 4, 1, offset))
    struct.pack_into("<I", data, place + 8, len(data) - 10)
    path.write_bytes(data)
    result = VALIDATOR.validate(path)
    assert result.outcome is Outcome.DAMAGED
    assert "image.truncated" in codes(result)


def test_directories_in_a_circle_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    picture("L").save(path)
    data = bytearray(path.read_bytes())
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    path.write_bytes(data)
    result = VALIDATOR.validate(path)
    assert (result.verdict, codes(result)) == (Verdict.INVALID, {"tiff.loop"})


def test_a_gigantic_header_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    entries = [(256, 4, 50_000), (257, 4, 50_000), (258, 3, 8), (259, 3, 8), (262, 3, 1),
               (273, 4, 8), (277, 3, 1), (278, 4, 50_000), (279, 4, 4)]  # fmt: skip
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    path.write_bytes(
        struct.pack("<2sHI4sH", b"II", 42, 12, b"\0" * 4, len(entries)) + body + b"\0" * 4
    )
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome) == (Verdict.UNDECIDED, Outcome.TOO_LARGE)


def test_the_limit_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    picture().save(path)
    monkeypatch.setenv("SKANEARKIV_MAX_PIXELS", "10799")
    assert VALIDATOR.validate(path).outcome is Outcome.TOO_LARGE
    monkeypatch.setenv("SKANEARKIV_MAX_PIXELS", "10800")
    assert VALIDATOR.validate(path).outcome is Outcome.OK
    monkeypatch.setenv("SKANEARKIV_MAX_PIXELS", "many")
    with pytest.raises(ConfigError):
        VALIDATOR.validate(path)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.touch()
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.EMPTY)


def test_data_after_the_picture_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    picture().save(path)
    with path.open("ab") as stream:
        stream.write(b"hidden" * 1000)
    result = VALIDATOR.validate(path)
    assert result.verdict is Verdict.VALID
    assert codes(result, Severity.WARNING) == {"image.trailing"}
