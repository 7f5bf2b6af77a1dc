# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command's answers, and the check against what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.capacity import check, sample, taken_out, words
from benchmarks.capacity import rates as constants
from benchmarks.capacity.plan import fewest
from tests.benchmarks.capacity_scenes import result

_COMMAND = [sys.executable, "-c", "from pipeline.cli.main import run; run()", "capacity"]


def _capacity(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*_COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def _written(tmp_path: Path, name: str, made: dict[str, Any]) -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def test_the_fewest_workers_are_found() -> None:
    assert fewest(lambda n: 1000 / n, 100) == (10, True)
    assert fewest(lambda n: 1000 / n, 100, guess=64) == (10, True)
    assert fewest(lambda n: 1000 / n, 2000) == (1, True)
    # Level from 20 workers on.
    count, met = fewest(lambda n: max(1000 / n, 50), 40)
    assert not met
    assert 18 <= count <= 21


def test_a_deadline_is_met_by_as_few_as_are_named(tmp_path: Path) -> None:
    path = _written(tmp_path, "run.json", result({1: 215.0, 2: 110.0}))
    code, out, _ = _capacity("--files", "5000", "--mix", str(path), "--deadline", "30min", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["met"] is True
    assert found["hours"] <= 0.5
    # 2.02 s a file: 2.8 worker hours.
    assert 6 <= found["workers"] <= 7
    fewer = ("--workers", str(found["workers"] - 1))
    code, out, _ = _capacity(
        "--files", "5000", "--mix", str(path), "--deadline", "30min", "--json", *fewer
    )
    assert code == 1
    assert json.loads(out)["met"] is False
    low, high = found["hours_range"]
    assert low <= found["hours"] <= high
    assert found["stored_bytes"]["outputs"] == pytest.approx(5000 * 2000, rel=0.01)
    shipped, _ = constants.load()
    assert found["stored_bytes"]["ledger"] == pytest.approx(5000 * shipped.ledger_bytes_file)
    assert found["rests_on"]["measured"] == pytest.approx(1.0)
    assert found["limits"][0]["resource"] == "slots"


def test_the_table_says_what_gives_out_and_what_helps(tmp_path: Path) -> None:
    path = _written(tmp_path, "run.json", result({1: 215.0}))
    mix = tmp_path / "mix.csv"
    mix.write_text("puid,share,bytes\nfmt/1,9,1000\nfmt/2,1,1000\n", encoding="utf-8")
    slow = tmp_path / "rates.toml"
    slow.write_text('[record_file]\nvalue = 0.05\nunit = "s"\nhow = "made up"\n', encoding="utf-8")
    code, out, _ = _capacity(
        "--files", "10000", "--mix", str(mix), "--costs", str(path), "--deadline", "5min",
        "--slots-per-machine", "20", "--rates", str(slow),
    )  # fmt: skip
    told = " ".join(out.split())
    assert code == 1
    assert "NOT met" in told
    assert "the coordinator's process" in told.lower()
    assert "Parted into" in told
    assert "10 % on the mean of all formats" in told


def test_storage_that_is_too_slow_is_named(tmp_path: Path) -> None:
    path = _written(tmp_path, "run.json", result({1: 215.0}))
    code, out, _ = _capacity(
        "--files", "20000", "--mix", str(path), "--deadline", "30d",
        "--workers", "50", "--disk", "0.005", "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert code == 0
    assert found["limits"][0]["resource"] == "storage"
    # Read twice, and twice as much written.
    assert found["hours"] == pytest.approx(20_000 * 4000 / 5000 / 3600, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--deadline", "soon"], "is no time"),
        (["--deadline", "0h"], "is no time"),
        (["--deadline", "2h", "--bytes", "many"], "is no size"),
        (["--deadline", "2h", "--mix", "nowhere.csv"], "cannot be read as a mix"),
        (["--deadline", "2h", "--costs", "nowhere.json"], "does not exist"),
        (["--deadline", "2h", "--rates", "nowhere.toml"], "No such file"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    path = _written(tmp_path, "run.json", result({1: 215.0}))
    code, out, err = _capacity("--files", "100", "--mix", str(path), *arguments)
    assert code == 2
    assert out == ""
    assert message in " ".join(err.split())


def test_what_carries_no_costs_needs_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.capacity import ask
    from pipeline.core.errors import ConfigError

    monkeypatch.setattr(sample, "SHIPPED", tmp_path / "run.json")
    mix = tmp_path / "mix.csv"
    mix.write_text("puid,share,bytes\nfmt/1,1,1000\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="give some with --costs"):
        ask.read(mix)
    _written(tmp_path, "run.json", result({1: 215.0}))
    assert ask.read(mix).costs.source.endswith("run.json")


def test_the_check_compares_with_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = _written(tmp_path, "sample.json", result({1: 215.0}))
    loaded, servers = constants.load()
    taken = sample.read(given)
    fitted, costs = taken_out.fitted(loaded, taken), taken_out.costs(taken, loaded, servers)
    walls = {workers: check.predicted(costs, fitted, taken, workers) for workers in (1, 4)}
    right = _written(tmp_path, "right.json", result(walls))
    assert check.main([str(given), str(right)]) == 0
    assert f"| {tmp_path.name}/right.json | 4 |" in " ".join(capsys.readouterr().out.split())
    wrong = _written(tmp_path, "wrong.json", result({1: walls[1] * 1.3}))
    assert check.main([str(given), str(right), str(wrong), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [round(one["error"]) for one in rows] == [0, 0, -23]
    assert check.main([str(given), str(tmp_path / "gone.json")]) == 2


def test_sizes_as_people_say_them() -> None:
    assert [words.size(one) for one in (0, 999, 1500, 2.5e12)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.5 TB",
    ]
