# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is measured on: a folder, told so exactly that two results can be known to be alike."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20


def files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder, in the order of their names."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def described(folder: Path) -> dict[str, Any]:
    """Return name, number of files, bytes, and a SHA-256 over all names and contents.

    It reads every file, so that what is measured next finds them in memory ("warm").
    Raises OSError.
    """
    whole, count, size = hashlib.sha256(), 0, 0
    for path in files(folder):
        own = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                own.update(block)
                size += len(block)
        whole.update(os.fsencode(path.relative_to(folder)) + b"\0" + own.digest())
        count += 1
    return {"name": folder.name, "files": count, "bytes": size, "sha256": whole.hexdigest()}


def forget(folder: Path) -> None:
    """Have the kernel drop what it keeps in memory of these files (posix_fadvise(2)): "cold"."""
    for path in files(folder):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
