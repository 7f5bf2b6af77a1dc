# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pillow, set up alike for the judges and the makers of pictures; for the child alone."""

from __future__ import annotations

from functools import lru_cache


def prepare() -> None:
    """Set up Pillow for this process; asked before each time that a file is opened.

    No limit on pixels: the callers have looked at the header. Truncated files are errors.
    A GIF's frames after the first are RGB. All this is said anew each time, since libraries
    change it when they are imported (img2pdf: frames of one palette stay as they are; one
    animation came out in other pixels after any scan in the same child).
    """
    from PIL import GifImagePlugin, Image, ImageFile

    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST
    _in_order()


@lru_cache(maxsize=1)
def _in_order() -> None:
    """Have formats tried in one order.

    Pillow's own depends on which of its modules some library imported first, and a module
    without a signature to look for (TGA) takes what another would have known (an icon was
    damaged in one run and whole in the next).
    """
    from PIL import Image

    Image.init()
    Image.ID.sort(key=lambda name: (Image.OPEN[name][1] is None, name))
