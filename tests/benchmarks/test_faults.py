# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fault table: its quick rows, once; and that it tells when something is not as expected."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.faults import ledgers
from benchmarks.faults.__main__ import table
from benchmarks.faults.catalogue import ROWS
from benchmarks.faults.ledgers import Told
from benchmarks.faults.model import Attempt
from benchmarks.faults.work import Table


def test_quick_faults_end_as_expected(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("tool segfaults", "worker killed", "second coordinator", "machine short of memory")
    rows = [one for one in ROWS if one.name in names]
    assert len(rows) == len(names)
    with Table(rows, 1, 1, print) as made:
        found = made.found()
    wrong = {row.name: one for row, (one,) in found if not one.right(row)}
    assert wrong == {}, capsys.readouterr().out
    assert table(found).count("\n") == 1 + len(rows)


def told(outcome: str | None = "ok", output: str = "", times: int = 1) -> Told:
    events = Counter({(1, "validation", "source", "valid"): times})
    return Told("done", outcome, "policy.kept", "", output, output, events)


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (told(), (0, 0, 0)),
        (told(None), (1, 0, 0)),
        (told("crash"), (1, 0, 1)),
        (told(output="another"), (1, 0, 0)),
        (replace(told(output="recorded"), output="gone"), (1, 0, 0)),
        (told(times=2), (0, 1, 0)),
    ],
)
def test_what_differs_from_the_undisturbed_run_is_counted(
    one: Told, counts: tuple[int, int, int]
) -> None:
    undisturbed = {"a.json": told(), "v.json": told()}
    got = {"a.json": one, "v.json": told("crash")}
    assert ledgers.compare(got, undisturbed, ("v.json",))[:3] == counts


def test_a_file_that_the_ledger_does_not_know_is_lost() -> None:
    assert ledgers.compare({}, {"a.json": told()}, ())[0] == 1


def test_another_end_than_the_expected_is_not_right() -> None:
    row = ROWS[0]
    assert Attempt(row.expected, 0, 0, 0, 1.0).right(row)
    assert not Attempt("not injected: it ended before", 0, 0, 0, 1.0).right(row)
    assert not Attempt(row.expected, 0, 0, 1, 1.0).right(row)
