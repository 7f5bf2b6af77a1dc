# SPDX-License-Identifier: AGPL-3.0-or-later
"""Deliveries made to measure: the same from the same seed, and of the formats asked for."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks import generator, generator_mix, many_files
from benchmarks.generator_makers import MAKERS, SCAN, SCAN_PUID, UNKNOWN, stand_in
from benchmarks.generator_mix import Row
from format_registry import identifier
from pipeline.core.errors import ConfigError
from pipeline.core.records import Verdict
from pipeline.steps.validate import validate

_QUICK = tuple(
    Row(puid, 0.1, 4000)
    for puid in ("x-fmt/111", "fmt/101", "fmt/43", "fmt/412", "fmt/18", "x-fmt/18")
)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    made = [
        generator.make(tmp_path / name, 60, seed, _QUICK)
        for name, seed in (("one", 5), ("two", 5), ("three", 6))
    ]
    one, two, three = (_digests(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert made[0] == made[1]
    assert not set(one.values()) & set(three.values())


def test_shares_sizes_copies_empty_and_damaged_are_what_was_asked(tmp_path: Path) -> None:
    mix = (Row("x-fmt/111", 3, 5000), Row("fmt/101", 1, 20_000))
    told: list[int] = []
    made = generator.make(
        tmp_path / "d", 400, 1, mix, copies=0.1, empty=0.02, damaged=0.05, say=told.append
    )
    assert told == list(range(1, 401))
    assert made.made == {"x-fmt/111": 300, "fmt/101": 100}
    assert (made.copies, made.empty, made.damaged) == (40, 8, 20)
    paths = [path for path in (tmp_path / "d").rglob("*") if path.is_file()]
    assert len(paths) == made.files == 400
    assert sum(path.stat().st_size for path in paths) == made.size
    assert sum(not path.stat().st_size for path in paths) == 8
    several = Counter(_digests(tmp_path / "d").values())
    # Each is of its own but the copies; the empty ones are alike as well.
    assert sum(count - 1 for count in several.values()) == 40 + 8 - 1
    whole = generator.make(tmp_path / "w", 300, 1, mix[:1], copies=0, empty=0, damaged=0)
    assert whole.size / 300 == pytest.approx(5000, rel=0.05)
    sizes = sorted(path.stat().st_size for path in (tmp_path / "w").rglob("*.txt"))
    assert sizes[-1] > 5 * sizes[150], "sizes of files have a long tail"


@pytest.mark.parametrize("puid", MAKERS)
def test_the_engines_and_validators_confirm_what_is_made(puid: str, tmp_path: Path) -> None:
    maker = MAKERS[puid]
    content = maker.make(Random("seed"), 30_000)
    assert content == maker.make(Random("seed"), 30_000)
    assert content != maker.make(Random("other"), 30_000)
    path = tmp_path / f"made.{maker.extension}"
    path.write_bytes(content)
    assert (identifier.identify(path).puid or UNKNOWN) == puid
    assert {one.verdict for one in validate(path, puid or None)} <= {Verdict.VALID}


def test_a_scan_is_pages_of_pictures_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(SCAN.make(Random("seed"), 100_000))
    assert identifier.identify(path).puid == SCAN_PUID
    (found,) = validate(path, SCAN_PUID)
    assert found.verdict is Verdict.VALID
    assert found.properties["needs_ocr"] is True


def test_a_format_without_a_maker_is_stood_in_for_by_its_family_and_that_is_told(
    tmp_path: Path,
) -> None:
    assert stand_in("fmt/1756") == "fmt/412"  # OpenDocument text 1.3: a word processor's
    assert stand_in("fmt/44") == "fmt/43"
    assert stand_in("fmt/99999") == UNKNOWN
    made = generator.make(tmp_path / "d", 10, 1, (Row("fmt/44", 1, 3000),), copies=0)
    assert made.asked == {"fmt/44": 10}
    assert made.as_dict()["stand_ins"] == {"fmt/44": {"made": "fmt/43", "files": 10}}


def test_a_mix_is_read_from_a_report(tmp_path: Path) -> None:
    path = tmp_path / "files.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "kind", "size", "puid", "migrator"])
        rows.writerow(["a.pdf", "regular", 3000, "fmt/18", "scan_to_pdfa"])
        rows.writerow(["b.pdf", "regular", 1000, "fmt/18", "pdf_to_pdfa"])
        rows.writerow(["c.pdf", "regular", 2000, "fmt/18", ""])
        rows.writerow(["d", "regular", 100, "", ""])
        rows.writerow(["tom", "regular", 0, "", ""])
        rows.writerow(["länk", "symlink", 30, "", ""])
    assert generator_mix.read(path) == (
        Row("", 0.25, 100.0),
        Row("fmt/18", 0.5, 1500.0),
        Row("fmt/18", 0.25, 3000.0, scan=True),
    )


def test_what_is_no_mix_is_a_clear_error(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="no puid"):
        generator_mix.read(other)
    with pytest.raises(ConfigError, match="no ledger"):
        generator_mix.read(tmp_path)
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "x").touch()
    with pytest.raises(ConfigError, match="not empty"):
        generator.make(tmp_path / "held", 1, 1, _QUICK)


def test_the_mix_that_is_here_is_whole_and_has_a_maker_for_each_format() -> None:
    mix = generator_mix.default()
    assert sum(row.share for row in mix) == pytest.approx(1.0)
    assert all(row.puid in MAKERS for row in mix)


def test_the_delivery_of_many_files_stays_what_it_was(tmp_path: Path) -> None:
    many_files.write(tmp_path, 240)
    total = hashlib.sha256()
    for name, digest in _digests(tmp_path).items():
        total.update(f"{name} {digest}\n".encode())
    assert total.hexdigest() == "0158229e5122fd7c7f13b42bdfc4773cf41c9501adae25aeba39472a68235cf6"
