# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was changed since a signature was given, and whether it permits that.

pyHanko compares the revisions of a file object by object (its difference analysis) and
tells forms filled in, further signatures and data for long-term validation from anything
else; what it cannot explain counts as changed. ISO 32000-2, 12.8.2.2 (DocMDP).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel
from pyhanko.sign.validation.status import SignatureCoverageLevel

from pipeline.core.signed import Signature, SignatureCoverage, SignatureStatus

_TEXT = 300


def compared(
    told: Signature, embedded: Any, covers: SignatureCoverage, deadline: float
) -> Signature:
    """Return a signature with its coverage, later changes, and the status they leave it.

    That is ALTERED, PARTIAL, CHANGED_AFTER, or INTACT_UNTRUSTED until its chain is judged.
    After `deadline`, on the monotonic clock, nothing is compared any more.
    """
    if covers is SignatureCoverage.REVISION:
        embedded.coverage = embedded.evaluate_signature_coverage()
        if embedded.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
            covers = SignatureCoverage.UNCLEAR
    told = replace(told, coverage=covers)
    if not (told.intact and told.holds):
        why = "the signature does not fit the key" if told.intact else "the digest differs"
        return replace(told, status=SignatureStatus.ALTERED, reason=why)
    if covers is SignatureCoverage.UNCLEAR:
        why = "the byte range leaves more unsigned than the signature's own value"
        return replace(told, status=SignatureStatus.PARTIAL, reason=why)
    changes, why = ("none", "")
    if covers is SignatureCoverage.REVISION:
        changes, why = _changes(embedded, deadline)
    status = SignatureStatus.CHANGED_AFTER if why else SignatureStatus.INTACT_UNTRUSTED
    return replace(told, changes=changes, status=status, reason=why)


def _changes(embedded: Any, deadline: float) -> tuple[str, str]:
    """Return (level of the changes, why they are not permitted or "")."""
    if time.monotonic() > deadline:
        return "", "what was changed since was not examined: there was no time left"
    difference = embedded.evaluate_modifications(DEFAULT_DIFF_POLICY)
    if not isinstance(difference, DiffResult):
        return "other", " ".join(str(difference).split())[:_TEXT] or type(difference).__name__
    level = difference.modification_level
    permitted = embedded.docmdp_level
    name = str(level.name).lower()
    if level is ModificationLevel.OTHER or (permitted and level.value > permitted.value):
        return name, f"later changes ({name}) are more than the signature permits"
    return name, ""
