# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hold back workers of a machine that runs short of memory, all but one.

Dask counts a worker's own memory, not that of its children, which is all of it here
(measured: 1.5 GB passed under a limit of 300 MB). So each worker looks at the machine
before it begins a batch.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.budget import MIB

_LOOK = 0.5
_SHARED = (Path("/dev/shm"), Path("/var/tmp"))  # noqa: S108 - opened without following links


def available(proc: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that may still be taken: of the machine, or of our control group.

    `MemAvailable` as proc(5) has it; `memory.max` less `memory.current`, the page cache
    not counted, as the kernel's cgroup-v2 documentation has it.
    """
    found = []
    for line in proc.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            found.append(int(line.split()[1]) * 1024)
    try:
        most = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        if most != "max":
            stat = (cgroup / "memory.stat").read_text(encoding="ascii").split()
            cache = int(dict(zip(stat[::2], stat[1::2], strict=True)).get("file", 0))
            used = int((cgroup / "memory.current").read_text(encoding="ascii"))
            found.append(int(most) - used + cache)
    except (OSError, ValueError):
        pass  # no control group of version 2: the machine's memory is what there is
    return min(found)


@contextmanager
def held(least_mib: int, places: Path | None = None) -> Iterator[float]:
    """Begin when there is memory, or when nobody else of this machine is at work.

    Yields the seconds that were spent waiting. `places`: a folder of this machine's own.
    """
    # Not TMPDIR, which each worker has for itself.
    folder = places or next((one for one in _SHARED if one.is_dir()), Path(tempfile.gettempdir()))
    # One of this user's workers may always go on, by the kernel's lock, which ends with it.
    name = folder / f"skanearkiv-last-{os.getuid()}"
    last = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    started = time.monotonic()
    try:
        while available() < least_mib * MIB:
            try:
                fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_LOOK)
        yield time.monotonic() - started
    finally:
        os.close(last)
