# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run, told to all who watch: metrics, log, state file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from pipeline.config.watching import Watching
from pipeline.core.measuring import FILE, SURVEY
from pipeline.watching.facts import Ended, RunInfo, State
from pipeline.watching.log import Log
from pipeline.watching.metrics import Metrics
from pipeline.watching.state_file import EVERY, StateFile

Say = Callable[[str], None]


class Screen(Protocol):
    """What draws a run; `progress` takes what the layer above counts by."""

    @property
    def say(self) -> Say:
        """Takes a line that matters."""
        ...

    @property
    def scanning(self) -> Callable[[int], None]:
        """Takes the number of entries met so far."""
        ...

    @property
    def progress(self) -> Callable[[Any], None]:
        """Takes the state of things."""
        ...


class Watch:
    """Takes what happens in a run, from the coordinator's thread."""

    def __init__(self, log: Log, state: StateFile, metrics: Metrics | None) -> None:
        self._log = log
        self._file = state
        self._metrics = metrics
        self._last: State | None = None
        self._written = 0.0
        self._starts: dict[tuple[str, str], int] = {}
        self.status = "stopped"  # how the run ended, when it has

    def ended(self, one: Ended) -> None:
        """Take the outcome of a file."""
        stages = [m for m in one.measures if not m.tool and m.stage not in (SURVEY, FILE)]
        whole = [m for m in one.measures if not m.tool and m.stage in (SURVEY, FILE)]
        self._log.write(
            "file",
            file=one.file,
            path=one.path,
            size=one.size,
            sha256=one.sha256,
            puid=one.puid,
            outcome=one.outcome,
            code=one.code,
            stage=stages[-1].stage if stages else "",
            seconds={m.stage: m.seconds for m in stages},
            total=round(sum(m.seconds for m in whole), 4),
            cpu=round(sum(m.cpu for m in whole), 2),
            peak_memory=max((m.memory for m in one.measures), default=0),
            worker=one.worker,
            host=one.host,
            **({"same_as": one.same_as} if one.same_as else {}),
        )
        if self._metrics is not None:
            self._metrics.ended(one)
            self._metrics.measured(one)

    def surveyed(self, one: Ended) -> None:
        """Take what the survey of a file took that has a way before it."""
        if self._metrics is not None:
            self._metrics.measured(one)

    def started(self, worker: str, starts: Iterable[tuple[str, int]]) -> None:
        """Take how often a worker has started its warm servers so far, by name."""
        for name, count in starts:
            self._starts[worker, name] = max(count, self._starts.get((worker, name), 0))

    @property
    def restarts(self) -> dict[str, int]:
        """How often a warm server was started anew, by its name: the first start is none."""
        found: Counter[str] = Counter()
        for (_worker, name), count in self._starts.items():
            found[name] += count - 1
        return {name: count for name, count in found.items() if count}

    @property
    def due(self) -> bool:
        """Whether it is time for the next `state`."""
        return time.monotonic() - self._written >= EVERY

    def state(self, now: State) -> None:
        """Take the state of the run; tell what has changed."""
        self._written = time.monotonic()
        self._file.write(now)
        if self._metrics is not None:
            self._metrics.state(now)
        last, self._last = self._last, now
        if (last.paused if last else False) != now.paused:
            self._log.write("paused" if now.paused else "resumed", free=dict(now.free))
        if last is None or last.workers != now.workers:
            self._log.write("workers", workers=now.workers)
        if now.refused > (last.refused if last else 0):
            self._log.write("refused_worker", refused=now.refused)
        if now.quarantine != (last.quarantine if last else 0):
            self._log.write("quarantine", files=now.quarantine)
        if now.restarts != (last.restarts if last else {}):
            self._log.write("warm_restarts", restarts=dict(now.restarts))

    def working(self, *, begun: bool) -> None:
        """Take that workers are there and work is handed out, or that all of it is done."""
        self._log.write("work_start" if begun else "work_end")

    def said(self, text: str) -> None:
        """Take what is said to whoever sits at the screen."""
        self._log.write("message", text=text)


class Told:
    """What draws a run, with all that is said written to the log as well."""

    def __init__(self, screen: Screen, watch: Watch) -> None:
        self._watch = watch
        self._screen = screen
        self.scanning = screen.scanning
        self.progress = screen.progress

    def say(self, text: str) -> None:
        """Pass on a line that matters."""
        self._screen.say(text)
        self._watch.said(text)


@contextmanager
def watching(asked: Watching, out: Path, info: RunInfo, say: Say) -> Iterator[Watch]:
    """Yield what watches a run; its end, or what stopped it, is the log's last line.

    `out`: the folder of the ledger. Raises ConfigError where metrics cannot be served.
    """
    with ExitStack() as ending:
        log = Log(asked.log or str(out / "log" / f"run-{info.run}.jsonl"), info.run, say)
        ending.callback(log.close)
        address = asked.address()
        metrics = Metrics(*address, info) if address else None
        if metrics is not None:
            ending.callback(metrics.close)
        state = StateFile(out, info.run, say)
        ending.callback(state.close)
        log.write(
            "run_start", delivery=info.delivery, policy=info.policy, version=info.version,
            workers=info.workers,
        )  # fmt: skip
        watch = Watch(log, state, metrics)
        try:
            yield watch
        except BaseException as error:
            log.write("run_end", status="stopped", error=f"{type(error).__name__}: {error}"[:1000])
            raise
        log.write("run_end", status=watch.status)
