# SPDX-License-Identifier: AGPL-3.0-or-later
"""What runs on a worker. Nothing but a bug raises through Dask, and a bug is recorded too."""

from __future__ import annotations

import os
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipeline.core import isolate
from pipeline.core.records import Outcome
from pipeline.steps.file_job import process
from pipeline.steps.jobs import (
    Context,
    Failure,
    FileJob,
    FileResult,
    SurveyJob,
    SurveyResult,
)
from pipeline.steps.survey import survey


@dataclass(frozen=True, slots=True)
class Batch:
    """Work for one task: surveys or file jobs, not both."""

    surveys: tuple[SurveyJob, ...] = ()
    files: tuple[FileJob, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The results, in the batch's order."""

    surveys: tuple[SurveyResult, ...] = ()
    files: tuple[FileResult, ...] = ()


class ContextPlugin:
    """Dask WorkerPlugin: gives each worker the run's context, once, and tidies up after it."""

    name = "skanearkiv"

    def __init__(self, context: Context) -> None:
        self._context = context

    def setup(self, worker: Any) -> None:
        """Prepare a worker, also one that the nanny started anew."""
        os.environ.update(self._context.settings.environment())
        # What a killed worker's tools leave behind goes with the next run's staging folder.
        scratch = self._context.staging / "tmp"
        scratch.mkdir(exist_ok=True)
        os.environ["TMPDIR"] = os.fspath(scratch)
        tempfile.tempdir = None
        # Ctrl-C in a terminal goes to every process of the group; the coordinator alone
        # decides what it means, so that work under way can come to its end.
        if os.getsid(0) != os.getpid():
            # Refused to the leader of a process group: nothing to part from then.
            with suppress(PermissionError):
                os.setsid()
        worker.skanearkiv_context = self._context

    def teardown(self, worker: Any) -> None:
        """End the warm servers with the worker."""
        isolate.close_all()


def run_batch(batch: Batch) -> BatchResult:
    """Do a batch on the worker that this is."""
    from distributed import get_worker

    context: Context = get_worker().skanearkiv_context
    return BatchResult(
        tuple(_surveyed(job, context) for job in batch.surveys),
        tuple(_processed(job, context) for job in batch.files),
    )


def _surveyed(job: SurveyJob, context: Context) -> SurveyResult:
    try:
        return survey(job, context)
    except Exception as error:  # noqa: BLE001 - a bug of ours must cost one file, not the run
        return SurveyResult(job.file, None, None, _bug(error), ())


def _processed(job: FileJob, context: Context) -> FileResult:
    try:
        return process(job, context)
    except Exception as error:  # noqa: BLE001 - as above
        failure = _bug(error)
        return FileResult(job.file, failure.outcome, failure.code, failure.detail)


def _bug(error: Exception) -> Failure:
    lines = traceback.format_exception(error)
    return Failure(Outcome.TOOL_FAILURE, "internal.error", "".join(lines)[-1500:])
