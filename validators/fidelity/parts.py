# SPDX-License-Identifier: AGPL-3.0-or-later
"""What hangs on a PDF besides its pages' pictures and text; runs in the child."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from pipeline.core.records import Check

_OWN = frozenset({"Link", "Widget", "Popup", "FileAttachment"})  # counted elsewhere, or shown


def compare(before: Any, after: Any, *, tags: bool) -> list[Check]:
    """Return a check for each kind of thing that the source has; more than before is no loss.

    `tags`: whether the loss of the structure tree fails its check.
    """
    checks = _attachments(before, after)
    for name, count in _COUNTED:
        had = count(before)
        if had:
            has = count(after)
            score = round(min(has / had, 1.0), 4)
            passed = has >= had or (name == "document.tags" and not tags)
            note = "lost" if passed and has < had else ""
            checks.append(Check(name, str(had), str(has), score, passed, note))
    return checks


def _attachments(before: Any, after: Any) -> list[Check]:
    """Compare attached files by content."""
    had, has = _attached(before), _attached(after)
    if not had:
        return []
    total, kept = sum(had.values()), sum((had & has).values())
    score = round(kept / total, 4)
    return [Check("document.attachments", str(total), str(kept), score, kept == total)]


def _attached(document: Any) -> Counter[str]:
    found = [document.embfile_get(name) for name in document.embfile_names()]
    for page in document:
        found.extend(one.get_file() for one in page.annots() if one.type[1] == "FileAttachment")
    return Counter(hashlib.sha256(data).hexdigest() for data in found)


def _has(document: Any, key: str) -> int:
    kind, _ = document.xref_get_key(document.pdf_catalog(), key)
    return int(kind != "null")


def _annotations(document: Any) -> int:
    return sum(one.type[1] not in _OWN for page in document for one in page.annots())


_COUNTED: tuple[tuple[str, Callable[[Any], int]], ...] = (
    ("document.links", lambda d: sum(len(page.get_links()) for page in d)),
    ("document.outline", lambda d: len(d.get_toc(simple=True))),
    ("document.fields", lambda d: sum(1 for page in d for _ in page.widgets())),
    ("document.annotations", _annotations),
    ("document.layers", lambda d: len(d.get_ocgs())),
    ("document.xfa", lambda d: _has(d, "AcroForm/XFA")),
    ("document.tags", lambda d: _has(d, "StructTreeRoot")),
    ("document.language", lambda d: _has(d, "Lang")),
)
