# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare two PDFs: pages, their size, what they show, their text, and what hangs on them.

Pages are read and rendered by MuPDF, once on either side; what hangs on them is read by
qpdf. A page is compared as a whole and in tiles, because a missing stamp is much of one
tile and nothing of a page's mean. docs/fidelity.md tells what each check is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core import isolate
from pipeline.core.errors import DamagedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Check, Scalar
from pipeline.core.versions import wheel_agent
from validators.fidelity import document_evidence, document_pages, document_stand_ins, parts


class DocumentJudge:
    """Judge of PDF against PDF.

    Thresholds, all 0-1: `text`, `order` and `render` are the least share of words kept, of
    words in order and of pixels unchanged per page, `tile` the largest share of one tile
    that may change, `colour` and `colour_tile` how far the hue of a page and of a cell may
    move; `tags = false` lets a lost structure tree pass, which is told all the same.

    Where a check on pages fails and `facts["workdir"]` names a folder, pictures of the
    worst pages, before and after, are left in its folder `evidence`.
    """

    name = "document"

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        return wheel_agent("pymupdf", "MuPDF"), wheel_agent("pikepdf", "qpdf")

    def compare(
        self,
        source: Path,
        target: Path,
        puid: str,
        thresholds: Mapping[str, Scalar],
        facts: Mapping[str, Scalar],
    ) -> tuple[Check, ...]:
        """Return the checks. Raises DamagedError when either cannot be opened."""
        folder = str(facts.get("workdir") or "")
        return isolate.call(Pool.LIBRARIES, compare, source, target, dict(thresholds), folder)


def compare(
    source: Path, target: Path, thresholds: Mapping[str, Scalar], workdir: str = ""
) -> tuple[Check, ...]:
    """Compare in the child; see DocumentJudge."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    limits = document_pages.Limits.of(thresholds)
    with _open(source) as before, _open(target) as after:
        counts = before.page_count, after.page_count
        same = counts[0] == counts[1]
        score = min(counts) / max(*counts, 1)
        checks = [Check("document.pages", str(counts[0]), str(counts[1]), round(score, 4), same)]
        if not same or not counts[0]:
            if workdir and counts[0]:
                document_evidence.of_counts(before, after, Path(workdir))
            return tuple(checks)
        pages = list(document_pages.compare(before, after))
        if any(page.tile > limits.tile for page in pages):
            names = parts.exchanged(source, target)
            if names:
                pages = document_stand_ins.forgiving(before, after, pages, limits, names)
        blank = all(page.blank_before for page in pages) and _nothing_drawn(source)
        checks += document_pages.checks(pages, limits, proven_blank=blank)
        if workdir and any(limits.over(page) for page in pages):
            document_evidence.of_pages(before, after, pages, limits, Path(workdir))
    checks += parts.compare(source, target, tags=thresholds.get("tags") is not False)
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


def _nothing_drawn(path: Path) -> bool:
    """Whether no page asks for anything to be drawn, and MuPDF had nothing to guess.

    What is drawn white on white, or not at all for want of a font, is something.
    """
    import pymupdf

    # Asked, not reset: MuPDF holds back a warning that repeats, of an earlier file as well,
    # and gives it away at the next one. Asking empties both.
    pymupdf.TOOLS.mupdf_warnings()
    with _open(path) as document:
        drawn = any(page.get_bboxlog() for page in document)
        return not drawn and not document.is_repaired and not pymupdf.TOOLS.mupdf_warnings()


JUDGE = DocumentJudge()
