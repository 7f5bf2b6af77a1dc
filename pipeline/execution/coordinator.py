# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run: hand out batches in a bounded window, and have recorded what comes back.

The ledger is the checkpoint: to resume is to start again.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pipeline.core.errors import RunStoppedError
from pipeline.execution.clusters.gate import Gate
from pipeline.execution.lookout import Lookout
from pipeline.execution.progress import Watcher
from pipeline.execution.recorder import Recorder
from pipeline.execution.room import Disks
from pipeline.execution.tasks import Batch, BatchResult, NotReadyError, run_batch
from pipeline.ledger.store import Ledger
from pipeline.steps.jobs import Context
from pipeline.storage.place import Place

_LOST = (
    "the connection to Dask's scheduler is lost; run the same command again when it is up: "
    "nothing is lost"
)
# A file is guilty when the workers that had it alone died in so many trials, of two deaths
# each: one that was cancelled by its scheduler, or whose node went down, blames nobody.
_TRIALS = 2


@dataclass(frozen=True, slots=True)
class _Flight:
    """A batch under way; `alone`: how often it has run alone because workers died of it."""

    batch: Batch
    alone: int = 0


class Coordinator:
    """Drives a Dask client through what the ledger says is to be done."""

    def __init__(
        self,
        client: Any,
        ledger: Ledger,
        context: Context,
        out: Place,
        watcher: Watcher,
        gate: Gate,
        disks: Disks,
        patience_minutes: float,
        lookout: Lookout,
    ) -> None:
        self._client = client
        self._gate = gate
        self._disks = disks
        self._patience = patience_minutes
        self._ahead = context.settings.batches.window
        self._watcher = watcher
        self._tally = lookout.tally
        self._lookout = lookout
        self._recorder = Recorder(
            ledger, context, out, watcher, disks, lookout, lambda: self._draining
        )
        self._landed: queue.Queue[Any] = queue.Queue()
        self._flights: dict[Any, _Flight] = {}
        self._suspects: deque[_Flight] = deque()
        self._draining = False

    def run(self) -> bool:
        """Work until all is done; return False if it was interrupted and drained."""
        with self._interruptible():
            while True:
                self._fill(self._window())
                if not self._flights and (self._draining or not self._disks.paused):
                    return not self._draining
                try:
                    future = self._landed.get(timeout=0.5)
                except queue.Empty:
                    self._progress()
                    self._check_alive()
                    continue
                self._land(future, self._flights.pop(future))
                self._progress()

    def _progress(self) -> None:
        alone = len(self._suspects) + sum(1 for one in self._flights.values() if one.alone)
        self._lookout.look(self._gate, self._disks, self._window(), len(self._flights), alone)
        self._watcher.progress(self._tally)

    def _window(self) -> int:
        return self._gate.slots(self._patience) * self._ahead

    def _fill(self, window: int) -> None:
        while not self._draining and not self._disks.paused and len(self._flights) < window:
            batch = self._recorder.next()
            if batch is not None:
                self._submit(_Flight(batch))
                continue
            if self._suspects and not self._flights:
                # One suspect at a time and nothing beside it: whoever dies now is guilty.
                self._submit(self._suspects.popleft())
            return

    def _submit(self, flight: _Flight) -> None:
        future = self._client.submit(run_batch, flight.batch, pure=False)
        self._flights[future] = flight
        future.add_done_callback(self._landed.put)

    def _check_alive(self) -> None:
        if self._client.status != "running":
            raise RunStoppedError(_LOST)

    def _land(self, future: Any, flight: _Flight) -> None:
        from distributed import KilledWorker

        try:
            # A worker that dies with a result still in its hands has the work done again.
            result: BatchResult = future.result()
        except KilledWorker:
            self._suspect(flight)
            return
        except NotReadyError:
            self._recorder.again(flight.batch)
            return
        except CancelledError as error:
            raise RunStoppedError(_LOST) from error
        except Exception as error:
            # Dask's own, or a bug that kept even the reporting of bugs from working.
            raise RunStoppedError(f"Dask could not run a task: {error!r}"[:500]) from error
        self._recorder.landed(flight.batch, result)
        future.release()

    def _suspect(self, flight: _Flight) -> None:
        """Workers died of a batch: try its files one by one, or record the guilty one."""
        batch = flight.batch
        if not flight.alone:
            self._suspects.extend(_Flight(Batch(surveys=(job,)), 1) for job in batch.surveys)
            self._suspects.extend(_Flight(Batch(files=(job,)), 1) for job in batch.files)
            return
        if flight.alone < _TRIALS:
            self._suspects.append(_Flight(batch, flight.alone + 1))
            return
        self._recorder.guilty(batch)

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
