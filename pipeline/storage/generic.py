# SPDX-License-Identifier: AGPL-3.0-or-later
"""Any other storage that fsspec has a package for, by what all of them can do.

Less is proven than on S3: a server is not told what it should have received, so that every
output is read back, and an object that changes while it is read is noticed afterwards.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.core.errors import ChangedError, UnreadableError, VanishedError
from pipeline.core.hashing import digest
from pipeline.storage.patience import AwayError, Patience
from pipeline.storage.place import Address
from pipeline.storage.store import Found

_AWAY = frozenset(
    {errno.EIO, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EBUSY, errno.EAGAIN}
)
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")


class FsspecStore:
    """See `Store`."""

    def __init__(self, address: Address, options: dict[str, Any]) -> None:
        import fsspec

        self._address = address
        self._fs = fsspec.filesystem(address.protocol, use_listings_cache=False, **options)
        self._root = str(self._fs._strip_protocol(address.url)).rstrip("/")

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def list(self, below: str, patience: Patience) -> Iterator[list[Found]]:
        """See `Store`; a page per folder, which is as much as must fit into memory."""
        folder = below.rpartition("/")[0]
        pending = [self._path(folder) if folder else self._root]
        while pending:
            here = pending.pop()
            told = patience(partial(self._listed, here))
            entries = sorted(told, key=lambda one: str(one["name"]))
            # Some list a folder's own marker within it.
            entries = [one for one in entries if str(one["name"]).rstrip("/") != here]
            folders = [str(one["name"]) for one in entries if one["type"] == "directory"]
            pending.extend(reversed([one.rstrip("/") for one in folders]))
            found = [self._found(one) for one in entries if one["type"] != "directory"]
            yield [one for one in found if one.key.startswith(below)]

    def _listed(self, folder: str) -> Sequence[dict[str, Any]]:
        with self._translated():
            try:
                found: Sequence[dict[str, Any]] = self._fs.ls(folder, detail=True)
            except FileNotFoundError:
                return ()
        return found

    def _found(self, told: dict[str, Any]) -> Found:
        name = str(told["name"])
        key = name[len(self._root) + 1 :]
        faithful = self._fs._strip_protocol(self._path(key)) == name
        problem = "" if faithful else "fsspec cannot ask for an object of this name"
        when = next((told[one] for one in _TIMES if told.get(one)), 0)
        seconds = when.timestamp() if isinstance(when, datetime) else when
        mtime_ns = int(float(seconds) * 1e9) if isinstance(seconds, int | float) else 0
        tag = hashlib.sha256(repr(sorted(map(repr, told.items()))).encode()).hexdigest()
        return Found(key, int(told.get("size") or 0), mtime_ns, tag, problem=problem)

    def stat(self, key: str) -> Found:
        """See `Store`."""
        with self._translated():
            told = self._fs.info(self._path(key))
        if told["type"] == "directory":
            raise VanishedError("there is no such object")
        return self._found(told)

    def read(self, found: Found, start: int, size: int) -> bytes:
        """See `Store`."""
        with self._translated():
            content = bytes(self._fs.cat_file(self._path(found.key), start=start, end=start + size))
        if self.stat(found.key).tag != found.tag:
            raise ChangedError("the object is not the one that was found")
        return content

    def write(self, local: Path, key: str, sha256: str) -> None:
        """See `Store`."""
        if digest(local).sha256 != sha256:
            raise ChangedError("the file is not what was made")
        with self._translated():
            self._fs.makedirs(os.path.dirname(self._path(key)), exist_ok=True)
            self._fs.put_file(os.fspath(local), self._path(key))

    def copy(self, origin: Found, key: str) -> None:
        """See `Store`."""
        with self._translated():
            self._fs.makedirs(os.path.dirname(self._path(key)), exist_ok=True)
            self._fs.cp_file(self._path(origin.key), self._path(key))

    def delete(self, key: str) -> None:
        """See `Store`."""
        with self._translated():
            try:
                self._fs.rm_file(self._path(key))
            except FileNotFoundError:
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise VanishedError("there is no such object") from error
        except PermissionError as error:
            raise UnreadableError(f"not allowed: {error}") from error
        except (ConnectionError, TimeoutError) as error:
            raise AwayError(f"{self._address.url}: {type(error).__name__}") from error
        except OSError as error:
            if error.errno in _AWAY:
                raise AwayError(f"{self._address.url}: {error.strerror}") from error
            raise UnreadableError(str(error)[:300]) from error
