# SPDX-License-Identifier: AGPL-3.0-or-later
"""A package in object storage: uploaded to staging, copied by the server, proven, recorded.

Object stores have no rename and no links: an object is whole or not there, and a copy
within the store is what gives a name. Each copy is proven by its SHA-256: the one that the
server keeps of it, or, where it keeps none of the whole object, that of what it gives back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import (
    ChangedError,
    ConfigError,
    FileError,
    RunStoppedError,
    StorageError,
    ToolFailureError,
    UnreadableError,
    VanishedError,
)
from pipeline.core.hashing import digest
from pipeline.storage.opened import Opened
from pipeline.storage.package import STAGING
from pipeline.storage.store import Found

OWNER = ".skanearkiv"
_TRIES = 3


class ObjectStaging:
    """See `Staging`. The store is that of the staging prefix."""

    def __init__(self, store: Opened) -> None:
        self._store = store

    def hand_over(self, local: Path, name: str, sha256: str) -> None:
        """See `Staging`."""
        try:
            self._store.write(local, name, sha256)
        except ChangedError as error:
            raise ToolFailureError("the output was changed after it had been judged") from error
        except (UnreadableError, VanishedError) as error:
            if not local.exists():
                raise ToolFailureError("the output is gone after it had been judged") from error
            # Refused: that is no fault of the delivery's file.
            raise StorageError(f"{error.detail}, when an output was put") from error
        local.unlink()


class ObjectPackage:
    """See `Package`. `url` is for people."""

    def __init__(self, store: Opened, url: str) -> None:
        self._store = store
        self._url = url

    def own(self, owner: str) -> None:
        """Say whose package it is. Raises ConfigError when another ledger's, RunStoppedError."""
        with self._stopping():
            found = self._found(OWNER)
            if found is not None:
                told = b"".join(self._store.blocks(found)).decode("utf-8", "replace").strip()
                if told != owner:
                    raise ConfigError(
                        f"{self._url} is written by another ledger; give --work the folder of "
                        "the run that began it, or another --out"
                    )
                return
            if next(self._store.list(), None) is not None:
                raise ConfigError(f"{self._url} is not empty, and no package of a run")

    def put(self, local: Path, name: str) -> None:
        """Make an object of a file, in place of an earlier one. Raises RunStoppedError."""
        with self._stopping():
            self._store.write(local, name, digest(local).sha256)

    def prepare(self) -> None:
        """See `Package`."""
        self.clear()

    def place(self, staged: str, name: str, sha256: str) -> None:
        """See `Package`."""
        with self._stopping():
            self._appear(self._store.stat(f"{STAGING}/{staged}"), name, sha256)

    def link(self, existing: str, name: str, sha256: str, mark: str) -> None:
        """See `Package`; by a copy, for there are no links."""
        with self._stopping():
            self._appear(self._store.stat(existing), name, sha256)

    def discard(self, attempt: str) -> None:
        """See `Package`."""
        with self._stopping():
            for found in self._store.list(f"{STAGING}/{attempt}/"):
                self._store.delete(found.key)

    def clear(self) -> None:
        """See `Package`."""
        with self._stopping():
            for found in self._store.list(f"{STAGING}/"):
                self._store.delete(found.key)

    def _found(self, name: str) -> Found | None:
        try:
            return self._store.stat(name)
        except VanishedError:
            return None

    def _appear(self, origin: Found, name: str, sha256: str) -> None:
        there = self._found(name)
        if there is not None:
            if self._store.sha256(there) == sha256:
                return
            self._set_aside(there)
        self._copied(origin, name, sha256)

    def _copied(self, origin: Found, name: str, sha256: str) -> None:
        """Copy, and prove the copy. Raises VanishedError, RunStoppedError."""
        for _ in range(_TRIES):
            self._store.copy(origin, name)
            if self._store.sha256(self._store.stat(name)) == sha256:
                return
            if self._store.sha256(origin) != sha256:
                self._store.delete(name)
                raise VanishedError("the object is not what was recorded of it")
        self._store.delete(name)
        raise RunStoppedError(
            f"{self._url} gives back other bytes than it was given; nothing of {name} is recorded"
        )

    def _set_aside(self, stray: Found) -> None:
        last = stray.key.rpartition("/")[2][-60:]
        number = 1
        while self._found(target := f"set-aside/{number:06d}-{last}") is not None:
            number += 1
        self._copied(stray, target, self._store.sha256(stray))
        self._store.delete(stray.key)

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Stop the run where the storage is to blame, which no file must stand for."""
        try:
            yield
        except (StorageError, UnreadableError) as error:
            raise RunStoppedError(
                f"{self._url}: {error.detail}; mend that, then run the same command again: "
                "nothing is lost"
            ) from error
        except ChangedError as error:
            raise RunStoppedError(
                f"{self._url} is changed by somebody else at the same time ({error.detail})"
            ) from error


def owned(package: ObjectPackage, owner: str, folder: Path) -> None:
    """Take hold of a package for the ledger `owner`. Raises ConfigError, RunStoppedError."""
    package.own(owner)
    mark = folder / OWNER
    mark.write_text(f"{owner}\n", encoding="utf-8")
    try:
        package.put(mark, OWNER)
    except FileError as error:
        raise RunStoppedError(f"{mark}: {error.detail}") from error
