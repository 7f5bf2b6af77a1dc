# SPDX-License-Identifier: AGPL-3.0-or-later
"""From the coordinator's hands to all who watch, and to the estimates."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from pipeline.core.paths import display
from pipeline.core.records import Outcome
from pipeline.execution.clusters.gate import Gate
from pipeline.execution.estimates import Estimates, Remaining
from pipeline.execution.progress import Tally
from pipeline.execution.room import Disks
from pipeline.execution.tasks import BatchResult
from pipeline.ledger.store import Ledger, SurveyedFile
from pipeline.steps.jobs import FileJob, FileResult, SurveyJob, SurveyResult
from pipeline.watching.facts import Ended, State
from pipeline.watching.watch import Watch

# Until so long has passed, the pace so far says less than what was measured of each kind.
_WARM = 20.0


class Lookout:
    """Knows what is left to do, and tells of what is done."""

    def __init__(
        self, watch: Watch, ledger: Ledger, estimates: Estimates, tally: Tally, folders: list[Path]
    ) -> None:
        self._watch = watch
        self.estimates = estimates
        self._remaining = Remaining(estimates, ledger.database)
        self.tally = tally
        self._folders = folders
        self._started = time.monotonic()
        self._worker = self._host = ""

    def landed(self, result: BatchResult) -> None:
        """Take who did the work that is recorded next."""
        self._worker, self._host = result.worker, result.host
        self._watch.started(result.worker, result.starts)

    def surveyed(self, job: SurveyJob, result: SurveyResult) -> None:
        """Take the survey of a file."""
        puid = result.identification.puid if result.identification else None
        size = result.digest.size if result.digest else job.size
        self.estimates.measured(puid, size, result.measures)
        failure = result.failure
        one = Ended(
            job.file, display(job.raw), size, failure.outcome.value if failure else "",
            failure.code if failure else "", result.digest.sha256 if result.digest else "",
            puid or "", result.measures, self._worker, self._host,
        )  # fmt: skip
        if failure is not None:
            self._watch.ended(one)
            return
        self._remaining.identified(puid, size)
        self._watch.surveyed(one)

    def finished(self, job: FileJob, result: FileResult) -> None:
        """Take the end of a file that was worked on."""
        puid = job.identification.puid
        self.estimates.measured(puid, job.size, result.measures)
        self._remaining.done(puid, job.size)
        known = bool(result.measures)
        self._watch.ended(
            Ended(
                job.file, display(job.raw), job.size, result.outcome.value, result.code,
                job.sha256, puid or "", result.measures, self._worker if known else "",
                self._host if known else "",
            )
        )  # fmt: skip

    def same(self, twin: SurveyedFile, outcome: Outcome, code: str, origin: int) -> None:
        """Take the end of a file for which another's work stands."""
        puid = twin.identification.puid
        self._remaining.done(puid, twin.size)
        self._watch.ended(
            Ended(
                twin.file, display(twin.raw), twin.size, outcome.value, code, twin.sha256,
                puid or "", same_as=origin,
            )
        )  # fmt: skip

    def guilty(self, job: SurveyJob, outcome: Outcome, code: str) -> None:
        """Take a file of whose survey every worker died."""
        self._watch.ended(Ended(job.file, display(job.raw), job.size, outcome.value, code))

    def look(self, gate: Gate, disks: Disks, window: int, in_flight: int, quarantine: int) -> None:
        """Tell the state of the run, if it is time for that."""
        if not self._watch.due:
            return
        tally = self.tally
        workers = max(gate.connected, 1)
        tally.left = self._left(workers)
        self._watch.state(
            State(
                files=tally.files,
                done=tally.before + tally.done,
                done_here=tally.done,
                bytes_here=tally.done_bytes,
                outcomes=dict(tally.outcomes),
                left=tally.left,
                window=window,
                in_flight=in_flight,
                quarantine=quarantine,
                paused=disks.paused,
                workers=gate.connected,
                refused=gate.refused,
                free=free(self._folders),
                restarts=self._watch.restarts,
            )
        )

    def _left(self, workers: int) -> float:
        """Return the seconds that are left, by what each kind takes and how many work.

        What is known of kinds tells how much work there is, and the pace so far how fast
        such work has gone: workers wait for each other, for disks and for the ledger.
        """
        tally = self.tally
        work = self._remaining.seconds(max(tally.files - tally.before - tally.done, 0))
        passed = time.monotonic() - self._started
        spent = self.estimates.spent
        if passed < _WARM or not spent:
            return work / workers
        return work * passed / spent


def free(folders: list[Path]) -> dict[str, int]:
    """Return the bytes that are free on the disk of each folder that can be asked."""
    found = {}
    for one in folders:
        # A mount that is away is missed by those who write there; here its place is empty.
        with suppress(OSError):
            found[str(one)] = shutil.disk_usage(one).free
    return found
