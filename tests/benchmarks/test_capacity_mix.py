# SPDX-License-Identifier: AGPL-3.0-or-later
"""A mix is the same whatever it is read from, and what is none is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import big_ledger
from benchmarks.capacity.mix import read
from pipeline.core.errors import ConfigError
from pipeline.report.build import write_all
from tests.benchmarks.capacity_scenes import result


def test_a_ledger_and_its_report_are_the_same_mix(tmp_path: Path) -> None:
    big_ledger.make(tmp_path, 1000)
    write_all(tmp_path)
    ledger, report = read(tmp_path), read(tmp_path / "report" / "files.csv")
    assert ledger.files == 1000
    assert ledger.kinds == report.kinds
    assert sum(one.copies for one in ledger.kinds) > 0
    assert sum(one.output_bytes or 0 for one in ledger.kinds) > 0


def test_a_result_of_the_benchmarks(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(result({1: 10.0})), encoding="utf-8")
    (kind,) = read(path).kinds
    assert (kind.puid, kind.files, kind.mean, kind.output_bytes) == ("fmt/1", 100, 1000, 200_000)


def test_shares_and_sizes(tmp_path: Path) -> None:
    path = tmp_path / "mix.csv"
    path.write_text("puid,share,bytes\nfmt/40,75,300000\nfmt/18,25,1000\n", encoding="utf-8")
    mix = read(path).scaled(1000)
    assert [round(one.files) for one in mix.kinds] == [750, 250]
    assert mix.bytes == pytest.approx(750 * 300_000 + 250 * 1000)
    assert mix.kinds[0].output_bytes is None
    # Twice the bytes: every file twice as large.
    large = mix.scaled(1000, mix.bytes * 2)
    assert [one.mean for one in large.kinds] == pytest.approx([600_000, 2000])
    assert [one.size_class for one in large.kinds] == [20, 11]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mix.csv", "a,b\n1,2\n", "neither the columns"),
        ("mix.csv", "puid,share,bytes\nfmt/1,many,3\n", "line 2: share and bytes must be numbers"),
        ("mix.csv", "puid,share,bytes\nfmt/1,-1,3\n", "0 or more"),
        ("mix.csv", "puid,share,bytes\nfmt/1,nan,3\n", "0 or more"),
        ("mix.csv", "puid,share,bytes\n", "holds no files"),
        ("mix.csv", "puid,kind,size,same_as,output_size\nfmt/1,regular,x,,\n", "cannot be read"),
        ("mix.txt", "", "is no mix"),
        ("gone.xml", None, "does not exist"),
        ("gone.csv", None, "cannot be read"),
        ("gone.json", None, "cannot be read"),
    ],
)
def test_what_is_no_mix_is_told(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read(path)


def test_a_folder_without_a_ledger_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no ledger"):
        read(tmp_path)
