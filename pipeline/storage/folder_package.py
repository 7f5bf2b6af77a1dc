# SPDX-License-Identifier: AGPL-3.0-or-later
"""A package in a folder: everything is fsynced, then linked into place."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from pipeline.core.errors import ToolFailureError, from_os_error
from pipeline.core.hashing import digest
from pipeline.core.staging import fsync_file, fsync_folder, make_folder, place, share
from pipeline.storage.package import STAGING


class FolderStaging:
    """See `Staging`. `root` is the staging folder, which all workers share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def hand_over(self, local: Path, name: str, sha256: str) -> None:
        """See `Staging`."""
        final = self._root / name
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.rename(local, final)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                shutil.copyfile(local, final)
                local.unlink()
        except FileNotFoundError as error:
            raise ToolFailureError("the output is gone after it had been judged") from error
        except OSError as error:
            raise from_os_error(error) from error
        fsync_file(final)
        # Only from here on nothing of the worker's can touch it.
        if digest(final).sha256 != sha256:
            raise ToolFailureError("the output was changed after it had been judged")


class FolderPackage:
    """See `Package`. Everything is fsynced, then linked into place."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def prepare(self) -> None:
        """See `Package`."""
        self.clear()
        for folder in ("migrated", "review", STAGING):
            make_folder(self._root / folder, self._root)
        fsync_folder(self._root)

    def place(self, staged: str, name: str, sha256: str) -> None:
        """See `Package`."""
        place(self._root / STAGING / staged, self._root / name, self._root, sha256)

    def link(self, existing: str, name: str, sha256: str, mark: str) -> None:
        """See `Package`; by a hard link where there are such."""
        waiting = self._root / STAGING / mark
        try:
            waiting.unlink(missing_ok=True)
            share(self._root / existing, waiting)
        except OSError as error:
            raise from_os_error(error) from error
        place(waiting, self._root / name, self._root, sha256)

    def discard(self, attempt: str) -> None:
        """See `Package`."""
        shutil.rmtree(self._root / STAGING / attempt, ignore_errors=True)

    def clear(self) -> None:
        """See `Package`."""
        staging = self._root / STAGING
        if staging.exists():
            shutil.rmtree(staging)
