# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs as a person starts them: the command, in processes of its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "from pipeline.cli.main import run; run()"]


def start(source: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        [*COMMAND, "run", str(source), "--out", str(out), "--workers", "2", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finish(source: Path, out: Path, *more: str, seconds: float = 600) -> tuple[int, str]:
    """Run to the end; return exit code and what was printed."""
    child = start(source, out, *more)
    try:
        output, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    return child.returncode, output.decode("utf-8", "replace")


def wait_for(out: Path, done: int, child: subprocess.Popen[bytes], seconds: float = 180) -> None:
    """Wait until a ledger holds `done` finished files, or the run has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and child.poll() is None:
        if finished(out) >= done:
            return
        time.sleep(0.05)


def finished(out: Path) -> int:
    """Return the number of files that are done."""
    path = out / "ledger.sqlite"
    if not path.exists():
        return 0
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        return int(db.execute("SELECT count(*) FROM files WHERE state = 'done'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # the schema is not there yet
    finally:
        db.close()


def ledger(out: Path) -> dict[bytes, tuple[object, ...]]:
    """Return what must be the same however a run was interrupted: file -> what it came to."""
    db = sqlite3.connect(out / "ledger.sqlite")
    try:
        rows = db.execute(
            "SELECT raw, files.sha256, files.puid, outcome, code, output, m.sha256, m.method,"
            " (SELECT group_concat(type || ':' || e.outcome, '|') FROM"
            "  (SELECT * FROM events WHERE file = files.id ORDER BY number) AS e),"
            " (SELECT group_concat(sha256, ' ') FROM"
            "  (SELECT sha256 FROM evidence WHERE file = files.id ORDER BY path))"
            " FROM files LEFT JOIN migrations AS m"
            " ON m.file = files.id AND m.generation = files.generation"
        ).fetchall()
    finally:
        db.close()
    return {row[0]: tuple(row[1:]) for row in rows}


def workers_of(pid: int) -> list[int]:
    """Return the process ids of Dask's workers below a coordinator."""
    import psutil

    return [
        child.pid
        for child in psutil.Process(pid).children(recursive=False)
        if "spawn_main" in " ".join(child.cmdline()) and child.children()
    ]


def left_behind(marker: str) -> list[int]:
    """Return processes whose command line still names `marker` after a moment's grace.

    The kernel empties a namespace after its process 1 has gone, not in the same instant.
    """
    end = time.monotonic() + 5
    while (found := named(marker)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def named(marker: str) -> list[int]:
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if marker in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
