# SPDX-License-Identifier: AGPL-3.0-or-later
"""Message digests, streamed; FIPS 180-4 names as PREMIS and METS write them."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import ChangedError, from_os_error

BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Digest:
    """`size` in bytes, hexadecimal digests; `sha512` is empty unless asked for."""

    size: int
    sha256: str
    sha512: str = ""


def digest(path: Path, *, sha512: bool = False, copy_to: Path | None = None) -> Digest:
    """Hash a file in one read, and copy what was hashed if `copy_to` is given.

    Raises ChangedError when the file's size or time changes meanwhile, VanishedError,
    UnreadableError, DiskFullError.
    """
    first, second = hashlib.sha256(), hashlib.sha512()
    size = 0
    try:
        # O_NONBLOCK: a FIFO put in the file's place must not hold the worker.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
            before = os.fstat(source.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise ChangedError("it is no regular file any more")
            with nullcontext() if copy_to is None else copy_to.open("xb") as copy:
                while block := source.read(BLOCK):
                    size += len(block)
                    first.update(block)
                    if sha512:
                        second.update(block)
                    if copy is not None:
                        copy.write(block)
            after = os.fstat(source.fileno())
    except OSError as error:
        raise from_os_error(error) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
        size != after.st_size
    ):
        raise ChangedError(f"{before.st_size} bytes before, {after.st_size} after, {size} read")
    return Digest(size, first.hexdigest(), second.hexdigest() if sha512 else "")
