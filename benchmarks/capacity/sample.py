# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs that were measured, as costs: a run's folder, or a result of the benchmarks.

What is measured holds two things that depend on the run and not on the files, and both are
taken out: the starts of each worker's warm servers, and what jobs took longer because others
wanted the same cores.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.capacity import mix as mixes
from benchmarks.capacity.costs import Cost, Costs, Key, Part, Servers, from_measures
from benchmarks.capacity.mix import Mix
from benchmarks.capacity.rates import Rates
from benchmarks.capacity.sharing import alone
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

    `yardstick`: seconds that a fixed piece of work took then (`benchmarks.machine`).
    """

    workers: int
    wall: float = 0.0
    start: float = 0.0
    work: float = 0.0
    records: float = 0.0
    cold: bool = False
    yardstick: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of a mix. `cores`: of the machine that the workers were on.

    `stored`: bytes per file by name of what is kept (`ledger`, `premis`, `report`, `log`).
    """

    mix: Mix
    rows: tuple[Taken, ...]
    repetitions: tuple[Repetition, ...]
    cores: float
    stored: Mapping[str, float]
    coordinator_bytes: float = 0.0


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
        rows = tuple(Taken(**{**_NO_COSTS, **row}) for row in result["costs"])
        runs = tuple(_repetition(row) for row in result["repetitions"])
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


_NO_COSTS = {"cpu": 0.0, "memory": 0}


def _repetition(row: Mapping[str, Any]) -> Repetition:
    phases = row.get("phases", {})
    return Repetition(
        int(row["workers"]), float(row["wall_seconds"]), float(phases.get("start", 0)),
        float(phases.get("work", 0)), float(phases.get("records", 0)), bool(row.get("cold")),
        float(row.get("yardstick", 0)),
    )  # fmt: skip


def _checked(sample: Sample, source: str) -> Sample:
    if not any(one.stage == "survey" and not one.tool for one in sample.rows):
        raise ConfigError(f"{source} holds no measured costs (the table `measures` is empty)")
    return sample


def costs(sample: Sample, rates: Rates, servers: Servers) -> Costs:
    """Return what files cost, without what only that run cost."""
    files = {(one.puid, one.size_class): (one.files, one.copies) for one in sample.mix.kinds}
    found = from_measures(sample.rows, files, servers)
    slots = sum(one.workers for one in sample.repetitions)
    found = _without_starts(found, slots, rates)
    found = _own_cpu(found, rates)
    return Costs(_undrawn(found, sample, rates), sample.mix.source, _made(sample.mix))


def _without_starts(found: dict[Key, Cost], slots: int, rates: Rates) -> dict[Key, Cost]:
    """Take the starts of warm servers out of the kinds that met them.

    Each slot's first file, and its first that asks a server, took the start as well. Which
    they were is not recorded; the kinds whose longest is at least that long are taken, the
    longest first.
    """
    asking = {
        "survey": ((rates.identify_start, lambda one: 1.0),),
        "file": (
            (rates.office_start, lambda one: one.office),
            (rates.jvm_start, lambda one: one.jvm),
            (rates.libraries_start, lambda one: 1.0),
        ),
    }
    for name, servers in asking.items():
        for seconds, share in servers:
            left = slots
            keys = [key for key, one in found.items() if share(one) and getattr(one, name).count]
            for key in sorted(keys, key=lambda key: -getattr(found[key], name).longest):
                part: Part = getattr(found[key], name)
                if left <= 0 or not seconds or part.longest < seconds:
                    break
                taken = min(left, int(part.seconds * part.count / seconds), int(part.count))
                less = _less(part, seconds, taken)
                one = found[key]
                found[key] = (
                    replace(one, survey=less) if name == "survey" else replace(one, file=less)
                )
                left -= taken
    return found


def _less(part: Part, seconds: float, times: int) -> Part:
    mean = part.seconds - seconds * times / part.count
    cpu = max(part.cpu - seconds * times / part.count, 0.0)
    # The longest may have been that of a file which met no start.
    longest = max(part.longest - seconds, mean) if times else part.longest
    return replace(part, seconds=max(mean, 0.0), cpu=cpu, longest=longest)


def _own_cpu(found: dict[Key, Cost], rates: Rates) -> dict[Key, Cost]:
    """Add the worker's own processor time: what is measured is that of its children."""

    def added(part: Part) -> Part:
        return replace(part, cpu=min(part.cpu + rates.worker_file_cpu, max(part.seconds, part.cpu)))

    return {
        key: replace(one, survey=added(one.survey), file=added(one.file))
        for key, one in found.items()
    }


def _undrawn(found: dict[Key, Cost], sample: Sample, rates: Rates) -> dict[Key, Cost]:
    seconds = cpu = 0.0
    for one in found.values():
        for part in (one.survey, one.file):
            seconds += part.seconds * part.count
            cpu += part.cpu * part.count
    beside = _beside(sample, rates, seconds)
    runs = [(one.workers, beside * one.workers) for one in sample.repetitions]
    factor = alone(seconds, cpu, runs, sample.cores)

    def shorter(part: Part) -> Part:
        if part.seconds <= 0:
            return part
        # A kind whose tools use several cores at once cannot have been drawn out by more.
        least = max(part.seconds - part.cpu * (factor - 1), part.seconds / factor)
        return replace(part, seconds=least, longest=part.longest * least / part.seconds)

    return {
        key: replace(one, survey=shorter(one.survey), file=shorter(one.file))
        for key, one in found.items()
    }


def _beside(sample: Sample, rates: Rates, seconds: float) -> float:
    """Return the cores that the coordinator wanted for each slot: it was on that machine."""
    runs = max(len(sample.repetitions), 1)
    per_file = rates.survey_file + rates.record_file + 2 * rates.scheduler_file
    return sample.mix.files * runs * per_file / seconds if seconds else 0.0


def _made(mix: Mix) -> dict[str, float]:
    """Return the bytes of output per byte of source that is no copy, by PUID; "" is of all."""

    def ratio(kinds: Iterable[mixes.Kind]) -> float:
        known = [one for one in kinds if one.output_bytes is not None and one.files > one.copies]
        whole = sum(one.mean * (one.files - one.copies) for one in known)
        return sum(one.output_bytes or 0.0 for one in known) / whole if whole else 0.0

    puids = {one.puid for one in mix.kinds if one.puid}
    found = {puid: ratio(one for one in mix.kinds if one.puid == puid) for puid in puids}
    return found | {"": ratio(mix.kinds)}


def fitted(rates: Rates, sample: Sample) -> Rates:
    """Return the rates with the sample's own start and end, where it tells them.

    What they take beside what grows with files and workers is the machine's.
    """
    starts = _medians(sample.repetitions, lambda one: one.start)
    ends = [one.records for one in sample.repetitions if one.records and not one.cold]
    if starts:
        workers, seconds = min(starts)
        own = seconds - rates.scan_file * sample.mix.files
        own -= rates.worker_start * (workers - 1) / max(sample.cores, 1.0)
        rates = replace(rates, start=max(own, 0.0))
    if ends:
        own = statistics.median(ends) - rates.records_file * sample.mix.files
        rates = replace(rates, records=max(own, 0.0))
    return rates


def _medians(runs: Sequence[Repetition], of: Any) -> list[tuple[int, float]]:
    found: dict[int, list[float]] = {}
    for one in runs:
        if of(one) and not one.cold:
            found.setdefault(one.workers, []).append(of(one))
    return [(workers, statistics.median(values)) for workers, values in found.items()]
