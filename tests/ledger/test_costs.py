# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a question costs must not grow with the delivery: counted in SQLite's own steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pipeline.ledger import connection
from pipeline.ledger.store import Ledger, RunFacts

FACTS = RunFacts("policy 1", "p1", "[policy]", "{}", 2, "Linux")
EVERY = 10


def steps(ledger: Ledger, ask: Callable[[], object]) -> int:
    """Return how many instructions of SQLite's machine a question takes, in tens."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    ledger.database.set_progress_handler(step, EVERY)
    ask()
    ledger.database.set_progress_handler(None, 0)
    return count


def filled(out: Path, files: int, copies: int) -> Ledger:
    """Return a ledger of files that are done, and copies of the last of them."""
    out.mkdir()
    ledger = Ledger(connection.path_in(out), Path("/deliveries/a"), "Ärenden", "Kommunen")
    ledger.start_run(FACTS)
    row = (
        "INSERT INTO files (id, raw, path, kind, size, mtime_ns, state, sha256, puid, outcome,"
        " same_as, seen_run) VALUES (?, ?, '', 'file', 1, 1, 'done', ?, 'fmt/276', 'ok', ?, ?)"
    )
    for number in range(1, files + 1):
        ledger.database.execute(row, (number, b"%d" % number, f"{number:064}", None, ledger.run))
    for number in range(files + 1, files + copies + 1):
        ledger.database.execute(row, (number, b"%d" % number, f"{files:064}", files, ledger.run))
    return ledger


@pytest.mark.parametrize("last", [True, False], ids=["known", "unknown"])
def test_whether_a_content_is_known_costs_the_same_in_any_ledger(
    tmp_path: Path, last: bool
) -> None:
    small, large = filled(tmp_path / "a", 50, 1), filled(tmp_path / "b", 2000, 2000)
    asked = [f"{files if last else files + 9:064}" for files in (50, 2000)]
    found = [
        one.twin(content, "fmt/276") for one, content in zip((small, large), asked, strict=True)
    ]
    assert found == ([50, 2000] if last else [None, None])
    costs = [
        steps(one, partial(one.twin, content, "fmt/276"))
        for one, content in zip((small, large), asked, strict=True)
    ]
    assert costs[1] <= costs[0] + 2, costs
