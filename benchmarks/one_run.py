# SPDX-License-Identifier: AGPL-3.0-or-later
"""One whole run of the real command, measured from its start to its last report."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import corpus
from benchmarks.machine import Pace
from benchmarks.processes import Watched
from pipeline.core.errors import ConfigError, RunStoppedError
from pipeline.ledger import measures
from pipeline.ledger.connection import NAME, open_reader

COMMAND = [sys.executable, "-c", "from pipeline.cli.main import run; run()"]
_HOUR = 3600.0
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Asked:
    """What to run. `more`: further options of `skanearkiv run`; `env`: further variables.

    `pinned`: everything of the run on as many cores as it has workers (taskset(1)).
    """

    source: Path
    workers: int
    policy: Path | None = None
    config: Path | None = None
    cold: bool = False
    pinned: bool = False
    more: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, out: Path) -> list[str]:
        """Return the command line."""
        options = ["--out", str(out), "--workers", str(self.workers), "--json", *self.more]
        if self.policy is not None:
            options += ["--policy", str(self.policy)]
        if self.config is not None:
            options += ["--config", str(self.config)]
        return [*self._cores(), *COMMAND, "run", str(self.source), *options]

    def _cores(self) -> list[str]:
        cores = sorted(os.sched_getaffinity(0))
        if not self.pinned:
            return []
        if self.workers > len(cores):
            raise ConfigError(f"{self.workers} workers cannot be pinned to {len(cores)} cores")
        return ["taskset", "--cpu-list", ",".join(map(str, cores[: self.workers]))]


@dataclass(frozen=True, slots=True)
class Worked:
    """A file: bytes; wall seconds of its last job, processor seconds of what worked on it."""

    puid: str
    size: int
    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that is over: `told` goes into a result; the rest is read from its ledger.

    `files`: what was worked on, by path.
    """

    told: dict[str, Any]
    costs: list[measures.Taken]
    mix: list[dict[str, Any]]
    files: dict[str, Worked]


@contextmanager
def place(parent: Path | None) -> Iterator[Path]:
    """Yield a folder for outputs that is gone afterwards; by default below /var/tmp."""
    base = str(parent) if parent else "/var/tmp"  # noqa: S108 - /tmp may be memory (file-hierarchy(7))
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-", dir=base) as folder:
        yield Path(folder)


def measure(asked: Asked, out: Path) -> Ran:
    """Run into `out`, which must not exist. Raises RunStoppedError when the run fails."""
    if out.exists():
        raise ConfigError(f"{out} exists already: a measured run needs a folder of its own")
    if asked.cold:
        corpus.forget(asked.source)
    answer = out.with_name(f"{out.name}.json")
    with answer.open("w", encoding="utf-8") as stream, Pace() as pace:
        watched = Watched(asked.command(out), stream, asked.env)
        wall = watched.wait()
    if watched.child.returncode not in (0, 1):
        raise RunStoppedError(
            f"the measured run ended with exit code {watched.child.returncode}; what it said "
            "stands above"
        )
    answer.unlink()
    phases = _phases(out, watched.started, wall)
    found = _read(out)
    cpu = watched.cpu
    told = {
        "workers": asked.workers,
        "cold": asked.cold,
        "pinned": asked.pinned,
        "yardstick": pace.yardstick,
        "wall_seconds": round(wall, 2),
        "phases": {name: round(seconds, 2) for name, seconds in phases.items()},
        "cpu_seconds": cpu,
        "cpu_exact": watched.exact,
        # What slots and time were there, for what the tools themselves took.
        "overhead": round(asked.workers * wall / cpu["tools"], 3),
        "overhead_working": round(asked.workers * phases["work"] / cpu["tools"], 3),
        "files_per_hour": round(found.count / wall * _HOUR, 1),
        "gb_per_hour": round(found.size / _GB / wall * _HOUR, 3),
        "files_per_core_hour": round(found.count / cpu["all"] * _HOUR, 1),
        "peak_memory_bytes": watched.peaks,
        "files": found.count,
        "bytes": found.size,
        "output_bytes": sum(one["output_bytes"] for one in found.mix),
        "ledger_bytes": (out / NAME).stat().st_size,
        "outcomes": found.outcomes,
    }
    files = {
        line["path"]: Worked(line["puid"], line["size"], line["total"], line["cpu"])
        for line in _log(out)
        if line["event"] == "file" and "same_as" not in line
    }
    return Ran(told, found.costs, found.mix, files)


def _phases(out: Path, started: float, wall: float) -> dict[str, float]:
    """Return the seconds before work was handed out, of the work, and after it."""
    times = {}
    for line in _log(out):
        if line["event"] in {"work_start", "work_end"}:
            times[line["event"]] = datetime.fromisoformat(line["time"]).timestamp() - started
    begun, ended = times.get("work_start", wall), times.get("work_end", wall)
    return {"start": begun, "work": ended - begun, "records": wall - ended}


def _log(out: Path) -> Iterator[dict[str, Any]]:
    with (out / "log" / "run-1.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@dataclass(frozen=True, slots=True)
class _Found:
    count: int
    size: int
    outcomes: dict[str, int]
    costs: list[measures.Taken]
    mix: list[dict[str, Any]]


def _read(out: Path) -> _Found:
    with closing(open_reader(out)) as db:
        costs = measures.taken(db)
        rows = db.execute(
            "SELECT f.puid, f.size, f.outcome, coalesce(m.size, 0) AS made,"
            " f.same_as IS NOT NULL AS copy FROM files f LEFT JOIN migrations m"
            " ON m.file = f.id AND m.generation = f.generation"
        ).fetchall()
    mix: dict[tuple[str, int], Counter[str]] = {}
    for row in rows:
        key = (row["puid"] or "", measures.size_class(row["size"]))
        mix.setdefault(key, Counter()).update(
            files=1, bytes=row["size"], copies=row["copy"],
            output_bytes=0 if row["copy"] else row["made"],
        )  # fmt: skip
    return _Found(
        count=len(rows),
        size=sum(row["size"] for row in rows),
        outcomes=dict(Counter(row["outcome"] for row in rows)),
        costs=costs,
        mix=[
            {"puid": puid, "size_class": kind, **{name: one[name] for name in _MIX}}
            for (puid, kind), one in sorted(mix.items())
        ],
    )


_MIX = ("files", "bytes", "output_bytes", "copies")


def summed(costs: Sequence[measures.Taken]) -> list[dict[str, Any]]:
    """Return the costs of several runs, put together, as a result holds them."""
    found: dict[tuple[str, str, str, int], dict[str, Any]] = {}
    for one in costs:
        key = (one.stage, one.tool, one.puid, one.size_class)
        row = found.setdefault(
            key,
            {"stage": one.stage, "tool": one.tool, "puid": one.puid, "size_class": one.size_class,
             "count": 0, "seconds": 0.0, "longest": 0.0, "cpu": 0.0, "memory": 0},
        )  # fmt: skip
        row["count"] += one.count
        row["seconds"] = round(row["seconds"] + one.seconds, 4)
        row["longest"] = max(row["longest"], one.longest)
        row["cpu"] = round(row["cpu"] + one.cpu, 2)
        row["memory"] = max(row["memory"], one.memory)
    return [found[key] for key in sorted(found)]
