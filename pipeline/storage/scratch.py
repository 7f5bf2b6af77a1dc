# SPDX-License-Identifier: AGPL-3.0-or-later
"""A folder for what a worker has in hand, its own while it lives, removed by whoever is next.

Its owner holds a lock in it, which the kernel releases however the owner dies. Another
machine's folders (the scratch root may be shared) are left alone: not every shared file
system carries locks across.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import stat
import tempfile
import uuid
from pathlib import Path

from pipeline.core.errors import RunStoppedError

_LOCK = ".lock"
_FRESH = ".new"  # suffix of a folder whose owner has not locked it yet


class Scratch:
    """A worker's folder below `root`. Raises RunStoppedError where it cannot be made."""

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(parents=True, exist_ok=True)
            clear(root)
            name = f"{_prefix()}{os.getpid()}-{uuid.uuid4().hex[:12]}"
            fresh = root / f"{name}{_FRESH}"
            fresh.mkdir(mode=0o700)
            self._lock = os.open(fresh / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self.folder = root / name
            # Under this name it is looked for, and is locked already.
            fresh.rename(self.folder)
        except OSError as error:
            raise RunStoppedError(f"no scratch folder in {root}: {error.strerror}") from error

    def close(self) -> None:
        """Remove the folder, then let go of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def clear(root: Path) -> list[Path]:
    """Remove what dead workers of this machine and user left in `root`; return which."""
    return [one for one in sorted(root.glob(f"{_prefix()}*")) if _cleared(one)]


def default_root() -> Path:
    """Return where scratch folders are if nothing is configured and outputs go elsewhere."""
    return Path(tempfile.gettempdir())


def _prefix() -> str:
    host = re.sub(r"[^A-Za-z0-9.]", "_", socket.gethostname())
    return f"skanearkiv-worker-{host}-"


def _cleared(folder: Path) -> bool:
    try:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            return False
        if folder.name.endswith(_FRESH) and _alive(folder):
            return False
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return False  # another is clearing it, or it is nothing that we could clear
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return not folder.exists()


def _alive(folder: Path) -> bool:
    """Whether the process in a name runs: its folder may be on the way to its lock."""
    number = folder.name.removeprefix(_prefix()).partition("-")[0]
    return number.isdigit() and Path("/proc", number).exists()
