# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two results side by side: what chance does is noise, what the code does is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import results
from benchmarks.compare import FASTER, NOISE, REGRESSION, compare
from pipeline.core.errors import ConfigError

_FILES, _RUNS = 80, 3


def made(
    path: Path,
    seed: int,
    slower: float = 1.0,
    whole: float = 1.0,
    machine: float = 1.0,
    runs: int = _RUNS,
    **more: Any,
) -> Path:
    """Write a result: costs over three powers of ten; noise of each file and of each run."""
    known = np.random.default_rng(1).lognormal(-1.5, 1.6, _FILES)
    chance = np.random.default_rng(seed)
    yardsticks = machine * chance.normal(0.34, 0.05, runs)
    walls = 60.0 * whole * (yardsticks / 0.34) * chance.lognormal(0.0, 0.03, runs)
    times = known[:, None] * chance.lognormal(0.0, 0.08, (_FILES, runs)) * slower
    times = times * (yardsticks / 0.34) * chance.lognormal(0.0, 0.03, runs)
    found = {
        "format": results.FORMAT,
        "kind": "run",
        "corpus": {"sha256": "0" * 64},
        "machine": {"cores": 2},
        "policy": {"sha256": "1" * 64},
        "versions": {"skanearkiv": "1"},
        "repetitions": [
            {
                "workers": 1,
                "yardstick": float(one),
                "wall_seconds": float(wall),
                "outcomes": {"ok": _FILES},
            }
            for one, wall in zip(yardsticks, walls, strict=True)
        ],
        "files": {
            f"f{number}": {"times": [[float(one), 0.0] for one in row]}
            for number, row in enumerate(times)
        },
        **more,
    }
    results.write(found, path)
    return path


def test_chance_is_noise_and_a_fifth_is_a_regression(tmp_path: Path) -> None:
    before = made(tmp_path / "a.json", 0)
    same = [compare(before, made(tmp_path / "b.json", seed), 0.05) for seed in range(1, 21)]
    slow = [
        compare(before, made(tmp_path / "b.json", seed, slower=1.2), 0.05) for seed in range(1, 21)
    ]
    assert sum(one.verdict == NOISE for one in same) >= 18
    assert sum(one.verdict == REGRESSION for one in slow) >= 18
    ratios = [ratio for one in (*same, *slow) for ratio in (one.files, one.runs)]
    assert all(one.low < one.ratio < one.high for one in ratios)
    assert all(abs(one.typical - 1.2) < 0.08 for one in slow)


def test_one_run_each_is_told_and_not_believed_too_much(tmp_path: Path) -> None:
    pairs = [
        compare(
            made(tmp_path / "a.json", seed, runs=1),
            made(tmp_path / "b.json", 99 - seed, runs=1),
            0.05,
        )
        for seed in range(20)
    ]
    assert sum(one.verdict == NOISE for one in pairs) >= 18
    assert all("--repeat" in one.notes[0] for one in pairs)
    slow = made(tmp_path / "b.json", 50, runs=1, slower=1.5)
    assert compare(tmp_path / "a.json", slow, 0.05).verdict == REGRESSION


def test_a_slow_machine_is_no_regression_and_a_fast_one_no_merit(tmp_path: Path) -> None:
    before = made(tmp_path / "a.json", 0)
    assert compare(before, made(tmp_path / "b.json", 1, machine=1.5), 0.05).verdict == NOISE
    assert compare(before, made(tmp_path / "b.json", 2, machine=0.6), 0.05).verdict == NOISE


def test_what_no_file_is_charged_for_is_told(tmp_path: Path) -> None:
    found = compare(made(tmp_path / "a.json", 0), made(tmp_path / "b.json", 1, whole=1.3), 0.05)
    assert (found.verdict, round(found.files.ratio, 1)) == (REGRESSION, 1.0)
    assert found.runs.low > 1.05


def test_faster_is_told(tmp_path: Path) -> None:
    found = compare(made(tmp_path / "a.json", 0), made(tmp_path / "b.json", 1, slower=0.8), 0.05)
    assert found.verdict == FASTER


def test_what_differs_beside_the_code_is_noted(tmp_path: Path) -> None:
    other = made(tmp_path / "b.json", 1, machine=1.0, policy={"sha256": "2" * 64})
    assert compare(made(tmp_path / "a.json", 0), other, 0.05).notes == ("policy: different sha256",)


def test_results_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    first = made(tmp_path / "a.json", 0)
    with pytest.raises(ConfigError, match="different files"):
        compare(first, made(tmp_path / "b.json", 1, corpus={"sha256": "9" * 64}), 0.05)
    with pytest.raises(ConfigError, match="no file in common"):
        compare(first, made(tmp_path / "b.json", 1, files={}), 0.05)
    runs = [{"workers": 2, "yardstick": 0.3, "wall_seconds": 9.0, "outcomes": {}}]
    other = made(tmp_path / "b.json", 1, repetitions=runs)
    with pytest.raises(ConfigError, match="number of workers"):
        compare(first, other, 0.05)
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(ConfigError, match="no result"):
        compare(first, tmp_path / "c.json", 0.05)
