# SPDX-License-Identifier: AGPL-3.0-or-later
"""Costs are those that were measured, and what they are estimated from is told."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest

from benchmarks import big_ledger
from benchmarks.capacity import rates as constants
from benchmarks.capacity import sample, taken_out
from benchmarks.capacity.costs import Basis, Cost, Costs, Part, Servers, from_measures
from benchmarks.capacity.rates import Rates
from pipeline.core.errors import ConfigError
from pipeline.ledger.measures import Taken
from tests.benchmarks.capacity_scenes import rates, result

SERVERS = Servers(frozenset({"verapdf"}), frozenset({"office_to_pdfa"}))


def _cost(file: float, count: int = 10) -> Cost:
    return Cost(Part(count, 0.1, 0.05, 0.2), Part(count, file, file / 2, 2 * file, 100))


def test_a_kind_that_was_measured_costs_its_mean() -> None:
    costs = Costs({("fmt/1", 10): _cost(1.0), ("fmt/1", 12): _cost(9.0)}, "test")
    found = costs.of("fmt/1", 700, 10)
    assert (found.file.seconds, found.basis) == (1.0, Basis.MEASURED)


def test_another_size_lies_between_its_neighbours() -> None:
    costs = Costs({("fmt/1", 10): _cost(1.0), ("fmt/1", 12): _cost(9.0)}, "test")
    half = (0.75 * 2**10 + 0.75 * 2**12) / 2
    found = costs.of("fmt/1", half, 11)
    assert (found.file.seconds, found.basis) == (pytest.approx(5.0), Basis.SIZES)
    assert found.survey.seconds == pytest.approx(0.1)


def test_beyond_what_was_measured_bytes_count() -> None:
    costs = Costs({("fmt/1", 10): _cost(1.0), ("fmt/1", 12): _cost(9.0)}, "test")
    mean = (0.75 * 2**10 + 0.75 * 2**12) / 2
    large = costs.of("fmt/1", 100 * mean, 18)
    assert (large.file.seconds, large.basis) == (pytest.approx(500.0), Basis.BYTES)
    # Not below the least that was measured.
    assert costs.of("fmt/1", 1, 1).file.seconds == pytest.approx(1.0)


def test_an_unknown_format_costs_the_mean_of_all() -> None:
    costs = Costs({("fmt/1", 10): _cost(1.0, 30), ("fmt/2", 12): _cost(9.0, 10)}, "test")
    found = costs.of("fmt/9", 700, 10)
    assert (found.file.seconds, found.basis) == (pytest.approx(3.0), Basis.MIX)
    assert costs.doubt(found.file, found.basis) > costs.doubt(_cost(1.0).file, Basis.MEASURED)


def test_the_spread_follows_the_longest() -> None:
    assert Part(100, 1.0, 0.5, 1.0).sigma == 0.0
    narrow, wide = Part(100, 1.0, 0.5, 2.0).sigma, Part(100, 1.0, 0.5, 10.0).sigma
    assert 0 < narrow < wide
    costs = Costs({("fmt/1", 10): _cost(1.0)}, "test")
    few, many = (Part(count, 1.0, 0.5, 2.0) for count in (10, 1000))
    assert costs.doubt(many, Basis.MEASURED) < costs.doubt(few, Basis.MEASURED) / 5


def test_measures_become_costs() -> None:
    key = ("fmt/1", 10)
    rows = [
        Taken("survey", "", *key, 20, 4.0, 0.5, 2.0, 7),
        Taken("identify", "", *key, 20, 3.0, 0.5, 2.0, 7),
        Taken("file", "", *key, 12, 24.0, 5.0, 6.0, 9),
        Taken("validate", "verapdf", *key, 4, 1.0, 0.5, 0.1, 9),
        Taken("survey", "", "", 0, 3, 0.3, 0.1, 0.0, 0),
    ]
    # Two runs of ten files, four of them copies; empty files have no second job.
    found = from_measures(rows, {key: (10, 4)}, SERVERS)
    assert found[key].survey == Part(20, 0.2, 0.1, 0.5, 7)
    assert found[key].file == Part(12, 2.0, 0.5, 5.0, 9)
    assert (found[key].second, found[key].jvm, found[key].office) == (1.0, 4 / 12, 0.0)
    assert found["", 0].second == 0.0


def _read(tmp_path: Path, walls: dict[int, float]) -> sample.Sample:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result(walls)), encoding="utf-8")
    return sample.read(path)


def test_what_a_run_alone_cost_is_taken_out(tmp_path: Path) -> None:
    given = _read(tmp_path, {2: 100.0})
    key = ("fmt/1", 10)
    plain = taken_out.costs(given, rates(), SERVERS).kinds[key]
    assert plain.file.seconds == pytest.approx(2.0)
    # Two workers started their servers: 1.5 s each, of 100 files.
    less = taken_out.costs(given, rates(libraries_start=1.5), SERVERS).kinds[key]
    assert less.file.seconds == pytest.approx(2.0 - 2 * 1.5 / 100)
    # A start that is longer than the longest was in none of them.
    assert taken_out.costs(given, rates(libraries_start=5), SERVERS).kinds[key] == plain


def test_a_crowded_machine_is_not_taken_for_slow_files(tmp_path: Path) -> None:
    crowded = _read(tmp_path, {16: 100.0})
    alone = taken_out.costs(crowded, rates(worker_file_cpu=1.2), SERVERS).kinds["fmt/1", 10]
    assert alone.file.seconds < 1.9


def test_files_cost_what_they_do_with_the_fewest_workers(tmp_path: Path) -> None:
    made = result({1: 215.0, 8: 40.0})
    for row in made["costs"]:
        if row["workers"] == 8:
            row["seconds"] *= 3
    path = tmp_path / "result.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    cost = taken_out.costs(sample.read(path), rates(), SERVERS).kinds["fmt/1", 10]
    assert cost.file.seconds == pytest.approx(2.0)
    assert cost.file.count == 100


def test_crowding_is_the_middle_of_pairs(tmp_path: Path) -> None:
    made = result({1: 215.0, 8: 40.0})
    few, many = made["repetitions"]
    made["repetitions"] = []
    # The second pair was measured on a machine that was slower at that time.
    for few_seconds, many_seconds in ((50.0, 55.0), (100.0, 112.0), (50.0, 100.0)):
        made["repetitions"].append({**few, "cpu_seconds": {"tools": few_seconds}})
        made["repetitions"].append({**many, "cpu_seconds": {"tools": many_seconds}})
    path = tmp_path / "result.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    assert taken_out.fitted(rates(), sample.read(path)).crowding == pytest.approx(1.12)
    # With one number of workers nothing is known, and the constant holds.
    assert taken_out.fitted(rates(crowding=1.3), _read(tmp_path, {1: 215.0})).crowding == 1.3


def test_what_java_takes_to_become_fast_is_no_files_cost(tmp_path: Path) -> None:
    made = result({2: 120.0})
    made["costs"].append({**made["costs"][1], "stage": "validate", "tool": "verapdf"})
    path = tmp_path / "result.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    servers = Servers(frozenset({"verapdf"}), frozenset())
    costs = taken_out.costs(sample.read(path), rates(jvm_warming=5.0), servers)
    # Two machines of 5 s each, in 200 s of a hundred files.
    assert costs.kinds["fmt/1", 10].file.seconds == pytest.approx(1.9)
    costs = taken_out.costs(sample.read(path), rates(jvm_warming=500.0), servers)
    assert costs.kinds["fmt/1", 10].file.seconds == pytest.approx(1.0)


def test_start_and_end_are_the_samples_own(tmp_path: Path) -> None:
    given = _read(tmp_path, {1: 210.0, 2: 110.0})
    fitted = taken_out.fitted(
        rates(scan_file=0.01, records_file=0.002, start=99, records=99), given
    )
    assert fitted.start == pytest.approx(4.0 - 1.0)
    assert fitted.records == pytest.approx(1.0 - 0.2)
    # A hundred files do not tell what each adds to a ledger.
    assert given.stored == {}


def test_a_runs_folder_is_a_sample(tmp_path: Path) -> None:
    big_ledger.make(tmp_path, 2000)
    given = sample.read(tmp_path)
    shipped, servers = constants.load()
    costs = taken_out.costs(given, shipped, servers)
    assert {one.basis for one in costs.kinds.values()} == {Basis.MEASURED}
    assert given.repetitions[0].workers == 2
    assert given.stored["ledger"] > 1000
    assert given.mix.files == 2000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("{}", "is no result"),
        (json.dumps({**result({1: 9.0}), "costs": []}), "holds no measured costs"),
        (json.dumps({**result({1: 9.0}), "machine": {}}), "not as a result of a run should be"),
        (json.dumps({**result({1: 9.0}), "mix": None}), "holds no mix"),
        (json.dumps({**result({1: 9.0}), "mix": [{"puid": "x"}]}), "a row of its mix"),
    ],
)
def test_what_is_no_sample_is_told(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        sample.read(path)


def test_every_shipped_constant_says_how_it_was_measured() -> None:
    found = constants.shipped()
    assert set(found) == {one.name for one in fields(Rates)} | {"servers"}
    for name, table in found.items():
        if name != "servers":
            assert len(table["how"]) > 10, name
            assert table["unit"] == constants.unit(name), name
    loaded, _ = constants.load()
    assert loaded.record_file > 0
    text = (files("benchmarks.capacity") / "texts.toml").read_text(encoding="utf-8")
    for name, one in tomllib.loads(text).items():
        assert name == "notes" or {"what", "remedy"} == set(one)


def test_constants_of_another_machine(tmp_path: Path) -> None:
    path = tmp_path / "rates.toml"
    path.write_text('[commit]\nvalue = 0.004\nunit = "s"\nhow = "300 commits"\n', encoding="utf-8")
    shipped, _ = constants.load()
    loaded, _ = constants.load(path)
    assert loaded.commit == 0.004
    assert loaded.record_file == shipped.record_file
    for text, message in (
        ("[comit]\nvalue = 1\n", "no rate 'comit'"),
        ("[commit]\nvalue = 1\n", "how it was measured"),
        ('[commit]\nvalue = -1\nunit = "s"\nhow = "so"\n', "0 or more"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=message):
            constants.load(path)
