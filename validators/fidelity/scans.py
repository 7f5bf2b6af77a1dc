# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare pictures with the PDF that they became the pages of: each pixel, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.core import isolate, pictures
from pipeline.core.errors import DamagedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Check, Scalar
from pipeline.core.versions import wheel_agent


class ScanJudge:
    """Judge of a file of pictures against a PDF with a page for each.

    Threshold: `pixels`, the least share of pixels of a page that are the same (default 1.0).
    """

    name = "scan"

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        return wheel_agent("pillow"), wheel_agent("pikepdf", "qpdf")

    def compare(
        self,
        source: Path,
        target: Path,
        puid: str,
        thresholds: Mapping[str, Scalar],
        facts: Mapping[str, Scalar],
    ) -> tuple[Check, ...]:
        """Return the checks. Raises DamagedError when either cannot be read."""
        least = float(thresholds.get("pixels") or 1.0)
        return isolate.call(Pool.LIBRARIES, compare, source, target, least)


def compare(source: Path, target: Path, least: float) -> tuple[Check, ...]:
    """Compare in the child; see ScanJudge."""
    import pikepdf
    from PIL import Image, ImageSequence, UnidentifiedImageError

    pictures.prepare()
    try:
        with Image.open(source) as before, pikepdf.open(target) as after:
            count = int(getattr(before, "n_frames", 1))
            pages = len(after.pages)
            checks = [
                Check(
                    "document.pages", str(count), str(pages),
                    round(min(count, pages) / max(count, pages, 1), 4), count == pages,
                )
            ]  # fmt: skip
            if count != pages:
                return tuple(checks)
            shares = [
                _same(frame, page)
                for frame, page in zip(ImageSequence.Iterator(before), after.pages, strict=False)
            ]
    except (UnidentifiedImageError, OSError, ValueError, EOFError, pikepdf.PdfError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}"[:300], "image.damaged") from error
    worst = min(shares)
    note = "" if worst >= least else f"page {shares.index(worst) + 1}"
    checks.append(
        Check("document.pictures", str(count), str(sum(one >= least for one in shares)),
              round(worst, 4), worst >= least, note)
    )  # fmt: skip
    return tuple(checks)


def _same(frame: Any, page: Any) -> float:
    """Return the share of a frame's pixels that the page's picture has as well; 0 without one."""
    import numpy as np

    made = list(_pictures(page))
    if len(made) != 1 or made[0].size != frame.size:
        return 0.0
    mode = "L" if frame.mode in ("1", "L") else "CMYK" if frame.mode == "CMYK" else "RGB"
    one, other = (np.asarray(image.convert(mode)) for image in (frame, made[0]))
    same = one == other if one.ndim == 2 else (one == other).all(axis=2)
    return float(same.mean())


def _pictures(page: Any) -> Iterator[Any]:
    from pikepdf import PdfImage

    for image in page.get_images().values():
        yield PdfImage(image).as_pil_image()


JUDGE = ScanJudge()
