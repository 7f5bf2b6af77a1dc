# SPDX-License-Identifier: AGPL-3.0-or-later
"""A scheduler on loopback that outlives its runs: killed ones, second ones, stopped ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import runs
from tests.clusters.delivery import make
from tests.clusters.hosts import end
from tests.system.deliveries import COMMAND, finish, finished, wait_for


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = [_start("scheduler", "--host", "127.0.0.1", "--port", str(port))]
    found = f"tcp://127.0.0.1:{port}"
    children.append(_start("worker", found, "--slots", "2", "--scratch", str(tmp_path)))
    yield found
    for child in children:
        end(child)


def _start(*argv: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "cluster", *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def test_workers_serve_the_next_run_after_one_was_killed(tmp_path: Path, address: str) -> None:
    delivery = make(tmp_path / "in", 120)
    alone, out, other = tmp_path / "alone", tmp_path / "out", tmp_path / "other"
    finish(delivery, alone)
    child = runs.start(delivery, out, address)
    wait_for(out, 1, child)
    # One run at a time: a second is told, and does nothing.
    second = runs.start(delivery, other, address)
    code, said = runs.ended(second, other, 120)
    assert code == 2, said
    assert child.poll() is None, "it ended before the second could be refused"
    assert "another run is using this cluster" in " ".join(said.split())
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert finished(out) < 120, "it ended before it was killed"
    child = runs.start(delivery, out, address)
    code, said = runs.ended(child, out, 300)
    assert code == 1, said
    runs.same(out, alone)
    # The same scheduler and workers serve another delivery's run afterwards.
    child = runs.start(delivery, other, address)
    code, said = runs.ended(child, other, 300)
    assert code == 1, said
    runs.same(other, alone)


def test_a_scheduler_that_does_not_answer_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a\n")
    child = runs.start(tmp_path / "in", tmp_path / "out", "tcp://127.0.0.1:1")
    code, said = runs.ended(child, tmp_path / "out", 120)
    assert code == 2, said
    assert "does not answer" in " ".join(said.split())


def test_without_certificates_a_scheduler_keeps_to_loopback() -> None:
    done = subprocess.run(
        [*COMMAND, "cluster", "scheduler", "--host", "0.0.0.0"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "loopback only" in " ".join(done.stderr.split())
