# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from migrators import image_to_tiff
from migrators.base import Options
from migrators.image_to_tiff import MIGRATOR
from migrators.tiff.writer import Page, Writer
from pipeline.core.errors import ConfigError, DamagedError, FileError, NotConvertedError
from pipeline.core.records import MigrationNote, Scalar

NOISE = np.random.default_rng(7).integers(0, 256, (120, 90, 4), dtype=np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'


def exif() -> Image.Exif:
    block = Image.Exif()
    block[0x010F] = "Kamera AB"
    block[0x0112] = 6
    block.get_ifd(0x8769).update({0x9003: "2001:02:03 04:05:06", 0x829A: IFDRational(1, 125)})
    block.get_ifd(0x8825).update({1: "N", 2: (55.0, 36.0, 21.0)})
    return block


def picture(mode: str) -> Image.Image:
    image = Image.fromarray(NOISE, "RGBA")
    if mode == "I;16":
        return Image.fromarray(NOISE[:, :, 0].astype(np.uint16) * 251)
    image = image.convert("RGB")
    return image.quantize(200) if mode == "P" else image.convert(mode)


def options(tmp_path: Path, **settings: Scalar) -> Options:
    def judge(path: Path) -> object:
        raise AssertionError(f"{path}: there is one way only")

    return Options("", "tiff", tmp_path, judge, settings)  # type: ignore[arg-type]


def migrate(source: Path, **settings: Scalar) -> tuple[Path, MigrationNote]:
    target = source.with_suffix(".out.tif")
    return target, MIGRATOR.migrate(source, target, options(source.parent, **settings))


@pytest.mark.parametrize(
    ("suffix", "mode", "expected"),
    [
        ("bmp", "1", "1"), ("bmp", "L", "L"), ("bmp", "P", "P"), ("bmp", "RGB", "RGB"),
        ("gif", "P", "P"), ("gif", "L", "P"), ("png", "1", "1"), ("png", "P", "P"),
        ("png", "LA", "LA"), ("png", "RGB", "RGB"), ("png", "RGBA", "RGBA"),
        ("png", "I;16", "I;16"), ("jp2", "RGB", "RGB"), ("jp2", "L", "L"), ("tga", "RGBA", "RGBA"),
        ("pcx", "P", "P"), ("ppm", "RGB", "RGB"), ("pgm", "L", "L"), ("pbm", "1", "1"),
        ("xbm", "1", "1"), ("sgi", "RGB", "RGB"), ("tif", "CMYK", "CMYK"), ("tif", "LAB", "LAB"),
        ("tif", "P", "P"), ("tif", "1", "1"), ("tif", "RGBA", "RGBA"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("compression", ["deflate", "none"])
def test_pixels_are_kept(
    tmp_path: Path, suffix: str, mode: str, expected: str, compression: str
) -> None:
    source = tmp_path / f"a.{suffix}"
    picture(mode).save(source)
    before = source.read_bytes()
    target, note = migrate(source, compression=compression)
    with Image.open(source) as left, Image.open(target) as right:
        assert right.mode == expected
        assert right.size == (90, 120)
        if expected != "P":
            assert left.convert(expected).tobytes() == right.tobytes()
        assert left.convert("RGB").tobytes() == right.convert("RGB").tobytes()
        compressed = right.tag_v2[259]  # type: ignore[attr-defined]
    assert compressed == {"deflate": 8, "none": 1}[compression]
    assert source.read_bytes() == before
    assert compression in note.method


@pytest.mark.parametrize("mode", ["RGB", "1", "P", "I;16"])
def test_lzw(tmp_path: Path, mode: str) -> None:
    source = tmp_path / "a.png"
    picture(mode).save(source)
    target, _ = migrate(source, compression="lzw")
    with Image.open(source) as left, Image.open(target) as right:
        assert right.tag_v2[259] == 5  # type: ignore[attr-defined]
        assert left.tobytes() == right.tobytes()


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_stay_sixteen(tmp_path: Path, bands: int, suffix: str) -> None:
    wide = NOISE[:, :, :bands].astype(np.uint16) * 257 + 3
    image = pyvips.Image.new_from_array(wide).copy(
        interpretation="grey16" if bands < 3 else "rgb16"
    )
    source = tmp_path / f"a.{suffix}"
    image.write_to_file(str(source))
    target, _ = migrate(source)
    after = pyvips.Image.tiffload(str(target))
    assert after.format == "ushort"
    assert np.array_equal(after.numpy().reshape(wide.shape), wide)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_what_stands_beside_the_pixels_is_kept(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"a.{suffix}"
    extra = {"lossless": True} if suffix == "webp" else {}
    whole = exif()
    if suffix == "tif":
        whole[700] = XMP
    block = whole.tobytes()
    picture("RGB").save(source, exif=block, icc_profile=PROFILE, xmp=XMP, dpi=(300, 300), **extra)
    if suffix == "png":
        picture("RGB").save(source, exif=exif(), icc_profile=PROFILE, dpi=(300, 300))
    target, _ = migrate(source)
    with Image.open(target) as image:
        found = image.getexif()
        assert found[0x010F] == "Kamera AB"
        assert found[0x0112] == 6
        below = found.get_ifd(0x8769)
        assert below[0x9003] == "2001:02:03 04:05:06"
        assert float(below[0x829A]) == pytest.approx(1 / 125)
        assert found.get_ifd(0x8825)[1] == "N"
        assert image.info["icc_profile"] == PROFILE
        if suffix != "png":
            assert bytes(found[700]).rstrip(b"\0") == XMP
        if suffix != "webp":
            assert image.info["dpi"][0] == pytest.approx(300, abs=0.02)


def test_no_resolution_is_invented(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.gif"):
        picture("RGB").save(tmp_path / name)
        target, _ = migrate(tmp_path / name)
        with Image.open(target) as image:
            assert image.tag_v2[296] == 1  # type: ignore[attr-defined]
            assert "dpi" not in image.info
        target.unlink()


def test_every_page_of_any_size_and_kind(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    pages = [picture("RGB"), picture("1").resize((33, 44)), picture("L"), picture("P")]
    pages[0].save(source, save_all=True, append_images=pages[1:])
    target, _ = migrate(source)
    with Image.open(target) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
        for number, page in enumerate(pages):
            image.seek(number)
            assert (image.mode, image.size) == (page.mode, page.size)
            assert image.convert("RGB").tobytes() == page.convert("RGB").tobytes()


def test_frames_of_an_animation_are_pages(tmp_path: Path) -> None:
    source = tmp_path / "a.gif"
    frames = [picture("RGB").rotate(angle) for angle in (0, 90, 180)]
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=100)
    target, note = migrate(source)
    assert [message.code for message in note.messages] == ["image.animation"]
    with Image.open(source) as left, Image.open(target) as right:
        assert right.n_frames == 3  # type: ignore[attr-defined]
        for number in range(3):
            left.seek(number)
            right.seek(number)
            assert left.convert("RGB").tobytes() == right.convert("RGB").tobytes()


def test_a_transparent_palette_is_expanded(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    picture("P").save(source, transparency=5)
    target, _ = migrate(source)
    with Image.open(source) as left, Image.open(target) as right:
        assert right.mode == "RGBA"
        assert left.convert("RGBA").tobytes() == right.tobytes()


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    picture("RGB").save(source, exif=exif(), icc_profile=PROFILE)
    digests = set()
    for _ in range(2):
        target, _ = migrate(source)
        digests.add(hashlib.sha256(target.read_bytes()).hexdigest())
        target.unlink()
    assert len(digests) == 1


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.jp2", "a.tif", "a.webp"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.3, 0.6, 0.95])
def test_a_damaged_source_leaves_nothing(tmp_path: Path, name: str, keep: float) -> None:
    source = tmp_path / name
    picture("RGB").save(source)
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(DamagedError):
        migrate(source)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_sixteen_bits_that_would_become_eight_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.ppm"
    source.write_bytes(b"P6 # colour\n4 4\n65535\n" + bytes(range(96)))
    with pytest.raises(NotConvertedError) as error:
        migrate(source)
    assert error.value.code == "image.depth"
    assert not source.with_suffix(".out.tif").exists()


def test_a_wrong_setting_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    picture("L").save(source)
    with pytest.raises((ConfigError, FileError)):
        migrate(source, compression="jpeg")
    assert not source.with_suffix(".out.tif").exists()


def test_what_was_written_wrongly_is_noticed(tmp_path: Path) -> None:
    """The reading back is what stands between an error of ours and an archive."""
    target = tmp_path / "a.tif"
    pixels = NOISE[:, :, :3].tobytes()

    def rows(y: int, count: int) -> bytes:
        return pixels[y * 270 : (y + count) * 270]

    page = Page(90, 120, 8, 3, 2, rows)
    with target.open("xb") as stream:
        Writer(stream, "deflate").add(page)
    right = hashlib.sha256(pixels).hexdigest()
    image_to_tiff._verify(target, [(page, right)])
    for written in (
        [(page, "0" * 64)],
        [(page, right), (page, right)],
        [(Page(90, 120, 16, 3, 2, rows), right)],
    ):
        with pytest.raises(NotConvertedError):
            image_to_tiff._verify(target, written)


def test_exif_of_the_other_byte_order(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    body = struct.pack(">2sHIHHHI4s", b"MM", 42, 8, 1, 0x0110, 2, 8, b"\0\0\0\x1a")
    block = body + struct.pack(">I", 0) + b"Modell\0\0"
    picture("RGB").save(source, exif=b"Exif\0\0" + block)
    target, _ = migrate(source)
    with Image.open(target) as image:
        assert image.getexif()[0x0110].rstrip("\0") == "Modell"
