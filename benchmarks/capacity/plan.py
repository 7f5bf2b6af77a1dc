# SPDX-License-Identifier: AGPL-3.0-or-later
"""The answer: how many workers, how long, what it stores, and what gives out first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.capacity.costs import Costs
from benchmarks.capacity.delivery import Delivery
from benchmarks.capacity.mix import Mix
from benchmarks.capacity.model import simulate
from benchmarks.capacity.rates import Rates
from benchmarks.capacity.site import Site
from benchmarks.capacity.state import Run

_MIB, _GIB = 1 << 20, 1 << 30
# Nobody has a hundred thousand workers on one scheduler; the search ends there.
MOST_WORKERS = 100_000
# A resource that is busy for so much of the time is what a run waits for.
SATURATED = 0.9
# More workers that gain less than this are not worth having.
_GAIN = 0.02
_DRAWS = 5
_MOST_PARTS = 64
# What docs/clusters.md asks for: room for a slot, and the largest file twice.
_SCRATCH = 2 * _GIB
_SPARE = 1.25  # of memory: peaks fall together, and the kernel wants its own


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator asks. Seconds, bytes; `workers` 0: to be found. See `Site`."""

    files: int
    bytes: float | None
    deadline: float
    workers: int = 0
    per_machine: int = 0
    walltime: float = 0.0
    failures: float = 0.0
    disk: float = 0.0
    network: float = 0.0
    longest: bool = False
    draws: int = _DRAWS

    def site(self, workers: int) -> Site:
        """Return the site with so many workers: one core each, or one machine with all."""
        per_machine = self.per_machine or workers
        return Site(
            workers, min(per_machine, workers), float(min(per_machine, workers)),
            local=workers <= per_machine, walltime=self.walltime, failures=self.failures,
            disk=self.disk, network=self.network, longest=self.longest,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """What the answer rests on: the mix as it was read, costs, rates, stored bytes a file."""

    mix: Mix
    costs: Costs
    rates: Rates
    stored: Mapping[str, float]


class Planner:
    """Simulates what is asked, once for each number of workers."""

    def __init__(self, asked: Asked, given: Given) -> None:
        self.asked, self.given = asked, given
        self.mix = given.mix.scaled(asked.files, asked.bytes)
        self.delivery = Delivery(self.mix, given.costs, asked.files, longest=asked.longest)
        self._runs: dict[int, Run] = {}

    def run(self, workers: int) -> Run:
        """Return the run with so many workers. Raises ConfigError, see `simulate`."""
        if workers not in self._runs:
            site = self.asked.site(workers)
            self._runs[workers] = simulate(self.delivery, site, self.given.rates)
        return self._runs[workers]

    def workers(self) -> tuple[int, bool]:
        """Return the fewest workers that meet the deadline, and whether any do.

        Where none do, those beyond which more gain less than two per cent.
        """
        return fewest(lambda count: self.run(count).seconds, self.asked.deadline, self.guess())

    def guess(self) -> int:
        """Return what the work alone would need: where the search begins."""
        return max(1, min(MOST_WORKERS, math.ceil(self.delivery.work / self.asked.deadline)))

    def spread(self, workers: int) -> list[float]:
        """Return the seconds of runs whose costs are drawn from what was measured."""
        site, found = self.asked.site(workers), []
        for seed in range(1, self.asked.draws + 1):
            drawn = Delivery(
                self.mix, self.given.costs, self.asked.files, seed, jitter=True,
                longest=self.asked.longest,
            )  # fmt: skip
            found.append(simulate(drawn, site, self.given.rates, seed=seed).seconds)
        return found


def fewest(
    seconds: Callable[[int], float], deadline: float, guess: int = 1, most: int = MOST_WORKERS
) -> tuple[int, bool]:
    """Return the least number for which `seconds` is within the deadline, and True.

    `seconds` falls with its argument until it is level; where the level lies above the
    deadline, returns the number beyond which twice as many gain less than two per cent,
    and False.
    """
    high = max(1, guess)
    while seconds(high) > deadline:
        double = min(2 * high, most)
        if double == high or seconds(double) > seconds(high) * (1 - _GAIN):
            if seconds(double) <= deadline:
                high = double
                break
            return _level(seconds, high), False
        high = double
    low = 0
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        if seconds(middle) <= deadline:
            high = middle
        else:
            low = middle
    return high, True


def _level(seconds: Callable[[int], float], high: int) -> int:
    """Return how few are as fast as `high` within two per cent, roughly."""
    goal, low = seconds(high) / (1 - _GAIN), 0
    while high - low > max(1, high // 20):
        middle = (low + high) // 2
        if seconds(middle) <= goal:
            high = middle
        else:
            low = middle
    return high


def answer(asked: Asked, given: Given) -> dict[str, Any]:
    """Return the answer as plain data. Hours, bytes, shares from 0 to 1."""
    planner = Planner(asked, given)
    workers, met = (asked.workers, True) if asked.workers else planner.workers()
    run = planner.run(workers)
    met = run.seconds <= asked.deadline
    spread = sorted([run.seconds, *planner.spread(workers)])
    site = asked.site(workers)
    rests = _rests(planner)
    used = utilisation(run, site)
    return {
        "asked": {
            "files": asked.files, "bytes": round(planner.mix.bytes), "deadline_hours":
            asked.deadline / 3600, "workers": asked.workers or None,
        },
        "met": met,
        "workers": workers,
        "hours": run.seconds / 3600,
        "hours_range": [spread[0] / 3600, spread[-1] / 3600],
        "phases_hours": {
            name: getattr(run, name) / 3600 for name in ("start", "work", "records")
        },
        "files_per_hour": asked.files / run.seconds * 3600,
        "gb_per_hour": planner.mix.bytes / 1e9 / run.seconds * 3600,
        "machines": _machines(planner, site),
        "stored_bytes": stored(planner.mix, given, run),
        "traffic_mb_per_second": {
            "read": run.read / run.work / 1e6, "written": run.written / run.work / 1e6
        },
        "utilisation": used,
        "limits": limits(planner, run, site, used, met=met),
        "lost_worker_hours": run.lost / 3600,
        "deaths": run.deaths,
        "batches": run.batches,
        "rests_on": rests,
        "costs": given.costs.source,
        "mix": given.mix.source,
    }  # fmt: skip


def utilisation(run: Run, site: Site) -> dict[str, float]:
    """Return what share of the working time each resource was busy; of those that bind."""
    work = run.work or 1.0
    found = {name: run.busy[name] / work for name in ("ledger", "scheduler")}
    # One processor at a time between them, but for what the one does while the other waits.
    found["coordinator"] = max(
        (run.busy["coordinator"] - run.busy["ledger"] + run.busy["scheduler"]) / work,
        run.busy["coordinator"] / work,
    )
    found["slots"] = run.busy["slots"] / work / site.slots
    if site.disk:
        found["storage"] = run.busy["storage"] / work
    if site.network:
        found["network"] = run.busy["network"] / work / site.machines
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def limits(
    planner: Planner, run: Run, site: Site, used: Mapping[str, float], *, met: bool
) -> list[dict[str, Any]]:
    """Return what gives out, in the order in which it does when workers are added.

    Each with the share of the time that it is busy now and the number of workers at which
    it is all of the time. With the slots themselves it is the start and the end of the run
    that no worker shortens.
    """
    found: list[dict[str, Any]] = []
    for name, share in used.items():
        if name in {"slots", "ledger"} or share <= 0:
            continue
        # A machine's link is busy with its own slots' work, however many machines there are.
        per = site.per_machine if name == "network" else site.slots
        busy = used["slots"] or 1.0
        found.append({
            "resource": name, "busy": share, "at_workers": math.ceil(per * busy / share),
            "saturated": share >= SATURATED,
        })  # fmt: skip
    found.sort(key=lambda one: int(one["at_workers"]))
    serial = (run.start + run.records) / run.seconds
    if serial > 0.2 or (not met and serial > 0.1):
        found.append({
            "resource": "serial", "busy": serial, "at_workers": None, "saturated": False
        })  # fmt: skip
    if not any(one["saturated"] for one in found):
        found.insert(0, {
            "resource": "slots", "busy": used["slots"], "at_workers": site.slots,
            "saturated": used["slots"] >= SATURATED,
        })  # fmt: skip
    return found


def coordinators(planner: Planner, workers: int) -> int | None:
    """Return into how many deliveries to part it so that each meets the deadline, if any do.

    Each part is a run of its own, with a coordinator, a scheduler and `workers` of its own.
    """
    asked = planner.asked
    parts = max(2, math.ceil(planner.run(workers).seconds / asked.deadline))
    while parts <= _MOST_PARTS:
        size = None if asked.bytes is None else asked.bytes / parts
        # Storage that is shared is shared by the parts as well.
        one = replace(
            asked, files=math.ceil(asked.files / parts), bytes=size, disk=asked.disk / parts
        )
        if Planner(one, planner.given).run(workers).seconds <= asked.deadline:
            return parts
        parts = math.ceil(parts * 1.25)
    return None


def _machines(planner: Planner, site: Site) -> dict[str, Any]:
    # Beside the slots of a local run, its coordinator is on the machine.
    rested, rates = planner.delivery.rested, planner.given.rates
    slot = _up((rates.worker_bytes + rested.memory) * _SPARE, _GIB / 2)
    own = _up(rates.coordinator_bytes * _SPARE, _GIB)
    return {
        "count": site.machines,
        "slots": site.per_machine,
        "cores": site.per_machine,
        "memory_bytes": slot * site.per_machine + (own if site.local else 0),
        "memory_bytes_slot": slot,
        "peak_bytes_file": rested.memory,
        "scratch_bytes": site.per_machine * _up(_SCRATCH + 2 * rested.largest, _GIB),
        "coordinator": None if site.local else {"cores": 2, "memory_bytes": own},
    }


def _up(value: float, step: float) -> int:
    return int(math.ceil(value / step) * step)


def stored(mix: Mix, given: Given, run: Run) -> dict[str, float]:
    """Return the bytes that are kept, by what they are."""
    rates = given.rates
    names = {
        "ledger": rates.ledger_bytes_file, "premis": rates.premis_bytes_file,
        "report": rates.report_bytes_file, "log": rates.log_bytes_file,
    }  # fmt: skip
    found = {"outputs": run.written}
    for name, each in names.items():
        found[name] = given.stored.get(name, each) * mix.files
    return found


def _rests(planner: Planner) -> dict[str, float]:
    found = planner.delivery.rested.seconds
    whole = sum(found.values()) or 1.0
    return {name: seconds / whole for name, seconds in found.items()}
