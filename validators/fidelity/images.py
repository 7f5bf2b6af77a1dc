# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare a picture with what was made of it: every pixel, and all that stands beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Check, Scalar
from pipeline.core.versions import wheel_agent
from validators.fidelity.image_reading import Facts, facts, page_count, rows

if TYPE_CHECKING:
    import numpy.typing as npt

_RESOLUTION = 0.005  # a JPEG states whole dots per inch, PNG dots per metre


class ImageJudge:
    """Judge of picture against picture.

    Threshold: `pixels`, the least share (0-1) of the range of values by which no sample
    may differ; 1.0, the default, asks for the same pixels.
    """

    name = "image"

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        return (
            wheel_agent("pillow"),
            wheel_agent("pyvips-binary", "libvips"),
        )

    def compare(
        self,
        source: Path,
        target: Path,
        puid: str,
        thresholds: Mapping[str, Scalar],
        facts: Mapping[str, Scalar],
    ) -> tuple[Check, ...]:
        """Return the checks. Raises DamagedError when either cannot be decoded."""
        return tuple(isolate.call(Pool.LIBRARIES, _compare, source, target, dict(thresholds)))


def _compare(source: Path, target: Path, thresholds: Mapping[str, Scalar]) -> tuple[Check, ...]:
    before, after = page_count(source), page_count(target)
    checks = [_check("image.pages", str(before), str(after), before == after)]
    if before != after or not before:
        return tuple(checks)
    pairs = [(facts(source, page), facts(target, page)) for page in range(before)]
    checks.extend(_side_by_side(name, show, same, pairs) for name, show, same in _METADATA)
    if all((a.width, a.height) == (b.width, b.height) for a, b in pairs):
        checks.append(_pixels(source, target, before, float(thresholds.get("pixels") or 1.0)))
    return tuple(checks)


def _check(name: str, before: str, after: str, passed: bool, note: str = "") -> Check:
    return Check(name, before, after, 1.0 if passed else 0.0, passed, note)


def _side_by_side(
    name: str,
    show: Callable[[Facts], str],
    same: Callable[[Facts, Facts], bool],
    pairs: list[tuple[Facts, Facts]],
) -> Check:
    """Return one check over all pages; it shows the first page that differs."""
    for page, (before, after) in enumerate(pairs, 1):
        if not same(before, after):
            return _check(name, show(before), show(after), False, f"page {page}")
    return _check(name, show(pairs[0][0]), show(pairs[0][1]), True)


def _pixels(source: Path, target: Path, pages: int, least: float) -> Check:
    worst, where = 0.0, 0
    for page in range(pages):
        difference = _difference(source, target, page)
        if difference > worst:
            worst, where = difference, page + 1
    score = 1.0 - worst
    note = f"page {where}" if where else ""
    return Check("image.pixels", "1", f"{score:.6g}", score, score >= least, note)


def _difference(source: Path, target: Path, page: int) -> float:
    """Return the largest difference of a sample as a share of the range, 1.0 for another shape."""
    worst = 0.0
    pairs = zip(rows(source, page), rows(target, page), strict=True)
    for before, after in pairs:
        left, right = _alike(before, after)
        if left.shape != right.shape:
            return 1.0
        worst = max(worst, float(np.max(np.abs(_scaled(left) - _scaled(right)), initial=0.0)))
    return min(worst, 1.0)


def _alike(
    before: npt.NDArray[Any], after: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Bring grey and colour together: a palette of greys may be read as either."""
    if before.dtype == after.dtype and np.array_equal(before, after):
        return before[:0], after[:0]
    return _colour(before, after.shape[2]), _colour(after, before.shape[2])


def _colour(pixels: npt.NDArray[Any], wanted: int) -> npt.NDArray[Any]:
    if (pixels.shape[2], wanted) in ((1, 3), (2, 4)):
        return np.concatenate([pixels[:, :, :1]] * 3 + [pixels[:, :, 1:]], axis=2)
    return pixels


def _scaled(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return samples as 0-1, so that more bits than before are no difference."""
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float64)
    return pixels.astype(np.float64) / np.iinfo(pixels.dtype).max


def _digest(data: bytes) -> str:
    return f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()[:12]}" if data else "none"


def _dpi(page: Facts) -> str:
    return "none" if page.dpi is None else f"{page.dpi[0]:g} x {page.dpi[1]:g} dpi"


def _same_resolution(before: Facts, after: Facts) -> bool:
    if before.dpi is None or after.dpi is None:
        return before.dpi is after.dpi
    return all(
        abs(a - b) <= _RESOLUTION * max(a, b) for a, b in zip(before.dpi, after.dpi, strict=True)
    )


_METADATA: tuple[tuple[str, Callable[[Facts], str], Callable[[Facts, Facts], bool]], ...] = (
    (
        "image.size",
        lambda page: f"{page.width} x {page.height}",
        lambda a, b: (a.width, a.height) == (b.width, b.height),
    ),
    ("image.bits", lambda page: str(page.bits), lambda a, b: b.bits >= a.bits),
    ("image.icc", lambda page: _digest(page.icc), lambda a, b: a.icc == b.icc),
    # What the target has besides is said elsewhere: a comment becomes a description.
    ("image.exif", lambda page: f"{len(page.exif)} tags", lambda a, b: a.exif <= b.exif),
    ("image.xmp", lambda page: _digest(page.xmp), lambda a, b: a.xmp == b.xmp),
    ("image.resolution", _dpi, _same_resolution),
    (
        "image.orientation",
        lambda page: str(page.orientation),
        lambda a, b: a.orientation == b.orientation,
    ),
)

JUDGE = ImageJudge()
