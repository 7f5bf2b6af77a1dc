# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv bench compare A B`: is B slower than A, or is that noise?

Files are pairs: the same file in both results. Each repetition's times are taken in multiples
of what a fixed piece of work took beside it (machine.yardstick), so that a slow hour of a
shared machine is none of the code's. The interval is a bootstrap's over both that vary: which
files there are, and how a repetition went (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapters 8 and 13: resampling by levels, percentile intervals).
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
_LEVEL = 0.95
NOISE, REGRESSION, FASTER = "noise", "regression", "improvement"


@dataclass(frozen=True, slots=True)
class Compared:
    """B by A: 1.2 is a fifth slower. `low` and `high`: 95 per cent of what chance would give."""

    verdict: str
    ratio: float
    low: float
    high: float
    typical: float
    files: int
    repetitions: tuple[int, int]
    tolerance: float
    notes: tuple[str, ...]


def compare(first: Path, second: Path, tolerance: float) -> Compared:
    """Compare two results of the same files.

    `ratio` is of all seconds together, `typical` the middle of the files' own ratios. It is a
    regression when the whole interval lies above 1 + `tolerance`, an improvement when it lies
    below 1 / (1 + `tolerance`). Raises ConfigError when the two cannot be compared.
    """
    one, other = results.read(first), results.read(second)
    if one["corpus"]["sha256"] != other["corpus"]["sha256"]:
        raise ConfigError(f"{first} and {second} were measured on different files")
    names, before, after = _pairs(one, other)
    ratios = _drawn(before, after)
    low, high = np.quantile(ratios, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    ratio = float(after.mean(axis=1).sum() / before.mean(axis=1).sum())
    own = np.median(after, axis=1) / np.median(before, axis=1)
    verdict = NOISE
    if low > 1 + tolerance:
        verdict = REGRESSION
    elif high < 1 / (1 + tolerance):
        verdict = FASTER
    return Compared(
        verdict, round(ratio, 4), round(float(low), 4), round(float(high), 4),
        round(float(np.median(own)), 4), len(names), (before.shape[1], after.shape[1]),
        tolerance, tuple(_notes(one, other)),
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
    yardsticks = np.array([run["yardstick"] for run in made["repetitions"]])
    times = np.array([[time[0] for time in made["files"][name]["times"]] for name in names])
    return np.asarray(times / yardsticks, dtype=np.float64)


def _drawn(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ratio in each draw."""
    chance = np.random.default_rng(_SEED)
    files = before.shape[0]
    found = np.empty(_DRAWS)
    for number in range(_DRAWS):
        chosen = chance.integers(0, files, files)
        runs = chance.integers(0, before.shape[1], before.shape[1])
        others = chance.integers(0, after.shape[1], after.shape[1])
        total = before[chosen][:, runs].mean(axis=1).sum()
        found[number] = after[chosen][:, others].mean(axis=1).sum() / total
    return found


def _notes(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = []
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
