# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is finished leaves the worker's scratch folder for the staging of the package."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.core.errors import FileError
from pipeline.steps.jobs import Context, FileResult
from pipeline.storage.packages import staging


def over(result: FileResult, context: Context, folder: Path) -> FileResult:
    """Hand over an output and its pictures; `folder` is the attempt's own in the scratch.

    Where that fails the result is one without an output, to be tried again or not as its
    outcome says.
    """
    made = result.migration
    if made is None:
        return result
    ready = [(made.staged, made.sha256), *((one.staged, one.sha256) for one in result.evidence)]
    try:
        sink = staging(context.staging, context.settings.storage)
        for name, sha256 in ready:
            sink.hand_over(folder.parent / name, name, sha256)
    except FileError as error:
        return replace(
            result, outcome=error.outcome, code=error.code, detail=error.detail,
            migration=None, target=(), checks=(), evidence=(),
        )  # fmt: skip
    return result


def tidy(result: FileResult, context: Context, folder: Path) -> None:
    """Remove what is left of an attempt, but not an output that was handed over."""
    # Without a worker's scratch the folder is the staged one itself.
    kept = folder.parent == context.staging and result.migration is not None
    for part in ("in", "work") if kept else ("",):
        shutil.rmtree(folder / part, ignore_errors=True)
