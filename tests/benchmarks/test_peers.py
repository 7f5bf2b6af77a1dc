# SPDX-License-Identifier: AGPL-3.0-or-later
"""The comparison with peers, on a handful of files; no speed is asserted."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from benchmarks import generator_pdf, peers, peers_plot
from benchmarks.generator_makers import MAKERS
from benchmarks.peers_judge import Court
from benchmarks.peers_plan import Planned, planned, sampled, steps
from benchmarks.peers_tools import Tools
from format_registry import policy as policies
from pipeline.core.errors import ConfigError

_FILES = ("fmt/116", "fmt/291", "fmt/18", "fmt/101", "fmt/477", "x-fmt/392")


def _quiet(text: str) -> None:
    del text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("delivery") / "lev å"
    found.mkdir()
    for puid in _FILES:
        maker = MAKERS[puid]
        name = f"{puid.replace('/', '-')}.{maker.extension}"
        (found / name).write_bytes(maker.make(Random("seed"), 4000))
    (found / "tom.docx").touch()
    (found / "avhuggen.pdf").write_bytes((found / "fmt-18.pdf").read_bytes()[:1500])
    return found


def _state(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def measured(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    before = _state(folder)
    found = peers.measure(folder, tmp_path_factory.mktemp("peers") / "out", 1, seconds=120)
    assert _state(folder) == before, "the source is only read, and nothing is left beside it"
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def test_both_ways_do_the_same_work_and_are_counted_alike(measured: dict[str, Any]) -> None:
    ways = measured["chain"]["ways"]
    assert list(ways) == [peers.OURS, peers.CHAIN]
    for way in ways.values():
        assert way["asked"] == 4  # picture, JPEG 2000, text document, PDF
        assert way["asked"] >= way["made"] >= way["valid"] >= way["faithful"]
        assert way["runs"][0]["cpu_seconds"] > 0.5
        assert way["runs"][0]["exit"] == 0
    assert ways[peers.OURS]["faithful"] == 4
    assert ways[peers.CHAIN]["made"] == 4
    # Nobody looks at what the script makes; the product sets aside what it cannot prove.
    assert ways[peers.OURS]["unnoticed"] == 0
    lacking = 4 - ways[peers.CHAIN]["faithful"] + ways[peers.CHAIN]["made_of_barred"]
    assert ways[peers.CHAIN]["unnoticed"] == lacking
    files = {Path(row["path"]).name: row for row in measured["chain"]["files"]}
    assert [one["tool"] for one in files["fmt-291.odt"]["ways"][peers.CHAIN]["steps"]] == [
        "fido", "soffice", "verapdf",
    ]  # fmt: skip
    assert files["tom.docx"]["ways"][peers.OURS]["outcome"] == "empty"
    assert files["fmt-291.odt"]["ways"][peers.OURS]["accepted"] is True
    kept = files["fmt-477.pdf"]["ways"][peers.CHAIN]["steps"]
    assert (kept[-1]["tool"], kept[-1]["said"]) == ("verapdf", "2b valid")


def test_each_stage_stands_beside_its_peers(measured: dict[str, Any]) -> None:
    stages = measured["stages"]
    assert len(stages["identification"]["ways"]) == 5
    for way in stages["identification"]["ways"].values():
        assert 5 <= way["as_planned"] <= stages["identification"]["count"] == 7
    assert stages["identification"]["ways"]["ours, both engines"]["as_planned"] == 7
    assert stages["pdf"]["ways"]["ours, proof included"]["faithful"] == 1
    for way in stages["office"]["ways"].values():
        assert (way["asked"], way["faithful"]) == (1, 1)
    assert stages["validation"]["count"] == 3
    assert stages["validation"]["agree"] == 3


def test_tables_and_a_picture_are_made_of_it(measured: dict[str, Any], tmp_path: Path) -> None:
    text = peers.markdown(measured)
    assert "| ours |" in text
    assert text.count("\n### ") == 5
    png, svg = peers_plot.draw(measured, tmp_path)
    with Image.open(png) as picture:
        assert picture.width > 900
    assert svg.read_text(encoding="utf-8").startswith("<?xml")


def test_a_sample_is_the_same_for_the_same_seed(folder: Path) -> None:
    rules = policies.load(policies.default_path())
    one, two = (sampled(folder, 1, 4, rules, _quiet) for _ in range(2))
    assert one == two
    assert len(one) == len({each.family for each in one}) < 8


def test_the_judges_see_what_is_valid_and_another_document(folder: Path, tmp_path: Path) -> None:
    rules = policies.load(policies.default_path())
    sample = [one for one in sampled(folder, None, 1, rules, _quiet) if one.puid == "fmt/18"]
    source = next(one for one in planned(sample, rules, tmp_path, _quiet) if not one.barred)
    assert [one["tool"] for one in steps(source, rules)] == ["fido", "ghostscript", "verapdf"]
    other = tmp_path / "other.pdf"
    other.write_bytes(generator_pdf.text(Random("other"), 4000, "1.7", 2))
    court = Court(rules, tmp_path / "court")
    said = court.judged(source, other)
    assert (said["made"], said["valid"], said["faithful"]) == (True, True, False)
    assert "document.text" in said["failed"]
    # As it came: faithful, but no PDF/A.
    said = court.judged(source, source.path)
    assert (said["made"], said["valid"], said["faithful"]) == (True, False, False)
    assert not court.judged(source, tmp_path / "nothing.pdf")["made"]


def test_a_tool_that_takes_too_long_is_killed_and_one_that_fails_is_told(tmp_path: Path) -> None:
    path = tmp_path / "noise.bmp"
    path.write_bytes(b"BM no picture")
    assert Tools(tmp_path, 0.05).verapdf(path, path, "").code == -1
    said = Tools(tmp_path, 60).image(path, tmp_path / "made.tif", "")
    assert said.code != 0
    assert said.text


def test_what_cannot_be_measured_is_a_clear_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing is written there"):
        peers.measure(folder, folder / "out")
    with pytest.raises(ConfigError, match="no folder"):
        peers.measure(tmp_path / "gone", tmp_path / "out")
    with pytest.raises(ConfigError, match="there is no stage"):
        peers.measure(folder, tmp_path / "out", stages=("magic",))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no file"):
        peers.measure(tmp_path / "empty", tmp_path / "out")


def test_a_planned_file_keeps_its_output_apart(tmp_path: Path) -> None:
    one = Planned(7, b"a/\xe5.doc", tmp_path, 1, "fmt/40", "x", extension="pdf")
    assert one.output(tmp_path).name == "000007.pdf"
    assert one.name == "source.doc"
