# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare two PDFs: pages, their size, what they show, their text, and what hangs on them.

Both are rendered by MuPDF at the same resolution. A page is cut into tiles, because a
missing stamp is much of one tile and nothing of a page's mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.core import isolate
from pipeline.core.errors import DamagedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Check, Scalar

_DPI = 72
_STEP = 64  # a grey level further off than this is another colour, not another rasteriser
_TILE = 48  # pixels, two thirds of an inch
_WHITE = 250


class DocumentJudge:
    """Judge of PDF against PDF.

    Thresholds: `text` and `render` are the least share of words kept and of pixels
    unchanged per page (0-1), `tile` the largest share of one tile that may change.
    """

    name = "document"

    def compare(
        self,
        source: Path,
        target: Path,
        puid: str,
        thresholds: Mapping[str, Scalar],
        facts: Mapping[str, Scalar],
    ) -> tuple[Check, ...]:
        """Return the checks. Raises DamagedError when either cannot be opened."""
        return isolate.call(Pool.LIBRARIES, compare, source, target, dict(thresholds))


def compare(source: Path, target: Path, thresholds: Mapping[str, Scalar]) -> tuple[Check, ...]:
    """Compare in the child; see DocumentJudge."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    with _open(source) as before, _open(target) as after:
        pages = before.page_count, after.page_count
        checks = [_counted("document.pages", *pages)]
        if pages[0] != pages[1] or not pages[0]:
            return tuple(checks)
        ocr = thresholds.get("text_added") is True
        checks.append(_text(before, after, float(thresholds.get("text") or 0.95), ocr=ocr))
        checks.extend(_rendering(before, after, thresholds))
        checks.extend(_parts(before, after))
        return tuple(checks)


def _open(path: Path) -> Any:
    import pymupdf

    try:
        document = pymupdf.open(path, filetype="pdf")
    except (pymupdf.FileDataError, pymupdf.EmptyFileError, RuntimeError) as error:
        raise DamagedError(str(error)[:300], "pdf.damaged") from error
    if document.needs_pass:
        document.authenticate("")
    return document


def _counted(name: str, before: int, after: int) -> Check:
    """Return a check that nothing of a kind was lost; more than before is no loss."""
    score = 1.0 if before == 0 else min(after / before, 1.0)
    exact = name == "document.pages"
    passed = before == after if exact else after >= before
    return Check(name, str(before), str(after), round(score, 4), passed)


def words(page: Any) -> Counter[str]:
    """Return a page's words, ligatures and compatibility forms folded (Unicode NFKC)."""
    text = unicodedata.normalize("NFKC", page.get_text())
    return Counter(re.findall(r"\w+", text))


def _text(before: Any, after: Any, least: float, *, ocr: bool) -> Check:
    """Words of each page of the source found on the same page of the target."""
    kept = total = found = 0
    worst = 1.0
    for one, other in zip(before, after, strict=True):
        mine, theirs = words(one), words(other)
        count, both = sum(mine.values()), sum((mine & theirs).values())
        total, kept, found = total + count, kept + both, found + sum(theirs.values())
        if count >= 20:  # one lost word of three says nothing of a page
            worst = min(worst, both / count)
    score = min(worst, kept / total) if total else 1.0
    note = "text layer added by OCR" if ocr and found > total else ""
    return Check("document.text", str(total), str(found), round(score, 4), score >= least, note)


def _rendering(before: Any, after: Any, thresholds: Mapping[str, Scalar]) -> list[Check]:
    import numpy as np

    worst_page, worst_tile, where = 0.0, 0.0, 0
    blank_before = blank_after = lost = 0
    sizes = True
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        a, b = _pixels(one), _pixels(other)
        if abs(a.shape[0] - b.shape[0]) > 2 or abs(a.shape[1] - b.shape[1]) > 2:
            sizes = False
            continue
        height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
        a, b = a[:height, :width], b[:height, :width]
        off = np.abs(a.astype(np.int16) - b.astype(np.int16)).max(axis=2) > _STEP
        share, tile = float(off.mean()), _worst_tile(off)
        if share > worst_page or tile > worst_tile:
            where = number + 1
        worst_page, worst_tile = max(worst_page, share), max(worst_tile, tile)
        empty_a, empty_b = bool((a >= _WHITE).all()), bool((b >= _WHITE).all())
        blank_before, blank_after = blank_before + empty_a, blank_after + empty_b
        lost += empty_b and not empty_a
    least = float(thresholds.get("render") or 0.95)
    most = float(thresholds.get("tile") or 0.1)
    count = before.page_count
    # A wholly blank document proves nothing: what is not there cannot be compared.
    seen = lost == 0 and blank_after < count
    return [
        Check("document.page_size", "", "", float(sizes), sizes),
        Check(
            "document.rendering",
            "0 %",
            f"{worst_page:.2%}",
            round(1 - worst_page, 4),
            1 - worst_page >= least,
            f"page {where}" if where else "",
        ),
        Check(
            "document.tiles",
            "0 %",
            f"{worst_tile:.0%}",
            round(1 - worst_tile, 4),
            worst_tile <= most,
        ),
        Check("document.blank", str(blank_before), str(blank_after), float(seen), seen),
    ]


def _pixels(page: Any) -> Any:
    import numpy as np
    import pymupdf

    # A plan may be metres wide: at most some 4 megapixels are compared.
    points = max(abs(page.rect.width * page.rect.height), 1.0)
    scale = min(1.0, (4_000_000 / points) ** 0.5)
    image = page.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), alpha=False, colorspace=pymupdf.csRGB
    )
    pixels = np.frombuffer(image.samples, np.uint8)
    return pixels.reshape(image.h, image.stride)[:, : image.w * 3].reshape(image.h, image.w, 3)


def _worst_tile(off: Any) -> float:
    """Return the largest share of changed pixels in any tile, neighbours forgiven.

    A glyph's edge moves by a pixel when another program subsets the font: only what
    is changed over more than single pixels counts (an erosion by one).
    """
    import numpy as np

    core = off[1:-1, 1:-1] & off[:-2, 1:-1] & off[2:, 1:-1] & off[1:-1, :-2] & off[1:-1, 2:]
    height, width = core.shape
    if height < _TILE or width < _TILE:
        return float(core.mean()) if core.size else 0.0
    # Tiles overlap by half, or what lies on a corner would be a quarter of each of four.
    half = _TILE // 2
    rows, columns = height // half, width // half
    cells = core[: rows * half, : columns * half].reshape(rows, half, columns, half)
    quarter = cells.mean(axis=(1, 3), dtype=np.float64)
    tiles = (quarter[:-1, :-1] + quarter[1:, :-1] + quarter[:-1, 1:] + quarter[1:, 1:]) / 4
    return float(tiles.max())


def _parts(before: Any, after: Any) -> list[Check]:
    """Links, outline entries, attachments and form fields."""
    counted: tuple[tuple[str, Callable[[Any], int]], ...] = (
        ("document.links", lambda d: sum(len(page.get_links()) for page in d)),
        ("document.outline", lambda d: len(d.get_toc(simple=True))),
        ("document.attachments", lambda d: int(d.embfile_count())),
        ("document.fields", lambda d: sum(1 for page in d for _ in page.widgets())),
    )
    checks = []
    for name, count in counted:
        had, has = count(before), count(after)
        if had:
            checks.append(_counted(name, had, has))
    return checks


JUDGE = DocumentJudge()
