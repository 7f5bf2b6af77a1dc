# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a command and everything that it starts takes: processor time and memory.

Processor time of all of them comes from a control group of their own, to the microsecond
(kernel.org/doc: cgroup-v2 "cpu.stat", cgroup-v1/cpuacct): a child that is killed with its
namespace is reaped by nobody, so that getrusage(2) does not tell. Where no group can be made
(it needs root, or a delegated group), it is the sum of what was seen at the last look at each
process, which misses what a process does after that; `exact` tells which it is.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_TICK = os.sysconf("SC_CLK_TCK")
_LOOK = 0.2  # seconds between two looks


def memory(pid: int) -> tuple[int, int]:
    """Return (RSS, PSS) of a process in bytes, zeros when it is gone (proc_pid_smaps(5))."""
    found = {"Rss": 0, "Pss": 0}
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0, 0  # it has ended between the listing and now
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) * 1024
    return found["Rss"], found["Pss"]


def descendants(pid: int) -> list[int]:
    """Return the processes below one, as far as the kernel lists them."""
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
    return found[1:]


def _stat(pid: int) -> tuple[float, int]:
    """Return (processor seconds, start time in ticks) of a process; zeros when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0.0, 0
    # After the name in brackets, which may hold anything: fields 3 and on of proc_pid_stat(5).
    fields = text.rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK, int(fields[19])


def _hands(pid: int) -> bool:
    """Whether a process is a worker, or the nanny's own: Dask starts them by this."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"multiprocessing.spawn" in line or b"multiprocessing.resource_tracker" in line


class Group:
    """A control group; `seconds` of processor time of all that ran in it."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._file = ""
        for parent, name in _parents():
            folder = parent / f"skanearkiv-bench-{os.getpid()}-{time.monotonic_ns()}"
            with suppress(OSError):
                folder.mkdir()
                self.folder, self._file = folder, name
                if self._usable():
                    return
                self.close()
                self.folder = None

    def _usable(self) -> bool:
        """Whether a process can be put there: making a group may be allowed, and this not."""
        try:
            subprocess.run(["true"], preexec_fn=self.enter, check=True)
        except (OSError, subprocess.SubprocessError):
            return False
        return True

    def enter(self) -> None:
        """Put this process into it: for a child, before it becomes the command."""
        if self.folder is not None:
            (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    @property
    def seconds(self) -> float | None:
        """What was used so far, None where there is no group."""
        if self.folder is None:
            return None
        text = (self.folder / self._file).read_text(encoding="ascii").split()
        return int(text[1]) / 1e6 if self._file == "cpu.stat" else int(text[0]) / 1e9

    def close(self) -> None:
        """Remove it; processes that were left behind keep it for as long as they live."""
        if self.folder is not None:
            with suppress(OSError):
                self.folder.rmdir()


def _parents() -> list[tuple[Path, str]]:
    """Return where groups could be made: this process's own, of version 2 and 1."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path.lstrip("/")
    found = []
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "" in own:
            found.append((Path(place) / own[""], "cpu.stat"))
        elif kind == "cgroup" and "cpuacct" in options.split(","):
            name = next((one for one in own if "cpuacct" in one.split(",")), None)
            if name is not None:
                found.append((Path(place) / own[name], "cpuacct.usage"))
    return found


class Watched:
    """A command under way, watched until it ends.

    `cpu`: processor seconds, by `all`, `coordinator` (the command itself), `workers`
    (Python processes that Dask started) and `tools` (all else). `peaks`: bytes, `coordinator`
    (RSS) and `all` (PSS: shared pages once).
    """

    def __init__(
        self,
        command: Sequence[str],
        stdout: IO[str] | int,
        env: Mapping[str, str],
        memory_every: int = 5,
    ) -> None:
        # In looks: smaps_rollup(5) is slow for large processes.
        self._every = memory_every
        self._group = Group()
        self.exact = self._group.folder is not None
        self.started = time.time()
        self.child = subprocess.Popen(
            command, stdout=stdout, env={**os.environ, **env},
            preexec_fn=self._group.enter,  # noqa: PLW1509 - before any thread of ours
        )  # fmt: skip
        self._seen: dict[tuple[int, int], float] = {}
        self._workers: set[tuple[int, int]] = set()
        self.peaks = {"coordinator": 0, "all": 0}
        self.cpu: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def wait(self) -> float:
        """Wait for its end; return its wall seconds. Ends it when this is interrupted."""
        began = self.started
        try:
            # Its own end, and what it has used to its last moment, before it is reaped.
            os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:
            self.child.terminate()
            raise
        finally:
            wall = time.time() - began
            self._over.set()
            self._thread.join()
            own, _ = _stat(self.child.pid)
            self.child.wait()
            self._settle(own)
        return wall

    def _watch(self) -> None:
        looks = 0
        while not self._over.wait(_LOOK):
            below = descendants(self.child.pid)
            for pid in below:
                used, born = _stat(pid)
                key = (pid, born)
                if key not in self._seen and _hands(pid):
                    self._workers.add(key)
                self._seen[key] = max(used, self._seen.get(key, 0.0))
            looks += 1
            if looks % self._every == 0:
                rss, pss = memory(self.child.pid)
                self.peaks["coordinator"] = max(self.peaks["coordinator"], rss)
                total = pss + sum(memory(one)[1] for one in below)
                self.peaks["all"] = max(self.peaks["all"], total)

    def _settle(self, own: float) -> None:
        workers = sum(self._seen[key] for key in self._workers)
        seen = sum(self._seen.values()) + own
        every = self._group.seconds if self.exact else None
        total = seen if every is None else every
        self._group.close()
        self.cpu = {
            "all": round(total, 2),
            "coordinator": round(own, 2),
            "workers": round(workers, 2),
            "tools": round(total - own - workers, 2),
        }
