# SPDX-License-Identifier: AGPL-3.0-or-later
"""A picture decodes alike whatever was imported before."""

from __future__ import annotations

from pathlib import Path

from PIL import GifImagePlugin, Image, ImageFile

from pipeline.core import pictures


def modes(path: Path) -> list[str]:
    pictures.prepare()
    found = []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            found.append(image.mode)
    return found


def test_what_libraries_set_on_import_changes_no_pixel(tmp_path: Path) -> None:
    path = tmp_path / "two.gif"
    first, second = (Image.new("P", (8, 8), number) for number in (1, 2))
    for one in (first, second):
        one.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    first.save(path, save_all=True, append_images=[second])
    before = modes(path)
    import img2pdf  # noqa: F401

    # As img2pdf does when it is imported first, and as others do.
    GifImagePlugin.LOADING_STRATEGY = (
        GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
    )
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    assert modes(path) == before == ["P", "RGB"]
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
