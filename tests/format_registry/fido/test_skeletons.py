# SPDX-License-Identifier: AGPL-3.0-or-later
"""How often the answer is the true one, on files made from PRONOM's own signatures."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from format_registry import agreement, siegfried
from format_registry.agreement import Ruling
from format_registry.fido.engine import Answer, Engine
from pipeline.core.records import Agreement

_NAME = re.compile(r"((?:x-)?fmt)-(\d+)-(container-)?signature-id-")


@dataclass(frozen=True)
class Row:
    name: str
    true: str
    container: bool
    fido: Answer
    siegfried: siegfried.Answer
    ruling: Ruling

    @property
    def puids(self) -> tuple[str, ...]:
        return tuple(one.puid for one in self.fido.matches)

    def __str__(self) -> str:
        others = self.siegfried.opinion.puids
        ruled = f"{self.ruling.puid} ({self.ruling.agreement})"
        return f"{self.name}: FIDO {self.puids}, Siegfried {others}, both {ruled}"


@pytest.fixture(scope="module")
def rows(national: Engine, skeleton_files: list[Path]) -> list[Row]:
    found = []
    for path in skeleton_files:
        name = _NAME.match(path.name)
        assert name, path
        with path.open("rb") as stream:
            two = national.open(stream, path.name)
        one = siegfried.ask(path)
        # Siegfried's signatures are the newer ones here.
        ruling = agreement.rule(one, two, national.set, lambda _puid: False)
        true = f"{name[1]}/{name[2]}"
        found.append(Row(path.name, true, bool(name[3]), two, one, ruling))
    return found


def table(rows: list[Row]) -> str:
    kinds = Counter(
        (len(row.puids) == 1 and row.puids[0] == row.true, row.ruling.puid == row.true)
        for row in rows
    )
    counts = [f"FIDO right {one}, both right {two}: {count}" for (one, two), count in kinds.items()]
    wrong = [str(row) for row in rows if row.ruling.puid != row.true or row.puids != (row.true,)]
    return "\n".join(["", *counts, *wrong])


def test_fido_alone_is_right_for_995_in_a_thousand(rows: list[Row]) -> None:
    right = sum(row.puids == (row.true,) for row in rows)
    assert right / len(rows) >= 0.995, table(rows)


def test_every_container_is_named_exactly(rows: list[Row]) -> None:
    inside = [row for row in rows if row.container]
    assert len(inside) > 100
    assert all(row.puids == (row.true,) for row in inside), table(inside)


def test_both_together_are_right_for_995_in_a_thousand(rows: list[Row]) -> None:
    right = sum(row.ruling.puid == row.true for row in rows)
    assert right / len(rows) >= 0.995, table(rows)


def test_a_wrong_answer_that_an_engine_contradicts_is_shown_to_a_person(
    both: tuple[Engine, Engine], skeleton_files: list[Path], rows: list[Row]
) -> None:
    wrong, silent = 0, []
    # By older signatures and without the files' names, FIDO is wrong far more often.
    for engine in both:
        for path, row in zip(skeleton_files, rows, strict=True):
            with path.open("rb") as stream:
                two = engine.open(stream, "unnamed")
            ruling = agreement.rule(row.siegfried, two, engine.set, lambda _puid: False)
            named = {one.puid for one in two.matches}
            wrong += named != {row.true}
            known = row.true in named or row.true in row.siegfried.opinion.puids
            if known and ruling.puid != row.true and not ruling.conflict:
                silent.append((engine.set.name, str(row), named, ruling))
    assert wrong > 100
    assert silent == []


def test_where_the_engines_agree_the_answer_is_one_of_both(rows: list[Row]) -> None:
    agreed = [row for row in rows if row.ruling.agreement is Agreement.AGREE]
    assert len(agreed) / len(rows) > 0.9, table(rows)
    for row in agreed:
        assert row.ruling.puid in (row.fido.contenders or row.puids), row
        assert row.ruling.puid in row.siegfried.opinion.puids, row
