# SPDX-License-Identifier: AGPL-3.0-or-later
"""Slots of the simulation: what they work on, what they share, and how they die."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from benchmarks.capacity.rates import Rates
from benchmarks.capacity.sharing import crowded, stretch
from benchmarks.capacity.site import Site
from benchmarks.capacity.state import Batch, Clock, Run, Slot
from pipeline.core.errors import ConfigError

_DAY = 86_400.0


class Workers:
    """All slots of a site, and the scheduler's queue before them.

    `load`: the share of its time in which a job alone wants a core; `scheduled`: takes the
    scheduler's time for (tasks, results) and returns when it is over; `landed`: takes what
    has come back.
    """

    def __init__(
        self,
        clock: Clock,
        site: Site,
        rates: Rates,
        load: float,
        out: Run,
        seed: int,
        scheduled: Callable[[float, int], float],
        landed: Callable[[Batch], None],
    ) -> None:
        self._clock, self._site, self._rates = clock, site, rates
        self._load, self._out = load, out
        self._random = np.random.default_rng(seed)
        self._scheduled, self._landed = scheduled, landed
        self._starts = {
            "identify": rates.identify_start, "libraries": rates.libraries_start,
            "jvm": rates.jvm_start + rates.jvm_warming, "office": rates.office_start,
        }  # fmt: skip
        self._slots = [Slot(at // site.per_machine) for at in range(site.slots)]
        self._free: deque[Slot] = deque()
        self._queue: deque[Batch] = deque()
        self._at_work = [0] * site.machines
        self._links = [0.0] * site.machines
        self._storage = 0.0

    def begin(self) -> None:
        """Have all slots ready, and each machine's end ahead of it."""
        for slot in self._slots:
            self._clock.at(0.0, self._up, slot, 0)
        for machine in range(self._site.machines):
            # Not all at once, as the workers' lifetimes are spread over a tenth.
            self._mortal(machine, 1 - 0.1 * float(self._random.random()))

    def queued(self, batch: Batch) -> None:
        """Take what the scheduler has got."""
        self._queue.append(batch)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._queue and self._free:
            slot = self._free.popleft()
            if slot.up and slot.batch is None:
                self._work(slot, self._queue.popleft())

    def _work(self, slot: Slot, batch: Batch) -> None:
        rates, site = self._rates, self._site
        self._at_work[slot.machine] += 1
        beside = 0.0
        if site.local and self._clock.now > 0:
            used = self._out.busy["coordinator"] - self._out.busy["ledger"]
            beside = min(used / self._clock.now, 1.0)
        drawn = stretch(self._at_work[slot.machine], site.cores, self._load, beside)
        gap = max(rates.worker_task - rates.scheduler_task, 0.0) * batch.real
        cpu = batch.cpu * batch.left + self._warmed(slot, batch)
        wait = batch.wait * batch.left
        grown = crowded(self._at_work[slot.machine], site.cores, rates.crowding)
        # Less than nothing is not waiting: it is what went on at the same time.
        seconds = gap + max(wait, 0.0) + (cpu * drawn + min(wait, 0.0)) * grown
        end = self._clock.now + max(seconds, 0.0)
        if site.walltime and seconds > site.walltime * batch.real:
            raise ConfigError(
                f"a file takes about {seconds / 3600:.1f} hours, and workers end after "
                f"{site.walltime / 3600:.1f}: it would never be done; give a longer walltime"
            )
        size = batch.bytes * batch.left
        if site.disk:
            self._storage = max(self._storage, self._clock.now) + size / site.disk
            self._out.busy["storage"] += size / site.disk
            end = max(end, self._storage)
        if site.network:
            link = max(self._links[slot.machine], self._clock.now) + size / site.network
            self._links[slot.machine] = link
            self._out.busy["network"] += size / site.network
            end = max(end, link)
        slot.batch, batch.started, batch.seconds = batch, self._clock.now, end - self._clock.now
        self._clock.at(end, self._done, slot, slot.life)

    def _warmed(self, slot: Slot, batch: Batch) -> float:
        """Return the seconds that servers take to start that a batch is the first to ask."""
        asked = {"identify"} if batch.survey else {"libraries"}
        if batch.jvm:
            asked.add("jvm")
        if batch.office:
            asked.add("office")
        fresh = asked - slot.warm
        slot.warm |= fresh
        return sum(self._starts[name] for name in sorted(fresh))

    def _done(self, slot: Slot, life: int) -> None:
        batch = slot.batch
        if slot.life != life or batch is None:
            return  # its machine has died meanwhile
        slot.batch = None
        self._at_work[slot.machine] -= 1
        self._out.busy["slots"] += batch.seconds
        self._out.worked += (batch.wait + batch.cpu) * batch.left
        self._clock.at(self._scheduled(batch.real / 2, batch.files), self._told, slot, life, batch)

    def _told(self, slot: Slot, life: int, batch: Batch) -> None:
        if slot.life == life:
            self._free.append(slot)
        self._dispatch()
        self._landed(batch)

    def _up(self, slot: Slot, life: int) -> None:
        if slot.life == life:
            slot.up = True
            self._free.append(slot)
            self._dispatch()

    def _mortal(self, machine: int, share: float = 1.0) -> None:
        """Let a machine's end come: at its walltime, or by chance before."""
        ends = []
        if self._site.walltime:
            ends.append(self._site.walltime * share)
        if self._site.failures:
            ends.append(float(self._random.exponential(_DAY / self._site.failures)))
        if ends:
            self._clock.at(self._clock.now + min(ends), self._die, machine)

    def _die(self, machine: int) -> None:
        self._out.deaths += 1
        back = self._clock.now + self._rates.worker_start + self._rates.join
        first = machine * self._site.per_machine
        for slot in self._slots[first : first + self._site.per_machine]:
            slot.life += 1
            slot.up = False
            slot.warm.clear()
            if slot.batch is not None:
                self._lose(slot, slot.batch)
            self._clock.at(back, self._up, slot, slot.life)
        self._dispatch()
        self._clock.at(back, self._mortal, machine)

    def _lose(self, slot: Slot, batch: Batch) -> None:
        """Have a batch done again; of several that are one event, the one in hand."""
        gone = self._clock.now - batch.started
        share = gone / batch.seconds if batch.seconds else 0.0
        whole = int(share * batch.real) / batch.real
        self._out.busy["slots"] += gone
        self._out.lost += (share - whole) * batch.seconds
        self._out.worked += (batch.wait + batch.cpu) * batch.left * whole
        batch.left *= 1 - whole
        slot.batch = None
        self._at_work[slot.machine] -= 1
        self._queue.appendleft(batch)
