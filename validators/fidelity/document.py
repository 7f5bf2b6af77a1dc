# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare two PDFs: pages, their size, what they show, their text, and what hangs on them.

Both are read and rendered by MuPDF. A page is compared as a whole and in tiles, because a
missing stamp is much of one tile and nothing of a page's mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core import isolate
from pipeline.core.errors import DamagedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Check, Scalar
from pipeline.core.versions import wheel_agent
from validators.fidelity import parts, rendering

_WHITE = 250


class DocumentJudge:
    """Judge of PDF against PDF.

    Thresholds: `text` and `render` are the least share of words kept and of pixels
    unchanged per page (0-1), `tile` the largest share of one tile that may change,
    `tags` whether a lost structure tree fails (else it is only told).
    """

    name = "document"

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        return (wheel_agent("pymupdf", "MuPDF"),)

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
        same = pages[0] == pages[1]
        score = min(pages) / max(*pages, 1)
        checks = [Check("document.pages", str(pages[0]), str(pages[1]), round(score, 4), same)]
        if pages[0] != pages[1] or not pages[0]:
            return tuple(checks)
        ocr = thresholds.get("text_added") is True
        checks.append(_text(before, after, float(thresholds.get("text") or 1.0), ocr=ocr))
        checks.extend(_rendering(before, after, thresholds))
        checks.extend(parts.compare(before, after, tags=thresholds.get("tags") is True))
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


def words(page: Any) -> Counter[str]:
    """Return a page's words, ligatures and compatibility forms folded (Unicode NFKC)."""
    text = unicodedata.normalize("NFKC", page.get_text())
    return Counter(re.findall(r"\w+", text))


def _text(before: Any, after: Any, least: float, *, ocr: bool) -> Check:
    """Words of each page of the source found on the same page of the target."""
    total = found = 0
    worst = 1.0
    missing: Counter[str] = Counter()
    for one, other in zip(before, after, strict=True):
        mine, theirs = words(one), words(other)
        count = sum(mine.values())
        total, found = total + count, found + sum(theirs.values())
        lost = mine - theirs
        missing += lost
        if count:
            worst = min(worst, 1 - sum(lost.values()) / count)
    note = "text layer added by OCR" if ocr and found > total else ""
    if missing:
        note = f"not found: {', '.join(list(missing)[:10])}"
    return Check("document.text", str(total), str(found), round(worst, 4), worst >= least, note)


def _rendering(before: Any, after: Any, thresholds: Mapping[str, Scalar]) -> list[Check]:
    worst_page, worst_tile, where = 0.0, 0.0, 0
    blank_before = blank_after = lost = 0
    sizes = True
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        a, b = rendering.pixels(one), rendering.pixels(other)
        if abs(a.shape[0] - b.shape[0]) > 3 or abs(a.shape[1] - b.shape[1]) > 3:
            sizes = False
            continue
        height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
        a, b = a[:height, :width], b[:height, :width]
        off = rendering.changed(a, b)
        share, tile = float(off.mean()), rendering.worst_tile(off)
        if share > worst_page or tile > worst_tile:
            where = number + 1
        worst_page, worst_tile = max(worst_page, share), max(worst_tile, tile)
        empty_a, empty_b = bool((a >= _WHITE).all()), bool((b >= _WHITE).all())
        blank_before, blank_after = blank_before + empty_a, blank_after + empty_b
        lost += empty_b and not empty_a
    least = float(thresholds.get("render") or 0.95)
    most = float(thresholds.get("tile") or 0.005)
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
            f"{worst_tile:.1%}",
            round(1 - worst_tile, 4),
            worst_tile <= most,
        ),
        Check("document.blank", str(blank_before), str(blank_after), float(seen), seen),
    ]


JUDGE = DocumentJudge()
