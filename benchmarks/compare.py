# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv bench compare A B`: is B slower than A, or is that noise?

Files are pairs: the same file in both results. Each repetition's times are taken in multiples
of what a fixed piece of work took meanwhile (`machine.Pace`), so that a slow hour of a shared
machine is none of the code's. Two things are compared: what the files took, and what the whole
run took, with what no file is charged for (start, commits, waiting, records). The intervals
are a bootstrap's over the pairs (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 8 and 13, percentile intervals); how the repetitions went is drawn from Student's t,
since so few of them cannot be drawn from, and their spread is a mean of theirs and of a known
one (as Smyth moderates variances: Linear models and empirical Bayes methods, Statistical
Applications in Genetics and Molecular Biology 3, 2004, section 3).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import results
from pipeline.core.errors import ConfigError

_DRAWS = 4000
_SEED = 7
# Five in a hundred beyond each end: a regression is a claim about one end alone.
_LEVEL = 0.9
# How runs of the same code differ, as a standard deviation: of eight runs of the same 94 files
# in multiples of their own pace (their seconds lay between 31 and 47). It counts as much as
# four repetitions more.
_KNOWN, _WEIGHT = 0.04, 4
NOISE, REGRESSION, FASTER = "noise", "regression", "improvement"


@dataclass(frozen=True, slots=True)
class Ratio:
    """B by A: 1.2 is a fifth slower. `low` and `high`: 90 per cent of what chance would give."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Compared:
    """What files and whole runs took, B by A; `typical` is the middle of the files' ratios."""

    verdict: str
    files: Ratio
    runs: Ratio
    typical: float
    pairs: int
    repetitions: tuple[int, int]
    tolerance: float
    notes: tuple[str, ...]


def compare(first: Path, second: Path, tolerance: float) -> Compared:
    """Compare two results of the same files.

    It is a regression when the whole interval of the files or of the runs lies above
    1 + `tolerance`; an improvement when one lies below 1 / (1 + `tolerance`) and none above.
    Raises ConfigError when the two cannot be compared.
    """
    one, other = results.read(first), results.read(second)
    if one["corpus"]["sha256"] != other["corpus"]["sha256"]:
        raise ConfigError(f"{first} and {second} were measured on different files")
    names, before, after = _pairs(one, other)
    files = _ratio(before, after)
    runs = _ratio(_walls(one), _walls(other))
    own = np.median(after, axis=1) / np.median(before, axis=1)
    verdict = NOISE
    if max(files.low, runs.low) > 1 + tolerance:
        verdict = REGRESSION
    elif min(files.high, runs.high) < 1 / (1 + tolerance):
        verdict = FASTER
    return Compared(
        verdict, files, runs, round(float(np.median(own)), 4), len(names),
        (before.shape[1], after.shape[1]), tolerance, tuple(_notes(one, other)),
    )  # fmt: skip


def _pairs(
    one: dict[str, Any], other: dict[str, Any]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return the files that both have with all repetitions, and their times: (files, runs)."""
    workers = {run["workers"] for made in (one, other) for run in made["repetitions"]}
    if len(workers) != 1:
        raise ConfigError(
            "only runs of one number of workers can be compared; these have "
            + ", ".join(str(count) for count in sorted(workers))
        )
    runs, others = len(one["repetitions"]), len(other["repetitions"])
    names = sorted(
        name
        for name in one["files"].keys() & other["files"].keys()
        if len(one["files"][name]["times"]) == runs
        and len(other["files"][name]["times"]) == others
        and min(time[0] for made in (one, other) for time in made["files"][name]["times"]) > 0
    )
    if not names:
        raise ConfigError("the two results have no file in common that took any time")
    return names, _times(one, names), _times(other, names)


def _times(made: dict[str, Any], names: list[str]) -> NDArray[np.float64]:
    times = np.array([[time[0] for time in made["files"][name]["times"]] for name in names])
    return np.asarray(times / _paces(made), dtype=np.float64)


def _walls(made: dict[str, Any]) -> NDArray[np.float64]:
    """Return the whole runs, as one file that took all of it: (1, runs)."""
    walls = np.array([[run["wall_seconds"] for run in made["repetitions"]]])
    return np.asarray(walls / _paces(made), dtype=np.float64)


def _paces(made: dict[str, Any]) -> NDArray[np.float64]:
    return np.array([run["yardstick"] for run in made["repetitions"]], dtype=np.float64)


def _ratio(before: NDArray[np.float64], after: NDArray[np.float64]) -> Ratio:
    """Return what (files, runs) took together, and what chance would give."""
    chance = np.random.default_rng(_SEED)
    chosen = chance.integers(0, len(before), (_DRAWS, len(before)))
    one, other = before.mean(axis=1), after.mean(axis=1)
    drawn = np.log(other[chosen].sum(axis=1) / one[chosen].sum(axis=1))
    spread, freedom = _spread(before, after)
    drawn += chance.standard_t(freedom, _DRAWS) * spread
    low, high = np.exp(np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]))
    ratio = other.sum() / one.sum()
    return Ratio(round(float(ratio), 4), round(float(low), 4), round(float(high), 4))


def _spread(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, int]:
    """Return the standard error of a logarithm of means, and its degrees of freedom."""
    squares, freedom = _WEIGHT * _KNOWN**2, _WEIGHT
    for times in (before, after):
        runs = np.log(times.sum(axis=0))
        squares += float(((runs - runs.mean()) ** 2).sum())
        freedom += len(runs) - 1
    error = squares / freedom * (1 / before.shape[1] + 1 / after.shape[1])
    return float(np.sqrt(error)), freedom


def _notes(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = []
    if min(len(made["repetitions"]) for made in (one, other)) == 1:
        found.append("one run tells nothing of how runs vary; use --repeat 3 or more")
    for name in ("machine", "policy", "versions"):
        keys = one[name].keys() | other[name].keys()
        different = sorted(
            key for key in keys - {"load"} if one[name].get(key) != other[name].get(key)
        )
        if different:
            found.append(f"{name}: different {', '.join(different)}")
    outcomes = [made["repetitions"][0]["outcomes"] for made in (one, other)]
    if outcomes[0] != outcomes[1]:
        found.append(f"outcomes: {outcomes[0]} and {outcomes[1]}")
    return found


def as_data(found: Compared) -> dict[str, Any]:
    """Return it for JSON."""
    return asdict(found)
