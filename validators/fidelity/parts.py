# SPDX-License-Identifier: AGPL-3.0-or-later
"""What hangs on a PDF besides its pages' pictures and text; runs in the child.

Read with pikepdf, which gives the objects as they stand in the file: MuPDF leaves out
what it would not show, and a hidden note is as much of a record as a visible one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pipeline.core.errors import DamagedError, PasswordError
from pipeline.core.records import Check
from validators.fidelity import document_annotations as on_pages
from validators.fidelity import document_catalogue as catalogue
from validators.fidelity import document_fonts as fonts

_T = TypeVar("_T")

_SHOWN = 4  # things that are told by name
_LONGEST = 100

_COUNTED: tuple[tuple[str, Callable[[Any], Counter[str]]], ...] = (
    ("document.attachments", on_pages.attachments),
    ("document.links", on_pages.links),
    ("document.outline", catalogue.outline),
    ("document.fields", on_pages.fields),
    ("document.annotations", on_pages.others),
    ("document.media", on_pages.media),
    ("document.actions", catalogue.actions),
    ("document.layers", catalogue.layers),
    ("document.xfa", catalogue.xfa),
    ("document.labels", catalogue.labels),
    ("document.metadata", catalogue.metadata),
    ("document.language", catalogue.language),
)


def compare(source: Path, target: Path, *, tags: bool) -> list[Check]:
    """Return a check for each kind of thing that the source has; more than before is no loss.

    `tags`: whether the loss of the structure tree fails its check. Raises DamagedError,
    PasswordError.
    """
    return _of_both(source, target, lambda before, after: _compare(before, after, tags=tags))


def exchanged(source: Path, target: Path) -> set[str]:
    """Return the fonts that were exchanged for others of the same widths. Raises as `compare`."""
    return _of_both(
        source, target, lambda before, after: fonts.exchanged(fonts.read(before), fonts.read(after))
    )


def _of_both(source: Path, target: Path, ask: Callable[[Any, Any], _T]) -> _T:
    import pikepdf

    try:
        with (
            pikepdf.open(source, suppress_warnings=True) as before,
            pikepdf.open(target, suppress_warnings=True) as after,
        ):
            return ask(before, after)
    except pikepdf.PasswordError as error:
        raise PasswordError(str(error)[:300], "pdf.password") from error
    except pikepdf.PdfError as error:
        raise DamagedError(str(error)[-300:], "pdf.damaged") from error


def _compare(before: Any, after: Any, *, tags: bool) -> list[Check]:
    checks = [_kept(name, had, read(after)) for name, read in _COUNTED if (had := read(before))]
    checks += _tags(catalogue.tags(before), catalogue.tags(after), strict=tags)
    return checks + fonts.check(fonts.read(before), fonts.read(after))


def _kept(name: str, had: Counter[str], has: Counter[str]) -> Check:
    lost = had - has
    total, kept = sum(had.values()), sum((had & has).values())
    told = "; ".join(one[:_LONGEST] for one in sorted(lost)[:_SHOWN])
    if len(lost) > _SHOWN:
        told += f"; and {len(lost) - _SHOWN} more"
    note = f"lost or changed: {told}" if lost else ""
    return Check(name, str(total), str(kept), round(kept / total, 4), not lost, note)


def _tags(had: tuple[int, int, int], has: tuple[int, int, int], *, strict: bool) -> list[Check]:
    """Compare structure trees; elements that a page's rewriting cut off are lost as well."""
    if not had[0]:
        return []
    score = min(min(b / a, 1.0) for a, b in zip(had, has, strict=True) if a)
    whole = score == 1.0
    note = "" if whole else "lost" if has[0] == 0 else "lost in part"
    then, now = (f"{pages} pages, {elements} elements" for _, pages, elements in (had, has))
    return [Check("document.tags", then, now, round(score, 4), whole or not strict, note)]
