# SPDX-License-Identifier: AGPL-3.0-or-later
"""The risk table says what NARA says, and the tool that makes it makes this one."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from format_registry import policy as policies
from format_registry import risk

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "make_risk_table.py"
TABLE = ROOT / "format_registry" / "risk.csv"
PLANS = (
    "Format Name,Category/Plan(s),NARA Format ID,PRONOM URL,NARA Risk Level,"
    "NARA Preservation Action,NARA Proposed Preservation Plan\n"
)
MATRIX = "Numeric Risk Rating,Risk Level,NARA Format ID,Risk Level\n"


@pytest.fixture(scope="session")
def nara() -> Path:
    """The folder of NARA's two files; the test is skipped, loudly, without it."""
    value = os.environ.get("SKANEARKIV_NARA")
    if not value:
        pytest.skip("SKANEARKIV_NARA is not set: a folder with NARA's two CSV files is needed")
    path = Path(value)
    assert path.is_dir(), f"SKANEARKIV_NARA={value} is not a folder"
    return path


def make(matrix: Path, plans: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, matrix, plans, "--out", out],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def made(folder: Path, matrix: str, plans: str) -> subprocess.CompletedProcess[str]:
    (folder / "m.csv").write_text(MATRIX + matrix, encoding="utf-8-sig")
    (folder / "p.csv").write_text(PLANS + plans, encoding="utf-8-sig")
    return make(folder / "m.csv", folder / "p.csv", folder / "out.csv")


@pytest.mark.parametrize(
    ("puid", "level", "rating", "action", "plan"),
    [
        ("fmt/412", "low", 28.0, "Retain", "Retain"),
        ("fmt/354", "low", 37.0, "Retain", "Retain"),
        ("fmt/40", "moderate", 13.0, "Transform", "Transform to ODT"),
        ("x-fmt/111", "low", 30.0, "Retain", "Retain"),
    ],
)
def test_what_nara_says(puid: str, level: str, rating: float, action: str, plan: str) -> None:
    (one,) = risk.lookup(puid)
    assert (one.puid, one.level, one.rating) == (puid, level, rating)
    assert (one.action, one.plan) == (action, plan)
    assert re.fullmatch(r"NF\d{5}", one.nara_id)


def test_the_highest_risk_stands_first() -> None:
    several = risk.lookup("fmt/45")
    assert [one.level for one in several] == ["moderate"] * 2 + ["low"] * 3
    assert [one.rating for one in several] == sorted(one.rating for one in several)


def test_what_is_not_in_the_table() -> None:
    assert risk.lookup("fmt/9999") == ()
    assert risk.lookup("") == ()


def test_where_it_comes_from_is_told() -> None:
    source = risk.source()
    assert source.date.isoformat() == "2026-03-20"
    assert source.licence == "CC0-1.0"
    assert source.url.startswith("https://www.archives.gov/")


def test_most_formats_of_our_policy_have_a_risk() -> None:
    puids = {puid for rule in policies.load(policies.default_path()).rules for puid in rule.puids}
    assert sum(bool(risk.lookup(puid)) for puid in puids) > len(puids) / 2


def test_the_table_is_what_the_tool_makes(nara: Path, tmp_path: Path) -> None:
    (matrix,), (plans,) = nara.glob("*risk-matrix*.csv"), nara.glob("*action-plans*.csv")
    done = make(matrix, plans, tmp_path / "risk.csv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "risk.csv").read_bytes() == TABLE.read_bytes()
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (matrix, plans)]
    assert [risk.source().matrix_sha256, risk.source().plans_sha256] == hashes


def test_several_puids_in_a_cell(tmp_path: Path) -> None:
    cell = "https://x/PRONOM/x-fmt/9|https://x/pronom/fmt/10; https://x/FMT/9 https://x/x-cmp/1"
    done = made(
        tmp_path,
        "-4.50,Moderate Risk,NF2,Moderate Risk\n30,Low Risk,NF1,Low Risk\n",
        f"B,Cat,NF2,{cell},Moderate Risk,Retain,  Retain \nA,Cat,NF1,https://x/fmt/10,Low Risk,R,R",
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in (tmp_path / "out.csv").read_text("utf-8").splitlines()]
    assert [(row[0], row[5]) for row in rows[1:]] == [
        ("fmt/9", "NF2"), ("fmt/10", "NF1"), ("fmt/10", "NF2"), ("x-fmt/9", "NF2"),
    ]  # fmt: skip
    assert rows[1] == ["fmt/9", "moderate", "-4.5", "Retain", "Retain", "NF2", "B", "Cat"]


@pytest.mark.parametrize(
    ("matrix", "plans", "said"),
    [
        ("1,Low Risk,NF1,\n", "A,C,NF2,,Low Risk,R,R\n", "in one file only: NF1, NF2"),
        ("1,Low Risk,NF1,Low Risk\n", "A,C,NF1,,High Risk,R,R\n", "different risk levels"),
        ("1,No Risk,NF1,No Risk\n", "A,C,NF1,,No Risk,R,R\n", "'No Risk' is not known"),
        ("x,Low Risk,NF1,Low Risk\n", "A,C,NF1,,Low Risk,R,R\n", "NF1: could not convert"),
        ("1,Low Risk,NF1,L\n2,Low Risk,NF1,L\n", "A,C,NF1,,Low Risk,R,R\n", "stands there twice"),
        ("", "", "no column"),
    ],
)
def test_files_that_do_not_fit_make_no_table(
    tmp_path: Path, matrix: str, plans: str, said: str
) -> None:
    done = made(tmp_path, matrix, plans)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out.csv").exists()
