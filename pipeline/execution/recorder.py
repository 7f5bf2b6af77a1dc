# SPDX-License-Identifier: AGPL-3.0-or-later
"""What comes back of a batch: placed, recorded, counted, and the same for its twins.

The outputs of a batch are renamed into place before the one transaction that records them;
what a crash leaves between the two is met again by the same name and content, and adopted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.core.errors import FileError, LedgerBusyError, RunStoppedError
from pipeline.core.records import Outcome
from pipeline.execution.feed import Feed
from pipeline.execution.lookout import Lookout
from pipeline.execution.outputs import Outputs
from pipeline.execution.placed import Placed, row
from pipeline.execution.progress import Watcher
from pipeline.execution.room import Disks
from pipeline.execution.tasks import Batch, BatchResult
from pipeline.ledger import rows
from pipeline.ledger.store import Ledger, SurveyedFile
from pipeline.steps.jobs import Context, FileJob, FileResult, SurveyResult
from pipeline.storage.place import Place

_LEDGER_WAIT = 5.0
_COPIES = 500  # that are recorded at once


class Recorder:
    """Keeps the ledger of a run, and knows what is to be done next."""

    def __init__(
        self,
        ledger: Ledger,
        context: Context,
        out: Place,
        watcher: Watcher,
        disks: Disks,
        lookout: Lookout,
        ending: Callable[[], bool],
    ) -> None:
        self._disks = disks
        self._ledger = ledger
        self._policy = context.policy.sha256
        self._outputs = Outputs(out, ledger, context.settings.storage, watcher.say)
        self._watcher = watcher
        self._tally = lookout.tally
        self._lookout = lookout
        self._ending = ending
        self._feed = Feed(ledger, context.settings, lookout.estimates, self._copy)
        self._again: deque[Batch] = deque()
        self._copies: list[tuple[int, SurveyedFile, str]] = []

    def next(self) -> Batch | None:
        """Return what is to be done next; None: nothing at present."""
        if self._again:
            return self._again.popleft()
        batch = self._feed.next()
        self._record_copies()
        return batch

    def again(self, batch: Batch) -> None:
        """Have a batch done once more, before what is new."""
        self._again.append(batch)

    def landed(self, batch: Batch, result: BatchResult) -> None:
        """Record all of a batch.

        Raises RunStoppedError when there is no use in going on, and LedgerBusyError when
        the ledger stays out of reach while the run is to end.
        """
        jobs = {job.file: job for job in batch.files}
        self._lookout.landed(result)
        self._recorded(lambda: self._surveyed(batch, result.surveys))
        self._finished([(jobs[one.file], one) for one in result.files])

    def guilty(self, batch: Batch) -> None:
        """Record of a file that it is what workers die of."""
        detail = "every worker that was given this file died, also alone"
        for survey in batch.surveys:
            self._ledger.failed(survey.file, Outcome.CRASH, "file.crash", detail)
            self._lookout.guilty(survey, Outcome.CRASH, "file.crash")
            self._count(Outcome.CRASH, survey.size)
        for job in batch.files:
            result = FileResult(job.file, Outcome.CRASH, "file.crash", detail)
            self._finished([(job, result)])

    def _recorded(self, record: Callable[[], None]) -> None:
        """Write to the ledger; wait while its disk is full or another program holds it.

        Raises RunStoppedError when that does not end, or Ctrl-C wants an end.
        """
        while True:
            try:
                record()
                return
            except LedgerBusyError as error:
                if self._ending():
                    raise
                self._watcher.say(f"paused: {error}")
                time.sleep(_LEDGER_WAIT)

    def _surveyed(self, batch: Batch, results: tuple[SurveyResult, ...]) -> None:
        full = {
            one.file: one.failure.detail
            for one in results
            if one.failure and one.failure.outcome is Outcome.DISK_FULL
        }
        full = {file: detail for file, detail in full.items() if self._disks.met_full(file, detail)}
        if full:
            again = tuple(job for job in batch.surveys if job.file in full)
            self._again.append(Batch(surveys=again))
        results = tuple(one for one in results if one.file not in full)
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
                one.measures,
            )
            for one in results
        ]
        self._feed.add(self._ledger.surveyed(found))
        self._tally.surveyed += len(results)
        surveys = {job.file: job for job in batch.surveys}
        for one in results:
            self._lookout.surveyed(surveys[one.file], one)
            if one.failure is not None:
                self._count(one.failure.outcome, one.digest.size if one.digest else 0)
        for one in results:
            if one.failure is not None:
                _stop_without_storage(one.failure.outcome, one.failure.detail)

    def _finished(self, found: Sequence[tuple[FileJob, FileResult]]) -> None:
        """Place the outputs of files, record them all, and the same for their twins."""
        placed: list[Placed] = []
        try:
            for job, result in found:
                one = self._placed(job, result)
                if one is not None:
                    placed.append(one)
        finally:
            # Also when the output folder has become unwritable half-way: what is placed counts.
            if placed:
                self._record(placed)
        for one in placed:
            _stop_without_storage(one.result.outcome, one.result.detail)

    def _placed(self, job: FileJob, result: FileResult) -> Placed | None:
        """Place a result's output, and the same for its twins; None: it must be done again."""
        output = ""
        good = result.outcome is Outcome.OK
        migration = result.migration
        pictures: tuple[rows.Picture, ...] = ()
        if migration is not None:
            try:
                output = self._outputs.place(
                    migration.staged, migration.sha256, job.file, job.generation, job.raw,
                    f".{migration.extension}", good=good,
                )  # fmt: skip
                result, pictures = self._shown(result, output)
            except FileError as error:
                output = ""
                result = replace(
                    result, outcome=error.outcome, code=error.code, detail=error.detail,
                    migration=None, target=(), checks=(), evidence=(),
                )  # fmt: skip
        if result.outcome is Outcome.DISK_FULL and self._disks.met_full(job.file, result.detail):
            if migration is not None:
                self._outputs.discard(migration.staged)
            self._again.append(Batch(files=(job,)))
            return None
        twins: list[tuple[SurveyedFile, str]] = []
        again: list[SurveyedFile] = []
        for twin in self._feed.finished(job):
            name = None if result.outcome.transient else self._linked(output, result, twin)
            (again.append(twin) if name is None else twins.append((twin, name)))
        return Placed(
            job, result, row(result, output, pictures, self._policy),
            migration.staged if migration is not None else "", tuple(twins), tuple(again),
        )  # fmt: skip

    def _record(self, placed: Sequence[Placed]) -> None:
        ends = [(one.row, [(twin.file, name) for twin, name in one.twins]) for one in placed]
        self._recorded(lambda: self._ledger.finished(ends))
        self._outputs.recorded()
        for one in placed:
            if one.staged:
                # Not before: in object storage the staged one is what a copy is made from.
                self._outputs.discard(one.staged)
            self._feed.add(list(one.again))
            self._count(one.result.outcome, one.job.size)
            self._lookout.finished(one.job, one.result)
            for twin, _ in one.twins:
                self._count(one.result.outcome, twin.size)
                self._lookout.same(twin, one.result.outcome, one.result.code, one.job.file)

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
                path = self._outputs.place_evidence(output, one)
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
        """Give a file what an earlier one of the same content came to; it is recorded soon.

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
        self._copies.append((origin, twin, output))
        if len(self._copies) >= _COPIES:
            self._record_copies()
        return True

    def _record_copies(self) -> None:
        if not self._copies:
            return
        copies, self._copies = self._copies, []
        found = [(origin, twin.file, output) for origin, twin, output in copies]
        self._recorded(lambda: self._ledger.copied(found))
        self._outputs.recorded()
        for origin, twin, _ in copies:
            outcome, code = self._ledger.end_of(twin.file)
            self._count(outcome, twin.size)
            self._lookout.same(twin, outcome, code, origin)

    def _count(self, outcome: Outcome, size: int) -> None:
        self._tally.done += 1
        self._tally.done_bytes += size
        self._tally.outcomes[outcome.value] += 1


def _stop_without_storage(outcome: Outcome, detail: str) -> None:
    """Raise RunStoppedError where a worker has waited in vain: every other would wait anew."""
    if outcome is Outcome.STORAGE:
        raise RunStoppedError(
            f"the storage is away ({detail}); run the same command again when it answers: "
            "nothing is lost"
        )
