# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run: scan, hand out batches in a bounded window, place and record what comes back.

The ledger is the checkpoint: to resume is to start again. Outputs are renamed into
place before the transaction that records them; what a crash leaves between the two is
met again by the same name and content, and adopted.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from pipeline.core.errors import FileError, RunStoppedError
from pipeline.core.records import Outcome
from pipeline.execution.feed import Feed
from pipeline.execution.outputs import Outputs
from pipeline.execution.progress import Tally, Watcher
from pipeline.execution.tasks import Batch, BatchResult, run_batch
from pipeline.ledger import rows
from pipeline.ledger.store import Ledger, SurveyedFile
from pipeline.steps.jobs import Context, FileJob, FileResult, SurveyResult


@dataclass(frozen=True, slots=True)
class _Flight:
    """A batch under way; `quarantined` when it runs alone because workers died of it."""

    batch: Batch
    quarantined: bool


class Coordinator:
    """Drives a Dask client through what the ledger says is to be done."""

    def __init__(
        self,
        client: Any,
        ledger: Ledger,
        context: Context,
        out: Path,
        watcher: Watcher,
        tally: Tally,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._context = context
        self._outputs = Outputs(out, ledger)
        self._watcher = watcher
        self._tally = tally
        self._feed = Feed(ledger, context.policy, context.settings.batches, self._copy)
        self._landed: queue.Queue[Any] = queue.Queue()
        self._flights: dict[Any, _Flight] = {}
        self._suspects: list[Batch] = []
        self._draining = False

    def run(self, window: int) -> bool:
        """Work until all is done; return False if it was interrupted and drained."""
        with self._interruptible():
            while True:
                self._fill(window)
                if not self._flights:
                    return not self._draining
                try:
                    future = self._landed.get(timeout=0.5)
                except queue.Empty:
                    self._watcher.progress(self._tally)
                    self._check_alive()
                    continue
                self._land(future, self._flights.pop(future))
                self._watcher.progress(self._tally)

    def _fill(self, window: int) -> None:
        while not self._draining and len(self._flights) < window:
            batch = self._feed.next()
            if batch is not None:
                self._submit(batch, quarantined=False)
                continue
            if self._suspects and not self._flights:
                # One suspect at a time and nothing beside it: whoever dies now is guilty.
                self._submit(self._suspects.pop(0), quarantined=True)
            return

    def _submit(self, batch: Batch, *, quarantined: bool) -> None:
        future = self._client.submit(run_batch, batch, pure=False)
        self._flights[future] = _Flight(batch, quarantined)
        future.add_done_callback(self._landed.put)

    def _check_alive(self) -> None:
        if self._client.status != "running":
            raise RunStoppedError("the connection to Dask's scheduler is lost; run it again")

    def _land(self, future: Any, flight: _Flight) -> None:
        from distributed import KilledWorker

        if future.status == "finished":
            result: BatchResult = future.result()
            self._surveyed(result.surveys)
            jobs = {job.file: job for job in flight.batch.files}
            for one in result.files:
                self._finished(jobs[one.file], one)
            future.release()
            return
        error = future.exception() if future.status == "error" else None
        if isinstance(error, KilledWorker):
            self._suspect(flight)
        else:
            raise RunStoppedError(f"Dask could not run a task ({error or future.status})")

    def _suspect(self, flight: _Flight) -> None:
        """Workers died of a batch: try its files one by one, or record the guilty one."""
        batch = flight.batch
        if not flight.quarantined:
            self._suspects.extend(Batch(surveys=(job,)) for job in batch.surveys)
            self._suspects.extend(Batch(files=(job,)) for job in batch.files)
            return
        detail = "every worker that was given this file died, also alone"
        for survey in batch.surveys:
            self._ledger.failed(survey.file, Outcome.CRASH, "file.crash", detail)
            self._count(Outcome.CRASH, survey.size)
        for job in batch.files:
            result = FileResult(job.file, Outcome.CRASH, "file.crash", detail)
            self._finished(job, result)

    def _surveyed(self, results: tuple[SurveyResult, ...]) -> None:
        if not results:
            return
        found = [
            rows.Surveyed(
                one.file,
                one.digest.sha256 if one.digest else None,
                one.digest.sha512 if one.digest else None,
                one.identification,
                one.failure.outcome if one.failure else None,
                one.failure.code if one.failure else "",
                one.failure.detail if one.failure else "",
                one.events,
            )
            for one in results
        ]
        self._feed.add(self._ledger.surveyed(found))
        self._tally.surveyed += len(results)
        for one in results:
            if one.failure is not None:
                self._count(one.failure.outcome, one.digest.size if one.digest else 0)

    def _finished(self, job: FileJob, result: FileResult) -> None:
        """Place a result's output, record it, and the same for files of the same content."""
        output = ""
        good = result.outcome is Outcome.OK
        migration = result.migration
        pictures: tuple[rows.Picture, ...] = ()
        if migration is not None:
            staged = self._context.staging / migration.staged
            try:
                output = self._outputs.place(
                    staged, migration.sha256, job.file, job.generation, job.raw,
                    f".{migration.extension}", good=good,
                )  # fmt: skip
                result, pictures = self._shown(result, output)
            except FileError as error:
                output = ""
                result = replace(
                    result, outcome=error.outcome, code=error.code, detail=error.detail,
                    migration=None, target=(), checks=(), evidence=(),
                )  # fmt: skip
            shutil.rmtree(staged.parent.parent, ignore_errors=True)
        waiting = self._feed.finished(job)
        twins: list[tuple[int, str]] = []
        again: list[SurveyedFile] = []
        for twin in waiting:
            if result.outcome.transient:
                again.append(twin)
            else:
                name = self._linked(output, result, twin)
                (again.append(twin) if name is None else twins.append((twin.file, name)))
        row = _row(result, output, pictures, self._context.policy.sha256)
        self._ledger.finished(row, twins)
        self._feed.add(again)
        self._count(result.outcome, job.size)
        sizes = {twin.file: twin.size for twin in waiting}
        for file, _ in twins:
            self._count(result.outcome, sizes[file])

    def _shown(
        self, result: FileResult, output: str
    ) -> tuple[FileResult, tuple[rows.Picture, ...]]:
        """Place the pictures that show what differs.

        Raises FileError where the next run may succeed, so that the file is tried again;
        else an output is worth more than its pictures, and their lack is told.
        """
        placed: list[rows.Picture] = []
        for one in result.evidence:
            try:
                path = self._outputs.place_evidence(self._context.staging, output, one)
            except FileError as error:
                if error.outcome.transient:
                    raise
                detail = f"{result.detail}; {one.name} could not be kept: {error.detail}"
                return replace(result, detail=detail), tuple(placed)
            placed.append(rows.Picture(path, one.size, one.sha256))
        return result, tuple(placed)

    def _linked(self, output: str, result: FileResult, twin: SurveyedFile) -> str | None:
        if not output or result.migration is None:
            return ""
        try:
            return self._outputs.link(
                output, result.migration.sha256, twin.file, twin.generation, twin.raw,
                f".{result.migration.extension}", good=result.outcome is Outcome.OK,
            )  # fmt: skip
        except FileError:
            # No room, or a file system without links: the twin is worked on by itself,
            # and whatever stands in the way is recorded with it then.
            return None

    def _copy(self, origin: int, twin: SurveyedFile) -> bool:
        """Record for a file what an earlier one of the same content came to.

        Returns False where the earlier one's output cannot be shared, e.g. because somebody
        took it away: the file is then worked on by itself.
        """
        made = self._ledger.output_of(origin)
        output = ""
        if made is not None:
            existing, sha256, accepted, suffix = made
            try:
                output = self._outputs.link(
                    existing, sha256, twin.file, twin.generation, twin.raw, suffix, good=accepted
                )
            except FileError:
                return False
        self._ledger.copied(origin, twin.file, output)
        self._count(self._ledger.outcome_of(twin.file), twin.size)
        return True

    def _count(self, outcome: Outcome, size: int) -> None:
        self._tally.done += 1
        self._tally.done_bytes += size
        self._tally.outcomes[outcome.value] += 1

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C, or SIGTERM, once: finish what is under way. Twice: stop at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, _frame: FrameType | None) -> None:
            if self._draining:
                raise KeyboardInterrupt
            self._draining = True
            name = signal.Signals(number).name
            self._watcher.say(
                f"{name}: finishing {len(self._flights)} batches under way; once more stops at once"
            )

        old = {one: signal.signal(one, handle) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in old.items():
                signal.signal(one, handler)


def _row(
    result: FileResult, output: str, pictures: tuple[rows.Picture, ...], policy_sha256: str
) -> rows.Finished:
    return rows.Finished(
        file=result.file,
        outcome=result.outcome,
        code=result.code,
        detail=result.detail,
        validations=result.validations,
        decision=result.decision,
        policy_sha256=policy_sha256,
        migration=result.migration,
        output=output,
        target=result.target,
        checks=result.checks,
        events=result.events,
        seconds=result.seconds,
        evidence=pictures,
    )


def worker_count(asked: int) -> int:
    """Return how many workers to start: as asked, or one per core that we may use."""
    return asked or len(os.sched_getaffinity(0))
