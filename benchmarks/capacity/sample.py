# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs that were measured, as costs: a run's folder, or a result of the benchmarks.

Of runs with several numbers of workers those with the fewest tell what files cost, and the
others how much longer the same work takes on a crowded machine. `taken_out` makes of them what
the files cost by themselves.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.capacity import mix as mixes
from benchmarks.capacity.mix import Mix
from pipeline.core.errors import ConfigError
from pipeline.ledger import measures
from pipeline.ledger.connection import NAME, open_reader
from pipeline.ledger.measures import Taken
from pipeline.premis.write import NAME as PREMIS

# Of fewer files, what a ledger and a report hold anyway is most of them.
_MANY = 1000
SHIPPED = Path(__file__).parents[1] / "results" / "scaling.json"


@dataclass(frozen=True, slots=True)
class Repetition:
    """A run that was measured. Seconds and bytes; 0 where it is not known.

    `tools`: processor seconds of all tools.
    """

    workers: int
    wall: float = 0.0
    start: float = 0.0
    work: float = 0.0
    records: float = 0.0
    cold: bool = False
    tools: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of a mix. `cores`: of the machine that the workers were on.

    `rows`: costs, of the repetitions with the fewest workers (`quietest`).
    `stored`: bytes per file by name of what is kept (`ledger`, `premis`, `report`, `log`).
    """

    mix: Mix
    rows: tuple[Taken, ...]
    repetitions: tuple[Repetition, ...]
    cores: float
    stored: Mapping[str, float]
    coordinator_bytes: float = 0.0

    @property
    def quietest(self) -> tuple[Repetition, ...]:
        """The repetitions whose jobs disturbed each other least."""
        fewest = min((one.workers for one in self.repetitions), default=0)
        return tuple(one for one in self.repetitions if one.workers == fewest)


def read(path: Path) -> Sample:
    """Read a sample. Raises ConfigError, also for one that holds no costs."""
    if path.is_dir():
        return _from_run(path)
    if not path.exists():
        raise ConfigError(
            f"{path} does not exist; give measured costs with --costs: the folder of a finished "
            "run, or a result of `skanearkiv bench`"
        )
    return _from_result(path)


def has_costs(path: Path) -> bool:
    """Whether a mix by its path carries measured costs as well."""
    return path.is_dir() or (path.suffix == ".json" and path.exists())


def _from_run(out: Path) -> Sample:
    mix = mixes.from_ledger(out)
    with closing(open_reader(out)) as db:
        rows = tuple(measures.taken(db))
        workers = [
            int(row[0]) for row in db.execute("SELECT workers FROM runs WHERE processed > 0")
        ]
    places = {"ledger": [out / NAME], "premis": [out / PREMIS]}
    places["report"] = list((out / "report").glob("*"))
    places["log"] = list((out / "log").glob("*.jsonl"))
    stored = {
        name: sum(one.stat().st_size for one in found if one.is_file()) / mix.files
        for name, found in places.items()
        if mix.files >= _MANY
    }
    stored = {name: size for name, size in stored.items() if size}
    # Of the machine a ledger says little; `run` starts one worker per core unless told.
    cores = max(workers, default=1)
    runs = tuple(Repetition(max(count, 1)) for count in workers[:1])
    return _checked(Sample(mix, rows, runs, cores, stored), str(out))


def _from_result(path: Path) -> Sample:
    result = results.read(path)
    mix = mixes.from_result(result, str(path))
    try:
        runs = tuple(_repetition(row) for row in result["repetitions"])
        fewest = min((one.workers for one in runs), default=0)
        rows = tuple(
            Taken(**{name: value for name, value in row.items() if name != "workers"})
            for row in result["costs"]
            if row["workers"] == fewest
        )
        cores = float(result["machine"]["cores"])
        ledger = [float(one["ledger_bytes"]) / float(one["files"]) for one in result["repetitions"]]
        peaks = [
            float(one.get("peak_memory_bytes", {}).get("coordinator", 0))
            for one in result["repetitions"]
        ]
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"{path} is not as a result of a run should be: {error!r}") from error
    stored = {"ledger": statistics.median(ledger)} if ledger and mix.files >= _MANY else {}
    return _checked(Sample(mix, rows, runs, cores, stored, max(peaks, default=0.0)), str(path))


def _repetition(row: Mapping[str, Any]) -> Repetition:
    phases = row.get("phases", {})
    return Repetition(
        int(row["workers"]), float(row["wall_seconds"]), float(phases.get("start", 0)),
        float(phases.get("work", 0)), float(phases.get("records", 0)), bool(row.get("cold")),
        float(row["cpu_seconds"]["tools"]),
    )  # fmt: skip


def _checked(sample: Sample, source: str) -> Sample:
    if not any(one.stage == "survey" and not one.tool for one in sample.rows):
        raise ConfigError(f"{source} holds no measured costs (the table `measures` is empty)")
    return sample
