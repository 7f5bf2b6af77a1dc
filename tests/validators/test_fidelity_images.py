# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from pipeline.core.errors import DamagedError
from pipeline.core.records import Check
from validators.fidelity.images import JUDGE

NOISE = np.random.default_rng(7).integers(0, 256, (600, 90, 3), dtype=np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'


def compare(source: Path, target: Path, **thresholds: float) -> dict[str, Check]:
    return {check.property: check for check in JUDGE.compare(source, target, "", thresholds, {})}


def failed(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if not check.passed}


def save(path: Path, pixels: Any = NOISE, **settings: Any) -> Path:
    block = Image.Exif()
    block[0x010F] = "Kamera"
    settings = {"exif": block, "icc_profile": PROFILE, "dpi": (300, 300), **settings}
    Image.fromarray(pixels).save(path, **{k: v for k, v in settings.items() if v is not None})
    return path


def test_the_same_picture_passes(tmp_path: Path) -> None:
    checks = compare(save(tmp_path / "a.png"), save(tmp_path / "b.tif"))
    assert failed(checks) == set()
    assert set(checks) == {
        "image.pages", "image.size", "image.pixels", "image.bits", "image.icc", "image.exif",
        "image.xmp", "image.resolution", "image.orientation",
    }  # fmt: skip
    assert checks["image.pixels"].score == 1.0


def test_one_sample_off_by_one_is_found(tmp_path: Path) -> None:
    other = NOISE.copy()
    other[599, 89, 2] ^= 1
    checks = compare(save(tmp_path / "a.png"), save(tmp_path / "b.tif", other))
    assert failed(checks) == {"image.pixels"}
    assert checks["image.pixels"].score == pytest.approx(1 - 1 / 255)
    assert checks["image.pixels"].note == "page 1"
    loose = compare(tmp_path / "a.png", tmp_path / "b.tif", pixels=0.99)
    assert failed(loose) == set()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"icc_profile": None}, "image.icc"),
        ({"exif": None}, "image.exif"),
        ({"dpi": (72, 72)}, "image.resolution"),
        ({"dpi": None}, "image.resolution"),
    ],
)
def test_what_is_lost_beside_the_pixels(
    tmp_path: Path, settings: dict[str, Any], expected: str
) -> None:
    checks = compare(save(tmp_path / "a.jpg"), save(tmp_path / "b.tif", **settings))
    assert expected in failed(checks)


def test_xmp_and_orientation(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    source = save(tmp_path / "a.webp", xmp=XMP, exif=turned, lossless=True, dpi=None)
    checks = compare(source, save(tmp_path / "b.tif", dpi=None))
    assert failed(checks) == {"image.xmp", "image.orientation"}


def test_pages_and_sizes(tmp_path: Path) -> None:
    images = [Image.fromarray(NOISE), Image.fromarray(NOISE[:300])]
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:])
    images[0].save(tmp_path / "b.tif")
    images[0].save(tmp_path / "c.tif", save_all=True, append_images=images[:1])
    assert failed(compare(tmp_path / "a.tif", tmp_path / "a.tif")) == set()
    assert failed(compare(tmp_path / "a.tif", tmp_path / "b.tif")) == {"image.pages"}
    checks = compare(tmp_path / "a.tif", tmp_path / "c.tif")
    assert failed(checks) == {"image.size"}
    assert checks["image.size"].note == "page 2"


def test_a_difference_on_a_later_page(tmp_path: Path) -> None:
    images = [Image.fromarray(NOISE), Image.fromarray(NOISE)]
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:])
    images[1] = Image.fromarray(255 - NOISE)
    images[0].save(tmp_path / "b.tif", save_all=True, append_images=images[1:])
    checks = compare(tmp_path / "a.tif", tmp_path / "b.tif")
    assert (failed(checks), checks["image.pixels"].note) == ({"image.pixels"}, "page 2")


def test_sixteen_bits_made_eight(tmp_path: Path) -> None:
    wide = pyvips.Image.new_from_array(NOISE.astype(np.uint16) * 257 + 90)
    wide.copy(interpretation="rgb16").pngsave(str(tmp_path / "a.png"))
    Image.fromarray(NOISE).save(tmp_path / "b.tif")
    checks = compare(tmp_path / "a.png", tmp_path / "b.tif")
    assert {"image.bits", "image.pixels"} <= failed(checks)


@pytest.mark.parametrize("mode", ["P", "1", "L", "LA", "RGBA"])
def test_palettes_bitmaps_and_transparency(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(NOISE).convert(mode)
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.tif")
    assert failed(compare(tmp_path / "a.png", tmp_path / "b.tif")) == set()
    Image.fromarray(255 - NOISE).convert(mode).save(tmp_path / "c.tif")
    assert "image.pixels" in failed(compare(tmp_path / "a.png", tmp_path / "c.tif"))


def test_what_cannot_be_decoded_raises(tmp_path: Path) -> None:
    source, target = save(tmp_path / "a.png"), save(tmp_path / "b.tif")
    target.write_bytes(target.read_bytes()[:5000])
    with pytest.raises(DamagedError):
        compare(source, target)
