# SPDX-License-Identifier: AGPL-3.0-or-later
"""A delivery, drawn from a mix and its costs: one file after the other, in the feed's order.

Everything is kept as sums from the first file on, so that what a batch of any length takes
is one difference. Of more than `MOST` files, `MOST` are drawn, and stand for the whole again
and again: files lie in no order that matters, so that the middle of a long delivery is the
same as that of a shorter one; what the whole takes is kept exact by scaling (`_exact`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.capacity.costs import Basis, Cost, Costs, Part
from benchmarks.capacity.mix import Kind, Mix
from pipeline.config.settings import Batches
from pipeline.core.budget import MIB

MOST = 1 << 17
# As `pipeline.execution.feed` has it: seconds of expected work to a batch, files that
# surveys run ahead.
WORK, AHEAD = 1.0, 2000
Floats = NDArray[np.float64]
# Columns of the sums. Of surveys: seconds that are no processor time, processor seconds,
# bytes. Of second jobs: the same, files that have one, what they are expected to take,
# outputs and their bytes, copies, and files that ask a server.
WAIT, CPU, READ, JOBS, WORTH, OUTPUTS, WRITTEN, COPIES, JVM, OFFICE = range(10)
_SOUGHT = (READ, JOBS, WORTH)
_KEY = 1e-9  # rounding of sums must not keep the file out that just fits


@dataclass(frozen=True, slots=True)
class Rested:
    """What the costs rest on: seconds of work by basis, and the most memory of a file."""

    seconds: dict[str, float]
    memory: int
    largest: float


class Sums:
    """Rows of values per file, summed up, and beginning anew when they are at their end."""

    def __init__(self, values: Floats) -> None:
        self.length = len(values)
        self.sums = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        # Lists: bisect finds a place in one in a quarter of the time that NumPy needs.
        self.columns: dict[int, list[float]] = {
            one: self.sums[:, one].tolist() for one in _SOUGHT if one < values.shape[1]
        }
        self.whole = [float(one) for one in self.sums[-1]]

    def between(self, first: int, last: int) -> list[float]:
        """Return the sums of the files from `first` to before `last`, by column."""
        a, at = divmod(first, self.length)
        b, end = divmod(last, self.length)
        found = self.sums[end] - self.sums[at]
        if a != b:
            found = found + (b - a) * self.sums[-1]
        values: list[float] = found.tolist()
        return values

    def reach(self, column: int, first: int, limit: float) -> float:
        """Return the file before which the sum from `first` is at most `limit`, at the latest."""
        whole = self.whole[column]
        if whole <= 0:
            return float("inf")
        times, at = divmod(first, self.length)
        values = self.columns[column]
        more, rest = divmod(values[at] + limit + _KEY, whole)
        return (times + int(more)) * self.length + bisect_right(values, rest) - 1


class Delivery:
    """`files` files as the model hands them out. `jitter`: draw the means as well.

    `longest`: whether of every 2,000 files that are ready the longest are handed out first.
    """

    def __init__(
        self, mix: Mix, costs: Costs, files: int, seed: int = 0, *, jitter: bool = False,
        longest: bool = False, batches: Batches | None = None,
    ) -> None:  # fmt: skip
        self.files = files
        self.limits = batches or Batches()
        self._random = np.random.default_rng(seed)
        known = [(one, costs.of(one.puid, one.mean, one.size_class)) for one in mix.kinds]
        self.rested = _rested(known)
        drawn = min(files, MOST)
        counts = self._counts([one.files for one, _ in known], drawn)
        surveys, seconds = [], []
        for (kind, cost), count in zip(known, counts, strict=True):
            if count:
                made = _made(kind, costs)
                factors = [
                    self._factor(costs.doubt(part, cost.basis)) if jitter else 1.0
                    for part in (cost.survey, cost.file)
                ]
                surveys.append(self._surveys(kind, cost, count, factors[0]))
                seconds.append(self._jobs(kind, cost, count, factors[1], made))
        order = self._random.permutation(drawn)
        first, second = np.concatenate(surveys)[order], np.concatenate(seconds)[order]
        if not jitter:
            _exact(first, second, known, drawn / mix.files)
        if longest:
            second = _longest_first(second)
        self.surveys, self.jobs = Sums(first), Sums(second)
        # As the feed counts them, from the mean of all surveys.
        mean = float((first[:, WAIT] + first[:, CPU]).mean())
        self.survey_files = min(self.limits.files, int(WORK / max(mean, 1e-6)) + 1)
        self._bounds = self._packed()
        # Of surveys, a batch may also be full of bytes.
        self.surveys_per_file = max(
            1 / self.survey_files, self.surveys.whole[READ] / drawn / (self.limits.mib * MIB)
        )

    @property
    def load(self) -> float:
        """The share of its time in which a worker alone wants a core."""
        cpu = self.surveys.whole[CPU] + self.jobs.whole[CPU]
        seconds = cpu + self.surveys.whole[WAIT] + self.jobs.whole[WAIT]
        return cpu / seconds if seconds else 0.0

    @property
    def work(self) -> float:
        """Seconds of one worker that the whole takes, undisturbed."""
        parts = (self.surveys.between(0, self.files), self.jobs.between(0, self.files))
        return sum(one[WAIT] + one[CPU] for one in parts)

    @property
    def batches_per_file(self) -> float:
        """Batches of second jobs, by the number of files."""
        return len(self._bounds) / self.jobs.length

    def survey_end(self, first: int, many: int) -> int:
        """Return where a batch of surveys, or `many` of them, ends."""
        size = self.surveys.reach(READ, first, self.limits.mib * MIB * many) + 1
        return int(min(first + self.survey_files * many, size, self.files))

    def job_end(self, first: int, last: int, many: int) -> int:
        """Return where a batch of second jobs, or `many`, ends; no further than `last`."""
        jobs = self.jobs
        count = jobs.reach(JOBS, first, self.limits.files * many)
        # What costs much is a batch of its own.
        worth = max(jobs.reach(WORTH, first, WORK * many), jobs.reach(JOBS, first, 1))
        size = jobs.reach(READ, first, self.limits.mib * MIB * many) + 1
        return int(min(last, count, worth, size))

    def survey_batches(self, first: int, last: int, many: int) -> int:
        """Return how many batches `many` of surveys together really are."""
        return 1 if many == 1 else max(1, round((last - first) * self.surveys_per_file))

    def job_batches(self, first: int, last: int, many: int) -> int:
        """Return how many batches `many` of second jobs together really are."""
        if many == 1:
            return 1
        found = []
        for place in (first, last):
            times, at = divmod(place, self.jobs.length)
            found.append(times * len(self._bounds) + bisect_left(self._bounds, at))
        return max(1, found[1] - found[0])

    def _packed(self) -> list[int]:
        """Return where batches begin, when they are filled one after the other."""
        bounds: list[int] = []
        at = 0
        while at < self.jobs.length:
            bounds.append(at)
            at = max(self.job_end(at, self.jobs.length, 1), at + 1)
        return bounds

    def _counts(self, shares: list[float], drawn: int) -> list[int]:
        """Return whole numbers that add up to `drawn`, by the largest remainders."""
        exact = np.array(shares) * (drawn / sum(shares))
        found = np.floor(exact + _KEY).astype(int)
        order = np.argsort(-(exact - found), kind="stable")
        found[order[: drawn - int(found.sum())]] += 1
        return [int(one) for one in found]

    def _factor(self, error: float) -> float:
        """Draw a mean anew: what it might as well have come to; 1 on the whole."""
        return float(np.exp(self._random.normal(-error * error / 2, error)))

    def _spread(self, part: Part, count: int) -> Floats:
        if count < 2 or not part.sigma:
            return np.ones(count)
        found = self._random.lognormal(0.0, part.sigma, count)
        return np.asarray(found / found.mean())

    def _surveys(self, kind: Kind, cost: Cost, count: int, factor: float) -> Floats:
        found = np.zeros((count, 3))
        _timed(found, cost.survey, factor * self._spread(cost.survey, count))
        found[:, READ] = kind.mean
        return found

    def _jobs(self, kind: Kind, cost: Cost, count: int, factor: float, made: float) -> Floats:
        found = np.zeros((count, 10))
        copies = round(kind.copies / kind.files * count)
        jobs = round(cost.second * (count - copies))
        found[:copies, COPIES] = 1
        mine = found[copies : copies + jobs]
        _timed(mine, cost.file, factor * self._spread(cost.file, jobs))
        mine[:, READ] = kind.mean
        mine[:, JOBS] = 1
        mine[:, WORTH] = cost.file.seconds
        mine[:, OUTPUTS] = made > 0
        mine[:, WRITTEN] = made
        mine[: round(min(cost.jvm / (cost.second or 1), 1) * jobs), JVM] = 1
        mine[: round(min(cost.office / (cost.second or 1), 1) * jobs), OFFICE] = 1
        return found


def _timed(rows: Floats, part: Part, factors: Floats) -> None:
    # Less than nothing where a tool keeps several cores busy at once: a job then wants more
    # than one core, and is drawn out by that much more where there are too few.
    rows[:, WAIT] = (part.seconds - part.cpu) * factors
    rows[:, CPU] = part.cpu * factors


def _made(kind: Kind, costs: Costs) -> float:
    """Return the bytes that are made of a file of a kind that is no copy."""
    if kind.output_bytes is None:
        return costs.output_bytes(kind.puid, kind.mean)
    originals = kind.files - kind.copies
    return kind.output_bytes / originals if originals else 0.0


def _exact(first: Floats, second: Floats, known: list[tuple[Kind, Cost]], share: float) -> None:
    """Scale what was drawn to what the mix as a whole takes: few of a rare kind are drawn."""
    surveys = sum(one.files * cost.survey.seconds for one, cost in known) * share
    jobs = share * sum(
        (one.files - one.copies) * cost.second * cost.file.seconds for one, cost in known
    )
    for rows, seconds in ((first, surveys), (second, jobs)):
        drawn = float(rows[:, [WAIT, CPU]].sum())
        if drawn > 0:
            rows[:, [WAIT, CPU]] *= seconds / drawn


def _longest_first(rows: Floats) -> Floats:
    parts = [rows[at : at + AHEAD] for at in range(0, len(rows), AHEAD)]
    return np.concatenate([one[np.argsort(-one[:, WORTH], kind="stable")] for one in parts])


def _rested(known: list[tuple[Kind, Cost]]) -> Rested:
    seconds = {basis.value: 0.0 for basis in Basis}
    for kind, cost in known:
        originals = kind.files - kind.copies
        seconds[cost.basis.value] += (
            kind.files * cost.survey.seconds + originals * cost.second * cost.file.seconds
        )
    memory = max((max(cost.survey.memory, cost.file.memory) for _, cost in known), default=0)
    return Rested(seconds, memory, max((kind.mean for kind, _ in known), default=0.0))
