# SPDX-License-Identifier: AGPL-3.0-or-later
"""What children take of memory and processor, read from /proc while they live.

wait4(2) cannot tell: the sandbox's outermost process does not reap those within (measured:
29 MB told of a program that held 200). So a program is looked at while it runs, and the
kernel's own high-water mark is read (`VmHWM`, proc_pid_status(5)): a look that comes late
still sees an earlier peak. What a program reaches after the last look is missed.
"""

from __future__ import annotations

import os
import select
import subprocess
import time

_TICK = os.sysconf("SC_CLK_TCK")
# The next look comes after a fifth of the time so far: some 20 looks in the first second.
_SHARE, _SHORTEST, _LONGEST = 0.2, 0.005, 0.5


class Usage:
    """Of a process and its descendants: `memory`, the largest sum seen, in bytes; `cpu`, seconds.

    Children of a process's further threads are not followed.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._tree: tuple[int, ...] = ()
        self._ticks: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self.memory = 0

    def begin(self) -> None:
        """Count from here: lower the high-water marks, forget the time that was used."""
        self.memory = 0
        if not self._tree:
            self.look()
            self.memory = 0
        for pid in self._tree:
            _lower(pid)
        self._before = dict(self._ticks)

    def look(self) -> None:
        """Take in how things stand now; a process that is gone keeps what was seen of it."""
        self._tree = tuple(_tree(self._pid))
        self.memory = max(self.memory, sum(map(_peak, self._tree)))
        for pid in self._tree:
            self._ticks[pid] = max(_ticks(pid), self._ticks.get(pid, 0))

    @property
    def cpu(self) -> float:
        """Seconds of processor time since `begin`, in steps of 0.01."""
        used = sum(ticks - self._before.get(pid, 0) for pid, ticks in self._ticks.items())
        return used / _TICK


def watched(child: subprocess.Popen[bytes], seconds: float, usage: Usage) -> None:
    """Wait for a child's end. Raises subprocess.TimeoutExpired after `seconds`."""
    started = time.monotonic()
    descriptor = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while True:
            passed = time.monotonic() - started
            if passed >= seconds:
                raise subprocess.TimeoutExpired(child.args, seconds)
            pause = min(max(passed * _SHARE, _SHORTEST), _LONGEST, seconds - passed)
            if poll.poll(max(pause * 1000, 1)):
                child.wait()
                return
            usage.look()
    finally:
        os.close(descriptor)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        found += [int(child) for child in _read(f"/proc/{one}/task/{one}/children").split()]
    return found


def _peak(pid: int) -> int:
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0  # it is gone, or dead and not yet reaped


def _ticks(pid: int) -> int:
    # After the name in brackets, which may hold anything: fields 3 and on of proc_pid_stat(5).
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12]) if len(fields) > 12 else 0


def _lower(pid: int) -> None:
    """Set a process's high-water mark to what it has now (proc_pid_clear_refs(5))."""
    try:
        descriptor = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return  # gone, or not ours to write to: the mark then is that of its whole life
    try:
        os.write(descriptor, b"5")
    except OSError:
        return  # as above
    finally:
        os.close(descriptor)


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""  # gone
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""  # gone between the two
    finally:
        os.close(descriptor)
