# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disks, the ledger, the clock, the output folder and the source: changed under a run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from benchmarks.faults import ledgers
from benchmarks.faults.deliveries import PROGRAM, WARM
from benchmarks.faults.scene import NotInjectedError, Scene
from pipeline.ledger.connection import NAME

_MIB = 1024 * 1024
_HOLD = 6.0
_LOCKED = 45.0
_PAUSED = "the run goes on when there is room"


def full(scene: Scene, leave: int) -> None:
    """Fill the disk of outputs and scratch but for `leave` bytes; make room after a while."""
    disk = scene.tmpfs(96)
    scene.toml = scene.toml.replace("disk_mib = 1", "disk_mib = 8")
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    ballast = disk / "ballast"
    _fill(ballast, leave)
    if shutil.disk_usage(disk).free > leave + 2 * _MIB:
        raise NotInjectedError(f"{shutil.disk_usage(disk).free} bytes are free")
    scene.until("it was told", lambda: scene.said("paused: "), child)
    scene.words.append("paused")
    time.sleep(_HOLD)
    before = scene.finished()
    time.sleep(2)
    if scene.finished() == before and child.poll() is None:
        scene.words.append("waits")
    ballast.unlink()
    scene.ended(child)


def _fill(path: Path, leave: int) -> None:
    """Write until no more than `leave` bytes are free."""
    with path.open("wb", buffering=0) as stream:
        while (free := shutil.disk_usage(path.parent).free) > leave:
            try:
                stream.write(b"x" * min(_MIB, free - leave))
            except OSError:
                return


def full_before(scene: Scene) -> None:
    """Begin on a disk that is full: refused, with what to do; begin again when it is not."""
    disk = scene.tmpfs(64)
    scene.toml = scene.toml.replace("disk_mib = 1", "disk_mib = 32")
    ballast = disk / "ballast"
    _fill(ballast, 8 * _MIB)
    scene.ended(scene.start())
    scene.words.append("told" if scene.said("make room") else "not told")
    ballast.unlink()
    scene.again()


# -- ledger --------------------------------------------------------------------------------


def locked(scene: Scene) -> None:
    """Another program holds the ledger for 45 s; the run waits for it."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    db = _hold(scene)
    began = time.monotonic()
    scene.until("it was told", lambda: scene.said("paused: the ledger"), child)
    scene.words.append("told")
    time.sleep(max(0.0, _LOCKED - (time.monotonic() - began)))
    if child.poll() is None:
        scene.words.append("waits")
    db.close()
    scene.ended(child)


def locked_for_good(scene: Scene) -> None:
    """Another program holds the ledger and does not let go; Ctrl-C ends the run."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    db = _hold(scene)
    scene.until("it was told", lambda: scene.said("paused: the ledger"), child)
    os.killpg(child.pid, signal.SIGINT)
    scene.ended(child, 200)
    scene.words.append("told" if scene.said("free the file") else "not told")
    db.close()
    scene.again()


