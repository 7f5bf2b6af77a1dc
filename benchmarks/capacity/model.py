# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run as a discrete-event simulation: coordinator, scheduler, slots, machines, disks.

A heap of events of our own, not SimPy: there are five kinds of event and no process that
waits in the middle of what it does, so that a loop over a heap is shorter than the processes
would be, takes a tenth of the time for each event, and needs no further dependency.

What stands for what (`pipeline/execution/`):

* The coordinator does one thing at a time: it hands out batches until twice as many are under
  way as there are slots, else records what has come back (`coordinator.py`). Second jobs go
  before surveys, and what is ready at that moment makes the batch (`feed.py`).
* Dask's scheduler is in the coordinator's process and takes processor time from it, except
  for what it can do while the coordinator waits for a commit to reach the disk.
* A slot works on one batch at a time; its first one starts its warm servers.
* Jobs on one machine share its cores (`sharing.py`), its link and the storage
  (`workers.py`).
* A machine that dies takes with it the batches that it had in hand. They are done again, and
  its slots are there again when workers have started anew and proven what they are.

Of a big delivery, several batches are put together to one event: as many as leave four
events for each slot before, and four after. Where the batches are in the middle of a run,
putting k of them together is the same as slowing down every clock of a closed circle by k:
each server is busy for the same share of its time, so that as many files go through. At the
start, and at the end where slots begin to stand idle, a batch is a batch. Of what is lost
with a machine only the one real batch counts that was in hand. What that costs in accuracy
is tested against the simulation of every batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from benchmarks.capacity import delivery as columns
from benchmarks.capacity.delivery import Delivery
from benchmarks.capacity.rates import Rates
from benchmarks.capacity.site import Site
from benchmarks.capacity.state import Batch, Clock, Run
from benchmarks.capacity.workers import Workers

_WINDOW = 2  # batches under way per slot, as `pipeline.config.settings.Batches` has it
_DETAIL = 4
_FEWEST = 1000  # events are never fewer than this, so that few slots are not coarse
_SCAN = 1000  # files to a transaction of the scan


def simulate(
    delivery: Delivery, site: Site, rates: Rates, *, seed: int = 0, whole: bool = False
) -> Run:
    """Simulate a run. `whole`: every batch by itself, however many there are."""
    return _Simulation(delivery, site, rates, seed, whole).run()


