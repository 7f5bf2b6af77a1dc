# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was measured is summed up by kind, and told once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.core.measuring import Measure
from pipeline.ledger import measures
from pipeline.ledger.store import Ledger
from tests.ledger.test_store import FACTS, finished, opened, scanned, survey

SURVEY = (Measure("identify", "siegfried", 0.01, 0.01, 500), Measure("survey", "", 0.02, 0.01, 500))
FILE = (Measure("validate", "pdf", 0.3, 0.1, 900), Measure("file", "", 2.0, 0.4, 900))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = opened(tmp_path)
    one.start_run(FACTS)
    yield one
    one.close()


def test_kinds_are_summed_up(ledger: Ledger) -> None:
    scanned(ledger, "a", "b")
    for number, one in enumerate(ledger.new_files(0, 10), 1):
        ledger.surveyed([replace(survey(ledger, one.file, f"{number}"), measures=SURVEY)])
        longer = tuple(replace(m, seconds=m.seconds * number) for m in FILE)
        result = replace(finished(one.file), output=f"migrated/{number}", measures=longer)
        ledger.finished([(result, [])])
        ledger.finished([(result, [])])  # told twice
    found = {(one.stage, one.tool): one for one in measures.taken(ledger.database)}
    whole = found["file", ""]
    assert (whole.count, whole.longest, whole.memory) == (2, 4.0, 900)
    assert whole.seconds == pytest.approx(6.0)
    assert whole.cpu == pytest.approx(0.8)
    assert whole.puid == "fmt/276"
    assert whole.size_class == measures.size_class(10)
    assert found["identify", "siegfried"].count == 2
    peaks = [row[0] for row in ledger.database.execute("SELECT peak_memory FROM files")]
    assert peaks == [900, 900]
    # Two classes of time: a histogram in powers of two.
    rows = ledger.database.execute("SELECT time_class FROM measures WHERE stage = 'file'")
    assert sorted(row[0] for row in rows) == [measures.time_class(2.0), measures.time_class(4.0)]


def test_what_waits_is_told(ledger: Ledger) -> None:
    scanned(ledger, "a", "b")
    (first, _) = ledger.new_files(0, 10)
    assert list(measures.waiting(ledger.database)) == []
    ledger.surveyed([survey(ledger, first.file)])
    assert list(measures.waiting(ledger.database)) == [("fmt/276", 10)]


def test_long_texts_are_kept_once(ledger: Ledger) -> None:
    scanned(ledger, *map(str, range(5)))
    ledger.surveyed([survey(ledger, one.file, f"{one.file}") for one in ledger.new_files(0, 9)])
    (texts,) = ledger.database.execute("SELECT count(*) FROM shared_texts").fetchone()
    assert texts == 2  # the opinions, and the identification


def test_classes_are_powers_of_two() -> None:
    assert [measures.size_class(size) for size in (0, 1, 2, 1023, 1024)] == [0, 1, 2, 10, 11]
    assert [measures.time_class(seconds) for seconds in (0.0, 0.001, 0.0039, 1.0)] == [0, 1, 2, 10]
