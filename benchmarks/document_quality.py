# SPDX-License-Identifier: AGPL-3.0-or-later
"""Is a converted PDF valid, the same, and complete? Measured by rules of its own.

Not by the product's judges, whose verdict is part of what is measured. Definitions:
valid: veraPDF finds no broken rule of the PDF/A that the file claims (some part of it);
faithful: as many pages, at least 95 % of the words, no page (72 dpi) with 5 % of its
pixels off by more than 64 of 255; all kept: faithful, and no link, bookmark, attachment,
form field or tag tree less than before.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DPI = 72
_STEP = 64
_SHARE = 0.05
_WORDS = 0.95
_NEAR = 2  # pixels of width or height


@dataclass(frozen=True, slots=True)
class Quality:
    """What was found of one output; `lost` names what is less than before."""

    faithful: bool
    kept: bool
    blank: bool
    why: str
    lost: tuple[str, ...]


def opens(path: Path) -> bool:
    """Whether qpdf and MuPDF can open a PDF without a password, and it has pages."""
    import pikepdf
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    try:
        with (
            pikepdf.open(path, suppress_warnings=True) as one,
            pymupdf.open(path, filetype="pdf") as other,
        ):
            return len(one.pages) > 0 and other.page_count > 0
    except (
        pikepdf.PdfError, pikepdf.PasswordError, RuntimeError, ValueError, TypeError, KeyError,
    ):  # fmt: skip
        return False


def compare(source: Path, made: Path) -> Quality:
    """Compare an output with its source. Raises ValueError if either cannot be read."""
    import pikepdf

    try:
        return _compare(source, made)
    except (pikepdf.PdfError, pikepdf.PasswordError, RuntimeError, TypeError, KeyError) as error:
        raise ValueError(f"{type(error).__name__}: {error}"[:200]) from None


def _compare(source: Path, made: Path) -> Quality:
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    with (
        pymupdf.open(source, filetype="pdf") as before,
        pymupdf.open(made, filetype="pdf") as after,
    ):
        if before.needs_pass:
            before.authenticate("")
        why = _pages(before, after) or _words(before, after)
        blank = False
        if not why:
            why, blank = _pixels(before, after)
        had, has = _counts(before, source), _counts(after, made)
        lost = tuple(f"{name} {had[name]}-{has[name]}" for name in had if has[name] < had[name])
    return Quality(not why, not why and not lost, blank, why, lost)


def _pages(before: Any, after: Any) -> str:
    same = before.page_count == after.page_count
    return "" if same else f"{after.page_count} pages instead of {before.page_count}"


def _words(before: Any, after: Any) -> str:
    one, other = (
        Counter(word for page in document for word in re.findall(r"\w+", page.get_text()))
        for document in (before, after)
    )
    count = sum(one.values())
    share = sum((one & other).values()) / count if count else 1.0
    return "" if share >= _WORDS else f"{share:.0%} of {count} words"


def _pixels(before: Any, after: Any) -> tuple[str, bool]:
    """Return (what is wrong or "", whether a page became blank that was not)."""
    import numpy as np

    worst, blank = 0.0, False
    for one, other in zip(before, after, strict=True):
        a, b = _shown(one), _shown(other)
        if abs(a.shape[0] - b.shape[0]) > _NEAR or abs(a.shape[1] - b.shape[1]) > _NEAR:
            return (
                f"a page of {b.shape[1]} x {b.shape[0]} instead of {a.shape[1]} x {a.shape[0]}",
                False,
            )
        height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
        a, b = a[:height, :width].astype(np.int16), b[:height, :width].astype(np.int16)
        worst = max(worst, float((np.abs(a - b).max(axis=2) > _STEP).mean()))
        blank = blank or bool(b.min(initial=255) >= 250 > a.min(initial=255))
    return ("" if worst < _SHARE else f"{worst:.0%} of a page's pixels"), blank


def _shown(page: Any) -> Any:
    import numpy as np
    import pymupdf

    image = page.get_pixmap(dpi=_DPI, alpha=False, colorspace=pymupdf.csRGB)
    data = np.frombuffer(image.samples, np.uint8)
    return data.reshape(image.h, image.stride)[:, : image.w * 3].reshape(image.h, image.w, 3)


def _counts(document: Any, path: Path) -> dict[str, int]:
    import pikepdf

    with pikepdf.open(path, suppress_warnings=True) as structure:
        form = structure.Root.get("/AcroForm")
        fields = form.get("/Fields") if isinstance(form, pikepdf.Dictionary) else None
        return {
            "links": sum(len(page.get_links()) for page in document),
            "bookmarks": len(document.get_toc(simple=True)),
            "attachments": len(structure.attachments),
            "fields": _leaves(fields, 0) if fields is not None else 0,
            "tags": int("/StructTreeRoot" in structure.Root),
        }


def _leaves(fields: Any, depth: int) -> int:
    """Count terminal fields; a kid without a name is a widget of its parent (12.7.3.1)."""
    import pikepdf

    count = 0
    for one in fields if isinstance(fields, pikepdf.Array) else ():
        kids = one.get("/Kids") if isinstance(one, pikepdf.Dictionary) else None
        named = [kid for kid in kids or () if isinstance(kid, pikepdf.Dictionary) and "/T" in kid]
        count += _leaves(pikepdf.Array(named), depth + 1) if named and depth < 20 else 1
    return count
