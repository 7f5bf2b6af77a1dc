# SPDX-License-Identifier: AGPL-3.0-or-later
"""The made ledger is one that the program takes for its own, in every table."""

from __future__ import annotations

from pathlib import Path

from benchmarks import big_ledger, many_files
from pipeline.ledger import queries
from pipeline.ledger.connection import open_reader
from pipeline.report.build import write_all


def test_a_made_ledger_is_whole_and_reported(tmp_path: Path) -> None:
    big_ledger.make(tmp_path, 3000)
    db = open_reader(tmp_path)
    state = queries.state(db)
    assert (state["files"], state["pending"]) == (3000, 0)
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0, table
    (same,) = db.execute("SELECT count(*) FROM files WHERE same_as IS NOT NULL").fetchone()
    assert same > 50
    db.close()
    write_all(tmp_path)
    lines = (tmp_path / "report" / "files.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 3001


def test_the_delivery_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        many_files.write(tmp_path / name, 240)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")} for name in "ab"
    )
    assert first == second
    assert len(first) == 240
    assert len({name.rpartition(".")[2] for name in first}) == 12
    assert len(set(first.values())) < 240
