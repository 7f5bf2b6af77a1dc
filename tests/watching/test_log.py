# SPDX-License-Identifier: AGPL-3.0-or-later
"""The log: a line an event, and never the run's undoing."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.watching.log import Log


def test_each_line_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "log" / "run-3.jsonl"
    log = Log(str(path), 3, print)
    log.write("file", path="Ärende\udce4\n", size=3)
    log.write("run_end", status="done")
    log.close()
    first, last = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first["run"] == 3
    assert first["event"] == "file"
    assert first["path"].startswith("Ärende")
    assert last["status"] == "done"


def test_a_log_that_cannot_be_written_is_told_once_and_counted(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "log").write_text("a file where the folder should be")
    path = tmp_path / "log" / "run-1.jsonl"
    log = Log(str(path), 1, said.append)
    for _ in range(3):
        log.write("file", size=1)
    assert len(said) == 1
    (tmp_path / "log").unlink()
    log.write("file", size=2)
    log.close()
    lost, told = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert (lost["event"], lost["lines"]) == ("lost", 3)
    assert told["size"] == 2


def test_a_full_disk_tears_no_later_line() -> None:
    said: list[str] = []
    log = Log("/dev/full", 1, said.append)
    log.write("file")
    log.write("file")
    log.close()
    assert len(said) == 1