class _Simulation:
    def __init__(
        self, delivery: Delivery, site: Site, rates: Rates, seed: int, whole: bool
    ) -> None:
        self.delivery, self.site, self.rates = delivery, site, rates
        self.whole = whole
        self.clock, self.out = Clock(), Run()
        self.workers = Workers(
            self.clock, site, rates, delivery.load, self.out, seed, self._scheduled, self._back
        )
        self.landed: deque[Batch] = deque()
        self.flying = 0
        self.scheduler = 0.0
        self.stolen = 0.0
        self.idle = True
        self.asked = self.known = self.given = 0
        self.surveys, self.jobs = delivery.surveys_per_file, delivery.batches_per_file
        self.expected = delivery.files * (self.surveys + self.jobs)
        self.events_apart = max(site.slots * _DETAIL, _FEWEST)

    def run(self) -> Run:
        rates, site, files = self.rates, self.site, self.delivery.files
        workers = rates.worker_start + rates.join
        if site.local:
            workers = rates.worker_start * (site.slots - 1) / site.cores
        scan = files * (rates.scan_file + rates.commit / _SCAN)
        self.out.start = rates.start + scan + workers
        self.workers.begin()
        self._coordinate()
        while self.flying or self.given < files or not self.idle:
            if not self.clock.step():
                raise AssertionError("nothing happens, and there is work left")
        self.out.work = self.clock.now
        self.out.records = rates.records + files * rates.records_file
        self.out.surveyed, self.out.done = self.known, self.given
        return self.out

    # -- the coordinator ------------------------------------------------------------

    def _coordinate(self) -> None:
        """Begin the next thing: hand out if there is room and work, else record."""
        batch, cpu, commits = None, 0.0, 0.0
        if self.flying < _WINDOW * self.site.slots:
            batch, copies = self._next()
            cpu += copies * self.rates.record_copy
            # Those that are met on the way to a batch are one transaction.
            commits = min(copies, batch.real if batch is not None else 1)
        if batch is not None:
            self.flying += 1
            cpu += batch.real * self.rates.submit_batch
            self._busy(cpu, commits, self._submitted, batch)
        elif self.landed:
            batch = self.landed.popleft()
            if batch.survey:
                cpu += batch.real * self.rates.survey_batch
                cpu += batch.files * self.rates.survey_file
                commits += batch.real
            else:
                cpu += batch.real * self.rates.record_batch
                cpu += batch.files * self.rates.record_file
                cpu += batch.outputs * self.rates.record_output
                commits += batch.real
            self._busy(cpu, commits, self._recorded, batch)
        elif commits:
            self._busy(cpu, commits, self._nothing)
        else:
            self.idle, self.stolen = True, 0.0

    def _busy(
        self, cpu: float, commits: float, then: Callable[..., None], *arguments: Batch
    ) -> None:
        self.idle = False
        waiting = commits * self.rates.commit
        # While it waits for the disk, the scheduler may have the processor.
        stolen, self.stolen = self.stolen, -waiting
        self.out.busy["coordinator"] += cpu + waiting
        self.out.busy["ledger"] += waiting
        self.clock.at(self.clock.now + stolen + cpu + waiting, then, *arguments)

    def _submitted(self, batch: Batch) -> None:
        self.clock.at(self._scheduled(batch.real / 2, 0), self.workers.queued, batch)
        self._go_on()

    def _recorded(self, batch: Batch) -> None:
        self.flying -= 1
        if batch.survey:
            self.known += batch.files
        self._go_on()

    def _nothing(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        self.stolen = max(self.stolen, 0.0)
        self._coordinate()

    def _scheduled(self, tasks: float, files: int) -> float:
        """Take the scheduler's time for tasks and their results; return when it is done."""
        taken = tasks * self.rates.scheduler_task + files * self.rates.scheduler_file
        self.scheduler = max(self.scheduler, self.clock.now) + taken
        self.out.busy["scheduler"] += taken
        if not self.idle:
            self.stolen += taken
        return self.scheduler

    # -- the feed -------------------------------------------------------------------

    def _next(self) -> tuple[Batch | None, float]:
        """Return what to hand out, and the copies that were recorded on the way."""
        many, copies = self._together(), 0.0
        while self.given < self.known:
            end = self.delivery.job_end(self.given, self.known, many)
            sums = self.delivery.jobs.between(self.given, end)
            real = self.delivery.job_batches(self.given, end, many)
            files = round(sums[columns.JOBS])
            self.given = end
            copies += sums[columns.COPIES]
            self.out.written += sums[columns.WRITTEN]
            if files:
                return self._made(
                    Batch(
                        False, files, real, sums[columns.WAIT], sums[columns.CPU],
                        sums[columns.READ] + sums[columns.WRITTEN], sums[columns.OUTPUTS],
                        sums[columns.JVM] > 0.5, sums[columns.OFFICE] > 0.5,
                    ),
                    sums[columns.READ],
                ), copies  # fmt: skip
        if self.asked >= self.delivery.files:
            return None, copies
        first, end = self.asked, self.delivery.survey_end(self.asked, many)
        wait, cpu, size = self.delivery.surveys.between(first, end)
        real = self.delivery.survey_batches(first, end, many)
        self.asked = end
        return self._made(Batch(True, end - first, real, wait, cpu, size), size), copies

    def _made(self, batch: Batch, read: float) -> Batch:
        self.out.batches += batch.real
        self.out.read += read
        return batch

    def _together(self) -> int:
        """Return how many batches are one event now."""
        if self.whole:
            return 1
        begun = self.asked * self.surveys + self.given * self.jobs
        return max(1, int(min(begun, self.expected - begun) / self.events_apart))

    def _back(self, batch: Batch) -> None:
        self.landed.append(batch)
        if self.idle:
            self._coordinate()
