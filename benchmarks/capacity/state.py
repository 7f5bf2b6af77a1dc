# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the simulation keeps: batches, slots, the clock, and what a run has come to."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

RESOURCES = ("slots", "coordinator", "ledger", "scheduler", "storage", "network")


class Clock:
    """Simulated time, in seconds since work began, and what happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._count = 0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []

    def at(self, when: float, action: Callable[..., None], *arguments: Any) -> None:
        """Have something happen; what is to happen at the same time does in this order."""
        self._count += 1
        heapq.heappush(self._events, (when, self._count, action, arguments))

    def step(self) -> bool:
        """Let the next thing happen; return False when there is none."""
        if not self._events:
            return False
        self.now, _, action, arguments = heapq.heappop(self._events)
        action(*arguments)
        return True


@dataclass(slots=True)
class Batch:
    """Work for one slot: `real` batches of `files` files, and what it takes."""

    survey: bool
    files: int
    real: int
    wait: float
    cpu: float
    bytes: float
    outputs: float = 0.0
    jvm: bool = False
    office: bool = False
    left: float = 1.0
    started: float = 0.0
    seconds: float = 0.0


@dataclass(slots=True)
class Slot:
    """A worker. `life` counts how often it has been started; `warm`: its servers."""

    machine: int
    life: int = 0
    up: bool = False
    batch: Batch | None = None
    warm: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Run:
    """What a simulated run came to. Seconds; `busy` per resource, of `work` seconds.

    `coordinator`: its own thread, with `ledger` (waiting for commits) in it; `scheduler` is
    another thread of the same process.
    """

    start: float = 0.0
    work: float = 0.0
    records: float = 0.0
    busy: dict[str, float] = field(default_factory=lambda: dict.fromkeys(RESOURCES, 0.0))
    lost: float = 0.0
    deaths: int = 0
    batches: int = 0
    surveyed: int = 0
    done: float = 0.0
    worked: float = 0.0
    read: float = 0.0
    written: float = 0.0

    @property
    def seconds(self) -> float:
        """From the command to its last report."""
        return self.start + self.work + self.records