def _hold(scene: Scene) -> sqlite3.Connection:
    db = sqlite3.connect(scene.out / NAME, timeout=20, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    if not db.in_transaction:
        raise NotInjectedError("the ledger is not locked")
    return db


# -- clock ---------------------------------------------------------------------------------

# The machine's own clock is left alone: what coordinator and workers read of it is shifted.
# libfaketime cannot be used, for it breaks clock_nanosleep of the monotonic clock.
_SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long shift(void) {
    const char *name = getenv("SKANEARKIV_FAULT_CLOCK");
    char text[32] = {0};
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    long got = read(fd, text, 31);
    close(fd);
    return got > 0 ? atol(text) : 0;
}
int clock_gettime(clockid_t id, struct timespec *t) {
    int done = syscall(SYS_clock_gettime, id, t);
    if (!done && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) t->tv_sec += shift();
    return done;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    int done = syscall(SYS_gettimeofday, t, zone);
    if (!done && t) t->tv_sec += shift();
    return done;
}
time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
"""
_DAYS = 3


def clock_back(scene: Scene) -> None:
    """Set the clock of coordinator and workers back by three days in the midst of a run."""
    source, shim, told = scene.base / "clock.c", scene.base / "clock.so", scene.base / "clock"
    source.write_text(_SHIM, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source], check=True, timeout=60)
    told.write_text("0")
    scene.env |= {"LD_PRELOAD": str(shim), "SKANEARKIV_FAULT_CLOCK": str(told)}
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    told.write_text(str(-_DAYS * 86400))
    scene.ended(child)
    connection = ledgers.opened(scene.out)
    times = connection.execute("SELECT min(substr(time, 1, 10)), max(time) FROM events").fetchone()
    runs = connection.execute("SELECT started, ended FROM runs").fetchone()
    connection.close()
    if times[0] >= times[1][:10] or runs[1] >= runs[0]:
        raise NotInjectedError(f"times {times}, run {runs}")
    scene.words.append("times went back")


# -- output folder ---------------------------------------------------------------------------


def read_only(scene: Scene, place: str) -> None:
    """Make folders immutable (chattr +i holds for root as well); mend them, and go on.

    All below `place`, as `chmod -R a-w` does it for other users: what is open stays so.
    """
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    aim = scene.out / place
    folders = [aim, *(one for one in aim.rglob("*") if one.is_dir())]
    _immutable(aim, [str(one) for one in folders])
    scene.ended(child)
    scene.words.append("told" if scene.said("run the same command again") else "not told")
    _mended(scene)


def read_only_ledger(scene: Scene) -> None:
    """Make the ledger immutable as well, while it is open: a disk that fails does that."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    _immutable(scene.out, ["-R", str(scene.out)])
    scene.ended(child)
    _mended(scene)


def _immutable(aim: Path, words: list[str]) -> None:
    flags = [one for one in words if one.startswith("-")]
    paths = words[len(flags) :]
    # Some go while they are listed: workers are at work in them.
    subprocess.run(["chattr", *flags, "+i", *paths], check=False, capture_output=True)
    try:
        (aim / "probe").touch()
    except PermissionError:
        return
    raise NotInjectedError("it can be written to")


def _mended(scene: Scene) -> None:
    subprocess.run(["chattr", "-R", "-i", str(scene.out)], check=False, capture_output=True)
    scene.again()


# -- source -----------------------------------------------------------------------------------


def rewritten(scene: Scene) -> None:
    """Rewrite two files after they were identified and before they are worked on."""
    child = scene.start()

    def between() -> bool:
        states = ledgers.states(scene.out)
        return all(states.get(one, (None, ""))[1] == "surveyed" for one in (PROGRAM, WARM))

    scene.until("the files were identified", between, child)
    for name in (PROGRAM, WARM):
        _rewrite(scene.source / name)
    scene.ended(child)
    for name in (PROGRAM, WARM):
        scene.victim(name, "file")
    scene.again()
    for name in (PROGRAM, WARM):
        scene.victim(name, "file")


def _rewrite(path: Path) -> None:
    path.write_text(json.dumps({"new": path.name}) + "\n", encoding="utf-8")


def appended(scene: Scene) -> None:
    """Append to a large file while it is hashed."""
    name = "x-large.json"
    path = scene.source / name
    with path.open("wb") as stream:
        stream.truncate(3 * 1024 * _MIB)
    child = scene.start()

    def open_there() -> bool:
        return any(_has_open(one.pid, path) for one in scene.workers(child))

    scene.until("the file was being read", open_there, child)
    with path.open("ab") as stream:
        stream.write(b"more")
    if not open_there():
        raise NotInjectedError("it was read already")
    scene.ended(child)
    scene.victim(name, "file")
    _rewrite(path)
    scene.again()
    scene.victim(name, "file")


def _has_open(pid: int, path: Path) -> bool:
    try:
        return any(
            os.readlink(f"/proc/{pid}/fd/{one}") == str(path)
            for one in os.listdir(f"/proc/{pid}/fd")
        )
    except OSError:
        return False
