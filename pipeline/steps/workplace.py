# SPDX-License-Identifier: AGPL-3.0-or-later
"""Folders and names for what a worker has in hand."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.core.errors import from_os_error
from pipeline.core.paths import extension

_LONGEST = 255  # bytes of a name, by Linux's NAME_MAX
# The profile of the warm LibreOffice (`migrators.libreoffice.client`): it is in use.
_LIVING = "skanearkiv-office-"


def attempt(file: int, generation: int) -> str:
    """Return a name for one attempt at a file, on whatever machine.

    A second worker that is given the same file after the first one died must not meet
    the first one's remains.
    """
    return f"{file}-{generation}-{uuid.uuid4().hex}"


def safe_name(raw: bytes) -> str:
    """Return an ASCII name for a file, with its extension: not every tool can take any name."""
    suffix = extension(raw)
    safe = suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 8 else "bin"
    return f"source.{safe}"


def local_name(raw: bytes) -> str:
    """Return the name that a copy of a file has by itself: its own, if that can be one."""
    name = raw.rpartition(b"/")[2]
    if name in (b"", b".", b"..") or len(name) > _LONGEST or b"\0" in name:
        return safe_name(raw)
    return os.fsdecode(name)


@contextmanager
def temporary(workplace: Path) -> Iterator[Path]:
    """Yield a new folder that goes with the block. Raises DiskFullError, UnreadableError."""
    folder = workplace / f"survey-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise from_os_error(error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(scratch: Path | None) -> None:
    """Remove what tools left in a worker's folder for temporary files.

    One that was killed cleans nothing up; one that had filled the disk would keep the run
    paused for want of room until its worker ends. `scratch` is None where there is no worker.
    """
    if scratch is None or not (scratch / "tmp").is_dir():
        return
    for one in (scratch / "tmp").iterdir():
        if one.name.startswith(_LIVING):
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one, ignore_errors=True)
        else:
            # What cannot be removed goes with the worker's folder, and is no file's fault.
            with suppress(OSError):
                one.unlink()
