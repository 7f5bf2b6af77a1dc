# SPDX-License-Identifier: AGPL-3.0-or-later
"""From staging to its place: fsync, then appear under the final name or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from pipeline.core.errors import (
    RunStoppedError,
    SkanearkivError,
    ToolFailureError,
    from_os_error,
)
from pipeline.core.hashing import digest


def fsync_file(path: Path) -> None:
    """Force a file's content to the disk. Raises DiskFullError and other FileErrors."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise from_os_error(error) from error


def fsync_folder(path: Path) -> None:
    """Force a folder's entries to the disk, so that a rename survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, root: Path) -> None:
    """Make `folder` and its parents below `root`, each entry forced to the disk."""
    missing = []
    while folder != root and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        fsync_folder(one.parent)


def place(staged: Path, final: Path, root: Path, sha256: str) -> None:
    """Give a staged file its final name below `root`; never replace another file.

    A file of the same content that already stands there (a crash between this step and
    the ledger's commit) is taken as done; one of other content is moved aside, into
    `root/set-aside`, for nobody recorded it. Raises DiskFullError and other FileErrors.
    """
    try:
        make_folder(final.parent, root)
        try:
            _appear(staged, final)
        except FileExistsError:
            if digest(final).sha256 != sha256:
                _set_aside(final, root)
                _appear(staged, final)
        fsync_folder(final.parent)
        staged.unlink(missing_ok=True)
    except OSError as error:
        raise _of_output(error, final) from error


def _of_output(error: OSError, final: Path) -> SkanearkivError:
    """Translate an error of the output's side, which must not stand as the source's fault."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RunStoppedError(
            f"{final.parent} cannot be written ({error.strerror}); mend that, then run the "
            "same command again: nothing is lost"
        )
    if error.errno == errno.ENAMETOOLONG:
        return ToolFailureError(f"the output's path is too long: {final}", "file.output_name")
    return from_os_error(error)


# What file systems without hard links (SMB, exFAT, some FUSE) answer to link(2).
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


def _appear(staged: Path, final: Path) -> None:
    """Give a file its name. Raises FileExistsError where another has it."""
    try:
        # link(2) fails when the name exists; rename(2) would replace it.
        os.link(staged, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # One coordinator writes here, by its lock, so that nobody comes in between.
        if os.path.lexists(final):
            raise FileExistsError(final) from error
        os.rename(staged, final)


def share(existing: Path, waiting: Path) -> None:
    """Make `waiting` hold what `existing` holds: a hard link, or a copy where there are none."""
    try:
        os.link(existing, waiting)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(existing, waiting)
        fsync_file(waiting)


def _set_aside(stray: Path, root: Path) -> None:
    folder = root / "set-aside"
    make_folder(folder, root)
    number = 1
    while True:
        try:
            _appear(stray, folder / f"{number:06d}-{stray.name[-60:]}")
            break
        except FileExistsError:
            number += 1
    stray.unlink(missing_ok=True)
    fsync_folder(folder)
