# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a delivery is read from: listed in a fixed order, each file fetched while hashed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from pipeline.config.storage import Storage
from pipeline.core.budget import MIB
from pipeline.core.errors import (
    ChangedError,
    DiskFullError,
    TooLargeError,
    UnreadableError,
    from_os_error,
)
from pipeline.core.hashing import Digest, digest, digest_of
from pipeline.core.paths import under
from pipeline.core.records import FileKind, FileRecord
from pipeline.scan import scan
from pipeline.storage.opened import Opened, opened
from pipeline.storage.place import Address, Place
from pipeline.storage.store import Found

# Beside what is fetched, tools need room for what they make of it.
_ROOM = 64 * MIB


class Source(Protocol):
    """A delivery. It is only read."""

    def scan(self) -> Iterator[FileRecord]:
        """Yield a record for every entry. Raises StorageError."""
        ...

    def fetch(self, raw: bytes, copy_to: Path, *, sha512: bool = False) -> Digest:
        """Copy a file to a path that is not there yet, and hash what was copied.

        Raises ChangedError, VanishedError, UnreadableError, DiskFullError, TooLargeError,
        StorageError.
        """
        ...

    def local(self, raw: bytes) -> Path | None:
        """Return where a file can be read in place, None where it must be fetched."""
        ...


class FolderSource:
    """See `Source`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def scan(self) -> Iterator[FileRecord]:
        """See `Source`."""
        return scan(self._root)

    def fetch(self, raw: bytes, copy_to: Path, *, sha512: bool = False) -> Digest:
        """See `Source`."""
        return digest(under(self._root, raw), sha512=sha512, copy_to=copy_to)

    def local(self, raw: bytes) -> Path | None:
        """See `Source`."""
        return under(self._root, raw)


class ObjectSource:
    """See `Source`. Paths are the keys' UTF-8 below the address."""

    def __init__(self, store: Opened) -> None:
        self._store = store

    def scan(self) -> Iterator[FileRecord]:
        """See `Source`."""
        for found in self._store.list():
            record = _record(found)
            if record is not None:
                yield record

    def fetch(self, raw: bytes, copy_to: Path, *, sha512: bool = False) -> Digest:
        """See `Source`."""
        try:
            key = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableError("the name is not that of an object") from error
        found = self._store.stat(key)
        try:
            _check_room(found.size, copy_to.parent)
            made = digest_of(self._store.blocks(found), sha512=sha512, copy_to=copy_to)
        except OSError as error:
            raise from_os_error(error) from error
        if made.size != found.size:
            raise ChangedError(f"{found.size} bytes were announced, {made.size} came")
        return made

    def local(self, raw: bytes) -> Path | None:
        """See `Source`."""
        return None


def _record(found: Found) -> FileRecord | None:
    raw = found.key.encode("utf-8", "surrogateescape")
    if found.problem:
        return FileRecord(raw, FileKind.UNREADABLE, found.size, found.mtime_ns, found.problem)
    if not raw:
        # The source's own marker, as a console makes it: the source itself is no entry.
        if not found.size:
            return None
        note = "an object with content that is called as the source's folder is"
        return FileRecord(b".", FileKind.SPECIAL, found.size, found.mtime_ns, note)
    if raw.endswith(b"/") and not found.size:
        return FileRecord(raw, FileKind.SPECIAL, 0, found.mtime_ns, "marker of a folder")
    return FileRecord(raw, FileKind.REGULAR, found.size, found.mtime_ns)


def _check_room(size: int, folder: Path) -> None:
    """Raise DiskFullError before a download that the scratch has no room for."""
    disk = shutil.disk_usage(folder)
    if size + _ROOM > disk.total:
        raise TooLargeError(f"{size // MIB} MiB do not fit on the disk of the scratch folder")
    if size + _ROOM > disk.free:
        raise DiskFullError(f"{os.strerror(errno.ENOSPC)}: {disk.free // MIB} MiB left")


def source(place: Place, settings: Storage, say: Callable[[str], None] | None = None) -> Source:
    """Return the source at a place. Raises ConfigError."""
    if isinstance(place, Address):
        return ObjectSource(opened(place, settings, say))
    return FolderSource(place)
