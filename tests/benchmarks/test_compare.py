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


def made(path: Path, seed: int, slower: float = 1.0, machine: float = 1.0, **more: Any) -> Path:
    """Write a result: costs over three powers of ten, eight per cent of noise each."""
    known = np.random.default_rng(1).lognormal(-1.5, 1.6, _FILES)
    chance = np.random.default_rng(seed)
    yardsticks = machine * chance.normal(0.34, 0.01, _RUNS)
    times = known[:, None] * chance.lognormal(0.0, 0.08, (_FILES, _RUNS)) * slower
    times = times * (yardsticks / 0.34)
    found = {
        "format": results.FORMAT,
        "kind": "run",
        "corpus": {"sha256": "0" * 64},
        "machine": {"cores": 2},
        "policy": {"sha256": "1" * 64},
        "versions": {"skanearkiv": "1"},
        "repetitions": [
            {"workers": 1, "yardstick": float(one), "outcomes": {"ok": _FILES}}
            for one in yardsticks
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
    assert all(one.low < one.ratio < one.high for one in (*same, *slow))
    assert all(abs(one.typical - 1.2) < 0.08 for one in slow)


def test_a_slow_machine_is_no_regression_and_a_fast_one_no_merit(tmp_path: Path) -> None:
    before = made(tmp_path / "a.json", 0)
    assert compare(before, made(tmp_path / "b.json", 1, machine=1.5), 0.05).verdict == NOISE
    assert compare(before, made(tmp_path / "b.json", 2, machine=0.6), 0.05).verdict == NOISE


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
    runs = [{"workers": 2, "yardstick": 0.3, "outcomes": {}}]
    other = made(tmp_path / "b.json", 1, repetitions=runs)
    with pytest.raises(ConfigError, match="number of workers"):
        compare(first, other, 0.05)
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(ConfigError, match="no result"):
        compare(first, tmp_path / "c.json", 0.05)
