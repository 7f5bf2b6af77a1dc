# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real run in this process, with a clock at the coordinator's own steps; for `measure`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from format_registry.policy import default_path
from pipeline.config.clusters import Local
from pipeline.config.settings import Settings
from pipeline.execution import run
from pipeline.execution.coordinator import Coordinator
from pipeline.execution.progress import Tally
from pipeline.execution.recorder import Recorder
from pipeline.execution.tasks import Batch, BatchResult


@dataclass(slots=True)
class Clock:
    """What the coordinator's thread took, in seconds of its own processor time.

    `surveys`, `files`: one entry per batch that landed, (files, outputs, seconds).
    """

    scan: float = 0.0
    scan_wall: float = 0.0
    surveys: list[tuple[int, int, float]] = field(default_factory=list)
    files: list[tuple[int, int, float]] = field(default_factory=list)
    next: float = 0.0
    copy: float = 0.0
    copies: int = 0
    submit: float = 0.0
    batches: int = 0
    asked: float = 0.0  # time.monotonic() when the run was called
    begun: float = 0.0  # time.monotonic() when work began and ended
    ended: float = 0.0
    thread: float = 0.0  # of the coordinator's thread while work went on
    process: float = 0.0  # of the whole process, Dask's scheduler in it


class _Quiet:
    """A watcher that shows nothing."""

    def say(self, text: str) -> None:
        """Take a line."""

    def scanning(self, found: int) -> None:
        """Take the number of entries met."""

    def progress(self, tally: Tally) -> None:
        """Take the state."""


@contextmanager
def _instead(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, make(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


def watched(source: Path, out: Path) -> Clock:
    """Run a delivery with one worker; return what each step of the coordinator took."""
    clock = Clock()
    request = run.Request(source, out, default_path(), Settings(), Local(workers=1))
    with (
        _instead(run, "_scan", partial(_scan, clock)),
        _instead(Recorder, "landed", partial(_landed, clock)),
        _instead(Recorder, "next", partial(_adding, clock, "next", "")),
        _instead(Recorder, "_copy", partial(_adding, clock, "copy", "copies")),
        _instead(Recorder, "_record_copies", partial(_adding, clock, "copy", "")),
        _instead(Coordinator, "_submit", partial(_adding, clock, "submit", "batches")),
        _instead(Coordinator, "run", partial(_whole, clock)),
    ):
        clock.asked = time.monotonic()
        run.execute(request, _Quiet())
    return clock


def _scan(clock: Clock, original: Callable[..., int]) -> Callable[..., int]:
    def timed(*arguments: Any) -> int:
        wall, cpu = time.monotonic(), time.thread_time()
        found = original(*arguments)
        clock.scan, clock.scan_wall = time.thread_time() - cpu, time.monotonic() - wall
        return found

    return timed


def _landed(clock: Clock, original: Callable[..., None]) -> Callable[..., None]:
    def timed(self: Recorder, batch: Batch, result: BatchResult) -> None:
        cpu = time.thread_time()
        original(self, batch, result)
        taken = time.thread_time() - cpu
        made = sum(1 for one in result.files if one.migration is not None)
        if batch.surveys:
            clock.surveys.append((len(batch.surveys), 0, taken))
        else:
            clock.files.append((len(batch.files), made, taken))

    return timed


def _adding(
    clock: Clock, name: str, count: str, original: Callable[..., Any]
) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        cpu = time.thread_time()
        try:
            return original(*arguments)
        finally:
            setattr(clock, name, getattr(clock, name) + time.thread_time() - cpu)
            if count:
                setattr(clock, count, getattr(clock, count) + 1)

    return timed


def _whole(clock: Clock, original: Callable[[Coordinator], bool]) -> Callable[[Coordinator], bool]:
    def timed(self: Coordinator) -> bool:
        thread, process = time.thread_time(), time.process_time()
        clock.begun = time.monotonic()
        found = original(self)
        clock.ended = time.monotonic()
        clock.thread = time.thread_time() - thread
        clock.process = time.process_time() - process
        return found

    return timed
