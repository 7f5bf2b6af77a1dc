# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs on clusters, beside one undisturbed run of the same delivery on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

from tests.clusters.hosts import Host
from tests.system.deliveries import COMMAND, finished, ledger, wait_for

_CUT = 60.0  # seconds


def start(
    source: Path, out: Path, cluster: str, *more: str, env: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a run on a cluster; what it prints goes to a file beside `out`."""
    with said(out).open("ab") as log:
        return subprocess.Popen(
            [*COMMAND, "run", str(source), "--out", str(out), "--cluster", cluster, *more],
            stdout=log, stderr=log, start_new_session=True, env={**os.environ, **(env or {})},
        )  # fmt: skip


def said(out: Path) -> Path:
    """Return the file that holds what the runs into `out` printed."""
    return out.with_name(f"{out.name}.log")


def ended(child: subprocess.Popen[bytes], out: Path, seconds: float) -> tuple[int, str]:
    """Wait for a run's end; return exit code and what it printed."""
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise AssertionError(f"no end: {said(out).read_text()[-3000:]}") from None
    return child.returncode, said(out).read_text()


def workers(network: str) -> list[psutil.Process]:
    """Return the worker processes whose host is the namespace `network`, found by its link."""
    there = os.stat(f"/run/netns/{network}").st_ino
    found = []
    for process in psutil.process_iter():
        try:
            inside = os.stat(f"/proc/{process.pid}/ns/net").st_ino == there
            if inside and "spawn_main" in " ".join(process.cmdline()) and process.children():
                found.append(process)
        except (OSError, psutil.Error):
            continue
    return found


def bereave(child: subprocess.Popen[bytes], out: Path, away: Host, other: Host) -> None:
    """Cut a host's link for a minute in the middle of a run, and kill a worker of the other."""
    wait_for(out, 30, child, 240)
    away.pull()
    cut, before = time.monotonic(), finished(out)
    wait_for(out, before + 40, child, 240)
    (killed, *_) = workers(other.name)
    killed.kill()
    time.sleep(max(cut + _CUT - time.monotonic(), 0))
    assert child.poll() is None, "it ended before the link was whole again"
    assert finished(out) > before + 40, "the other host went on meanwhile"
    away.plug()


def same(out: Path, undisturbed: Path) -> None:
    """Assert that two ledgers hold the same files, outcomes, output hashes and events."""
    one, other = ledger(out), ledger(undisturbed)
    assert one.keys() == other.keys()
    differing = {raw: (one[raw], other[raw]) for raw in one if one[raw] != other[raw]}
    assert not differing, list(differing.items())[:3]
