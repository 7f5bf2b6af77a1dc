# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was measured of a kind of files decides batches, limits and what is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.settings import Batches, Settings
from pipeline.core.measuring import Measure
from pipeline.execution.estimates import Estimates, Remaining
from pipeline.execution.feed import Feed
from pipeline.ledger.store import Ledger
from tests.ledger.test_store import FACTS, opened, scanned, survey

PDF = "fmt/276"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = opened(tmp_path)
    one.start_run(FACTS)
    yield one
    one.close()


def took(seconds: float, step: float = 0.0) -> list[Measure]:
    return [Measure("migrate", "", step, 0.0, 0), Measure("file", "", seconds, 0.0, 0)]


def learnt(ledger: Ledger, seconds: float, count: int = 5) -> Estimates:
    found = Estimates(ledger.database, {PDF})
    for _ in range(count):
        found.measured(PDF, 10, took(seconds))
    return found


def test_a_prior_holds_until_enough_is_measured(ledger: Ledger) -> None:
    found = Estimates(ledger.database, {PDF})
    assert found.seconds(PDF, 10) > 1 > found.seconds("x-fmt/111", 10)
    for _ in range(3):
        found.measured(PDF, 10, took(0.2))
    assert found.seconds(PDF, 10) == pytest.approx(0.2)
    # No file of that size yet: the format's mean.
    assert found.seconds(PDF, 10_000_000) == pytest.approx(0.2)


def test_the_ledger_keeps_what_was_measured(ledger: Ledger) -> None:
    scanned(ledger, "a", "b", "c")
    for one in ledger.new_files(0, 10):
        found = survey(ledger, one.file, f"{one.file}")
        measures = (Measure("survey", "", 0.5, 0.1, 100), Measure("file", "", 4.0, 0.1, 100))
        ledger.surveyed([type(found)(*_fields(found), measures)])
    estimates = Estimates(ledger.database)
    assert estimates.survey_seconds() == pytest.approx(0.5)
    assert estimates.seconds(PDF, 10) == pytest.approx(4.0)


def _fields(one: object) -> list[object]:
    names = ("file", "sha256", "sha512", "identification", "outcome", "code", "detail", "events")
    return [getattr(one, name) for name in names]


def test_cheap_files_go_together_and_dear_ones_alone(ledger: Ledger) -> None:
    names = [f"{number}.pdf" for number in range(40)]
    scanned(ledger, *names)
    files = [one.file for one in ledger.new_files(0, 100)]
    ready = ledger.surveyed([survey(ledger, file, f"{file}") for file in files])
    settings = Settings(batches=Batches(files=16))
    for seconds, expected in ((5.0, 1), (0.25, 4), (0.001, 16)):
        feed = Feed(ledger, settings, learnt(ledger, seconds), lambda _file, _twin: False)
        feed.add(ready)
        batch = feed.next()
        assert batch is not None
        assert len(batch.files) == expected, seconds


def test_a_limit_is_raised_for_what_is_known_to_be_slow(ledger: Ledger) -> None:
    found = Estimates(ledger.database)
    assert found.limit(PDF, 10, 100.0) == 100.0
    found.measured(PDF, 10, took(95.0, 90.0))
    assert found.limit(PDF, 10, 100.0) == 180.0
    assert found.limit(PDF, 20, 100.0) == 180.0  # a power of two larger
    assert found.limit(PDF, 1000, 100.0) == 100.0
    assert found.limit("fmt/1", 10, 100.0) == 100.0
    found.measured(PDF, 10, took(900.0, 900.0))
    assert found.limit(PDF, 10, 100.0) == 400.0  # and not without end


def test_a_limit_is_never_lowered(ledger: Ledger) -> None:
    found = learnt(ledger, 0.001)
    assert found.limit(PDF, 10, 300.0) == 300.0


def test_what_is_left_is_by_kind(ledger: Ledger) -> None:
    found = learnt(ledger, 2.0)
    left = Remaining(found, ledger.database)
    for _ in range(10):
        left.identified(PDF, 10)
    assert left.seconds(10) == pytest.approx(20.0)
    left.done(PDF, 10)
    assert left.seconds(9) == pytest.approx(18.0)
    # What is not identified yet is expected to be like the rest, and to be surveyed.
    assert left.seconds(10) == pytest.approx(20.0 + found.survey_seconds())
