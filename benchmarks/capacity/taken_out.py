# SPDX-License-Identifier: AGPL-3.0-or-later
"""What files cost by themselves, of what a sample's run took.

What is measured holds things that depend on the run and not on the files, and they are taken
out: the starts of each worker's warm servers, what Java took until it was fast, and what jobs
took longer because others wanted the same cores.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.capacity.costs import Cost, Costs, Key, Part, Servers, from_measures
from benchmarks.capacity.mix import Kind, Mix
from benchmarks.capacity.rates import Rates
from benchmarks.capacity.sample import Repetition, Sample
from benchmarks.capacity.sharing import alone


def costs(sample: Sample, rates: Rates, servers: Servers) -> Costs:
    """Return what files cost, without what only that run cost."""
    files = {(one.puid, one.size_class): (one.files, one.copies) for one in sample.mix.kinds}
    found = from_measures(sample.rows, files, servers)
    slots = sum(one.workers for one in sample.quietest)
    found = _without_starts(found, slots, rates)
    found = _without_warming(found, slots * rates.jvm_warming)
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


def _without_warming(found: dict[Key, Cost], seconds: float) -> dict[Key, Cost]:
    """Take out what Java machines took to become fast, from all that asked one.

    By their seconds, and at most half of them: which were the first is not recorded.
    """
    asked = sum(one.file.seconds * one.file.count for one in found.values() if one.jvm)
    if not asked:
        return found
    left = 1.0 - min(seconds / asked, 0.5)

    def warmed(part: Part) -> Part:
        return replace(
            part, seconds=part.seconds * left, cpu=part.cpu * left, longest=part.longest * left
        )

    return {
        key: replace(one, file=warmed(one.file)) if one.jvm else one for key, one in found.items()
    }


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
    runs = [(one.workers, beside * one.workers) for one in sample.quietest]
    factor = alone(seconds, cpu, runs, sample.cores, rates.crowding)

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
    runs = max(len(sample.quietest), 1)
    per_file = rates.survey_file + rates.record_file + 2 * rates.scheduler_file
    return sample.mix.files * runs * per_file / seconds if seconds else 0.0


def _made(mix: Mix) -> dict[str, float]:
    """Return the bytes of output per byte of source that is no copy, by PUID; "" is of all."""

    def ratio(kinds: Iterable[Kind]) -> float:
        known = [one for one in kinds if one.output_bytes is not None and one.files > one.copies]
        whole = sum(one.mean * (one.files - one.copies) for one in known)
        return sum(one.output_bytes or 0.0 for one in known) / whole if whole else 0.0

    puids = {one.puid for one in mix.kinds if one.puid}
    found = {puid: ratio(one for one in mix.kinds if one.puid == puid) for puid in puids}
    return found | {"": ratio(mix.kinds)}


def fitted(rates: Rates, sample: Sample) -> Rates:
    """Return the rates with the sample's own start, end and crowding, where it tells them.

    What start and end take beside what grows with files and workers is the machine's.
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
    return replace(rates, crowding=_crowding(sample) or rates.crowding)


def _crowding(sample: Sample) -> float:
    """Return what tools take with all cores busy, by what they take alone; 0: not known.

    The middle of pairs: repetitions take turns, so that those of the same number were measured
    one after the other.
    """
    warm = [one for one in sample.repetitions if one.tools and not one.cold]
    least = [one.tools for one in warm if one.workers == 1]
    full = [one.tools for one in warm if one.workers >= sample.cores > 1]
    ratios = [many / few for few, many in zip(least, full, strict=False)]
    return max(statistics.median(ratios), 1.0) if ratios else 0.0


def _medians(runs: Sequence[Repetition], of: Any) -> list[tuple[int, float]]:
    found: dict[int, list[float]] = {}
    for one in runs:
        if of(one) and not one.cold:
            found.setdefault(one.workers, []).append(of(one))
    return [(workers, statistics.median(values)) for workers, values in found.items()]
