# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many processes all children of this process may have together: a control group.

RLIMIT_NPROC does not hold root (the kernel exempts the first user, setrlimit(2)), so where
the "pids" controller can be written, a group of this process' own counts them
(kernel.org/doc: cgroup-v1/pids, cgroup-v2 "PID"). Elsewhere only ordinary users are held.
"""

from __future__ import annotations

import atexit
import os
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_NAME = "skanearkiv-"


def group(most: int) -> str:
    """Return the folder of the group that children must enter, "" where there is none."""
    found = _group(most, os.getpid())
    if found and not os.path.isdir(found):
        # Somebody cleared it away; an empty group is anybody's to remove.
        _group.cache_clear()
        found = _group(most, os.getpid())
    return found


def held(most: int) -> bool:
    """Return whether the number of processes is limited here."""
    return os.geteuid() != 0 or bool(group(most))


@lru_cache(maxsize=4)
def _group(most: int, owner: int) -> str:
    if os.geteuid() != 0:
        return ""
    place = _own()
    if place is None:
        return ""
    _sweep(place)
    folder = place / f"{_NAME}{owner}-{most}"
    try:
        folder.mkdir(exist_ok=True)
        (folder / "pids.max").write_text(f"{most}\n", encoding="ascii")
    except OSError:
        with suppress(OSError):
            folder.rmdir()
        return ""
    atexit.register(_remove, folder)
    return os.fspath(folder)


def _own() -> Path | None:
    """Return the folder of the control group that this process is in, for "pids"."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "pids":
            return _present(Path("/sys/fs/cgroup/pids") / path.lstrip("/"))
        # Version 2 lets a group with processes in it have no groups with controllers, but
        # the group above may have been given to us (systemd: Delegate=yes).
        if not controllers:
            unified = _present(Path("/sys/fs/cgroup") / path.lstrip("/"))
            if unified is not None and "pids" in _read(unified.parent / "cgroup.subtree_control"):
                return unified.parent
    return None


def _present(folder: Path) -> Path | None:
    return folder if folder.is_dir() and os.access(folder, os.W_OK) else None


def _read(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []


def _sweep(place: Path) -> None:
    """Remove the groups of processes that were killed."""
    for one in place.glob(f"{_NAME}*"):
        owner = one.name.removeprefix(_NAME).partition("-")[0]
        if owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
            # Refused while a process is in it: then it is the next one's to remove.
            with suppress(OSError):
                one.rmdir()


def _remove(folder: Path) -> None:
    # The kernel takes a moment to end what was killed.
    for _ in range(20):
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
