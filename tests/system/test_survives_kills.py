# SPDX-License-Identifier: AGPL-3.0-or-later
"""kill -9 at random moments: started again, the ledger is as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.system.deliveries import finish, finished, ledger, start, wait_for, workers_of

FAMILIES = (".pdf", ".tif", ".png", ".jpg", ".bmp", ".gif", ".docx", ".odt", ".xml", ".txt")
Records = dict[bytes, tuple[object, ...]]


@pytest.fixture(scope="module")
def delivery(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small delivery of real files, some of them twice."""
    folder = tmp_path_factory.mktemp("delivery")
    small = [
        path
        for path in sorted(corpus.rglob("*"))
        if path.suffix.lower() in FAMILIES and path.is_file() and path.stat().st_size < 60_000
    ]
    for number, path in enumerate(small[::9]):
        shutil.copy(path, folder / f"{number:03d}-{path.name}")
        if number % 10 == 0:
            shutil.copy(path, folder / f"copy of {number:03d} åäö{path.suffix}")
    return folder


@pytest.fixture(scope="module")
def undisturbed(delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """What an uninterrupted run comes to."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    code, output = finish(delivery, out)
    assert code in (0, 1), output
    return ledger(out)


def kill_coordinator(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def kill_group(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)


def kill_worker(pid: int) -> None:
    workers = workers_of(pid)
    assert workers, "no worker was found to kill"
    os.kill(random.choice(workers), signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_coordinator, kill_worker, kill_group])
def test_a_killed_run_ends_as_an_undisturbed_one(
    kill: Callable[[int], None],
    delivery: Path,
    undisturbed: Records,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    child = start(delivery, out)
    family = psutil.Process(child.pid)
    wait_for(out, random.randrange(1, len(undisturbed) // 2), child)
    descendants = family.children(recursive=True)
    kill(child.pid)
    if kill is kill_worker:
        output, _ = child.communicate(timeout=300)
        assert child.returncode in (0, 1), output.decode("utf-8", "replace")
    else:
        child.communicate(timeout=60)
        assert finished(out) < len(undisturbed)
        # Nothing of the killed run may go on and write beside its successor.
        _, alive = psutil.wait_procs(descendants, timeout=20)
        assert not alive
        code, output = finish(delivery, out)
        assert code in (0, 1), output
    assert ledger(out) == undisturbed
    assert_whole(out)


def test_ctrl_c_drains_and_the_same_command_goes_on(
    delivery: Path, undisturbed: Records, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    child = start(delivery, out)
    wait_for(out, 5, child)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does it: to the whole group
    output, _ = child.communicate(timeout=120)
    assert child.returncode == 130, output.decode("utf-8", "replace")
    assert finished(out) < len(undisturbed)
    code, _ = finish(delivery, out)
    assert code in (0, 1)
    assert ledger(out) == undisturbed
    assert_whole(out)


def test_again_executes_nothing_and_one_more_file_is_one(delivery: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for path in sorted(delivery.iterdir())[:12]:
        shutil.copy2(path, source)
    finish(source, out)
    code, output = finish(source, out)
    assert code in (0, 1)
    assert "Nothing to do: all 12 files" in output
    (source / "ny fil.txt").write_text("Ett nytt dokument\n", encoding="utf-8")
    started = time.monotonic()
    code, output = finish(source, out)
    assert "1 files worked on, 13 in the ledger" in output, (output, time.monotonic() - started)


def assert_whole(out: Path) -> None:
    """Every file has one outcome, no event is told twice, every output is there and whole."""
    db = sqlite3.connect(out / "ledger.sqlite")
    assert db.execute("SELECT count(*) FROM files WHERE outcome IS NULL").fetchone() == (0,)
    twice = db.execute(
        "SELECT file, generation, type, detail FROM events"
        " GROUP BY file, generation, type, detail HAVING count(*) > 1"
    ).fetchall()
    assert twice == []
    from pipeline.core.hashing import digest

    for output, sha256 in db.execute("SELECT output, sha256 FROM migrations"):
        assert digest(out / output).sha256 == sha256
    made = [path for part in ("migrated", "review") for path in (out / part).rglob("*")]
    on_disk = [path for path in made if path.is_file()]
    assert len(on_disk) == db.execute("SELECT count(*) FROM migrations").fetchone()[0]
    db.close()
