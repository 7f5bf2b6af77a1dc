# SPDX-License-Identifier: AGPL-3.0-or-later
"""Message digests, streamed; FIPS 180-4 names as PREMIS and METS write them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
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
    try:
        # O_NONBLOCK: a FIFO put in the file's place must not hold the worker.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
            before = os.fstat(source.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise ChangedError("it is no regular file any more")
            blocks = iter(lambda: source.read(BLOCK), b"")
            found = digest_of(blocks, sha512=sha512, copy_to=copy_to)
            after = os.fstat(source.fileno())
    except OSError as error:
        raise from_os_error(error) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
        found.size != after.st_size
    ):
        raise ChangedError(
            f"{before.st_size} bytes before, {after.st_size} after, {found.size} read"
        )
    return found


def digest_of(
    blocks: Iterable[bytes], *, sha512: bool = False, copy_to: Path | None = None
) -> Digest:
    """Hash blocks as they come, and write them to a new file if `copy_to` is given.

    Raises OSError where that cannot be written, and what `blocks` raises.
    """
    first, second = hashlib.sha256(), hashlib.sha512()
    size = 0
    with nullcontext() if copy_to is None else copy_to.open("xb") as copy:
        for block in blocks:
            size += len(block)
            first.update(block)
            if sha512:
                second.update(block)
            if copy is not None:
                copy.write(block)
    return Digest(size, first.hexdigest(), second.hexdigest() if sha512 else "")
