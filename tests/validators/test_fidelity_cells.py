# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.core.errors import DamagedError
from pipeline.core.records import Check
from tests.contract.samples import MONTHS, xlsx
from validators.fidelity.cells import JUDGE


def rows(**changed: str) -> str:
    lines = []
    for number, month in enumerate(MONTHS, 1):
        day = (date(2001, 4, 19) + timedelta(number)).isoformat()
        line = [month, repr(number * 1234.56), day, repr(number * 2469.12)]
        lines.append(",".join(line))
    text = "\r\n".join(lines)
    for old, new in changed.values():
        assert old in text
        text = text.replace(old, new)
    return text


def judged(tmp_path: Path, text: str) -> dict[str, Check]:
    source, target = tmp_path / "a.xlsx", tmp_path / "a.csv"
    source.write_bytes(xlsx())
    target.write_text(text, encoding="utf-8")
    return {check.property: check for check in JUDGE.compare(source, target, "fmt/214", {}, {})}


def test_every_value_is_there(tmp_path: Path) -> None:
    checks = judged(tmp_path, rows())
    assert checks["document.cells"].passed, checks["document.cells"].note
    assert (checks["document.cells"].before, checks["document.sheets"].before) == ("32", "1")


@pytest.mark.parametrize(
    "change", [("januari", "februari"), ("1234.56", "1234.5"), ("2001-04-20", "2001-04-19")]
)
def test_one_changed_value_fails_and_is_named(tmp_path: Path, change: tuple[str, str]) -> None:
    check = judged(tmp_path, rows(a=change))["document.cells"]
    assert (check.passed, check.after) == (False, "31")
    assert "Anslag!R1" in check.note


def test_no_utf8_is_damaged(tmp_path: Path) -> None:
    source, target = tmp_path / "a.xlsx", tmp_path / "a.csv"
    source.write_bytes(xlsx())
    target.write_bytes(b"\xe5\xe4\xf6")
    with pytest.raises(DamagedError):
        JUDGE.compare(source, target, "fmt/214", {}, {})
