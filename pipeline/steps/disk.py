# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a full disk is to blame for must not stand as the file's fault."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.core.budget import MIB
from pipeline.core.records import Action, Outcome
from pipeline.steps.jobs import FileJob, FileResult

# Tools that cannot write abort, or report whatever they like. So near to full, nothing
# that failed is proven.
_ROOM = 64 * MIB
_MAYBE_DISK = frozenset(
    {Outcome.CRASH, Outcome.TOOL_FAILURE, Outcome.NOT_CONVERTED, Outcome.DAMAGED}
)


def blamed(result: FileResult, job: FileJob, folder: Path) -> FileResult:
    """Return a failure of a migration as `disk_full` where the disk is about to be."""
    tried = result.decision is not None and result.decision.action is Action.MIGRATE
    if not tried or result.migration is not None or result.outcome not in _MAYBE_DISK:
        return result
    free = shutil.disk_usage(folder).free
    if free > max(_ROOM, 2 * job.size):
        return result
    detail = f"{free // MIB} MiB left on the disk; {result.detail}"
    return replace(result, outcome=Outcome.DISK_FULL, code="file.disk_full", detail=detail)
