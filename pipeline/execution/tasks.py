# SPDX-License-Identifier: AGPL-3.0-or-later
"""What runs on a worker. Nothing but a bug raises through Dask, and a bug is recorded too."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.core import isolate, measuring, sandbox, warm
from pipeline.core.records import Outcome
from pipeline.execution import slots
from pipeline.execution.clusters import proof
from pipeline.execution.clusters.gate import TOPIC
from pipeline.execution.clusters.proof import Proof
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
from pipeline.storage.scratch import Scratch

_HIRING = 180.0  # seconds: starting Java and asking each tool for its version among them


def plugin_name(client: str) -> str:
    """Return the name of a run's plugin, by the name of its client."""
    return f"skanearkiv-{client}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Work for one task: surveys or file jobs, not both."""

    surveys: tuple[SurveyJob, ...] = ()
    files: tuple[FileJob, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The results, in the batch's order, and who did it.

    `starts`: how often the worker's process has started each warm server, by name.
    """

    surveys: tuple[SurveyResult, ...] = ()
    files: tuple[FileResult, ...] = ()
    worker: str = ""
    host: str = ""
    starts: tuple[tuple[str, int], ...] = ()


class NotReadyError(Exception):
    """A worker was given work before it could take it, or after it was refused."""


@dataclass(slots=True)
class Hired:
    """What a worker has of the run that it works for; `ready` when it is known whether it may."""

    context: Context
    ready: threading.Event = field(default_factory=threading.Event)
    refused: tuple[str, ...] = ()


class ContextPlugin:
    """Dask WorkerPlugin: gives each worker the run's context, once, and tidies up after it.

    `client` names the run's client; `expected` is what a worker must prove to have, None
    where the coordinator started it itself on its own machine; `token` is what the
    coordinator left in the staging folder, empty where workers need not see that.
    """

    def __init__(
        self, context: Context, client: str, expected: Proof | None = None, token: str = ""
    ) -> None:
        self._context = context
        self._client = client
        self._expected = expected
        self._token = token
        self._scratch: Scratch | None = None
        self.name = plugin_name(client)

    async def setup(self, worker: Any) -> None:
        """Prepare a worker, also one that the nanny started anew, and see whether it may work."""
        hired = worker.skanearkiv = Hired(self._context)
        # In a thread: asking every tool for its version takes seconds, and a worker that
        # is silent for so long is taken for lost.
        try:
            hired.refused = await asyncio.to_thread(self._hire, hired)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told by name
            hired.refused = (f"{type(error).__name__}: {error}",)
        hired.ready.set()
        told = {"client": self._client, "host": socket.gethostname(), "worker": worker.address}
        worker.log_event(TOPIC, {**told, "refused": list(hired.refused)})
        if hired.refused:
            # Not at once: the event is still on its way.
            worker.loop.call_later(2, worker.close, nanny=True, reason="skanearkiv-refused")

    def _hire(self, hired: Hired) -> tuple[str, ...]:
        unseen: tuple[str, ...] = ()
        if self._token and isinstance(self._context.staging, Path):
            unseen = proof.unseen(self._context.staging, self._token)
        if unseen:
            return unseen
        hired.context = self._prepare()
        if self._expected is None:
            return ()
        return proof.differences(self._expected, proof.collect(self._context.policy))

    def _prepare(self) -> Context:
        os.environ.update(self._context.settings.environment())
        # What is finished leaves it before the next file is begun, out of reach of the tools.
        self._scratch = Scratch(self._context.scratch_root())
        sandbox.writable(self._scratch.folder)
        source = self._context.source
        sandbox.readable(*([source] if isinstance(source, Path) else []))
        # Ctrl-C in a terminal goes to every process of the group; the coordinator alone
        # decides what it means, so that work under way can come to its end.
        if os.getsid(0) != os.getpid():
            # Refused to the leader of a process group: nothing to part from then.
            with suppress(PermissionError):
                os.setsid()
        return replace(self._context, scratch=self._scratch.folder)

    def teardown(self, worker: Any) -> None:
        """End the warm servers with the worker, and remove what it had in hand."""
        isolate.close_all()
        if self._scratch is not None:
            self._scratch.close()


def run_batch(batch: Batch) -> BatchResult:
    """Do a batch on the worker that this is. Raises NotReadyError where it may not."""
    from distributed import get_worker

    context = _context()
    with slots.held(context.settings.room.memory_mib):
        surveys = tuple(_surveyed(job, context) for job in batch.surveys)
        files = tuple(_processed(job, context) for job in batch.files)
    # The process's number beside the address: a worker that the nanny starts anew keeps that.
    worker = f"{get_worker().address}#{os.getpid()}"
    starts = tuple(sorted(warm.STARTS.items()))
    return BatchResult(surveys, files, worker, socket.gethostname(), starts)


def _context() -> Context:
    from distributed import get_worker

    end = time.monotonic() + _HIRING
    while time.monotonic() < end:
        # A worker may be given work before it was told for whom.
        hired: Hired | None = getattr(get_worker(), "skanearkiv", None)
        if hired is not None and hired.ready.wait(1):
            if hired.refused:
                raise NotReadyError("refused")
            return hired.context
        time.sleep(0.05)
    raise NotReadyError("it was never told for whom it works")


def _surveyed(job: SurveyJob, context: Context) -> SurveyResult:
    with measuring.recorded() as found:
        try:
            with measuring.stage(measuring.SURVEY):
                result = survey(job, context)
        except Exception as error:  # noqa: BLE001 - a bug of ours must cost one file, not the run
            result = SurveyResult(job.file, None, None, _bug(error), ())
    return replace(result, measures=tuple(found))


def _processed(job: FileJob, context: Context) -> FileResult:
    with measuring.recorded() as found:
        try:
            with measuring.stage(measuring.FILE):
                result = process(job, context)
        except Exception as error:  # noqa: BLE001 - as above
            failure = _bug(error)
            result = FileResult(job.file, failure.outcome, failure.code, failure.detail)
    return replace(result, measures=tuple(found))


def _bug(error: Exception) -> Failure:
    lines = traceback.format_exception(error)
    return Failure(Outcome.TOOL_FAILURE, "internal.error", "".join(lines)[-1500:])
