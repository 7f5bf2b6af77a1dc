# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is asked of object storage, and the one place where it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.config.storage import Storage, resolved
from pipeline.core.errors import ConfigError
from pipeline.storage.patience import Patience
from pipeline.storage.place import Address

BLOCK = 16 * 1024 * 1024  # bytes of one request


@dataclass(frozen=True, slots=True)
class Found:
    """An object: key below the address, size in bytes, time in nanoseconds since 1970.

    `tag` changes with the content; `sha256` is what the server itself says of the whole
    content, "" where it does not.
    """

    key: str
    size: int
    mtime_ns: int
    tag: str
    sha256: str = ""
    problem: str = ""  # why the object cannot be asked for by its name


class Store(Protocol):
    """Objects below one address. Each call is one request, or a bounded number.

    Each raises AwayError when the server does not answer, VanishedError, UnreadableError
    (also: not allowed), ChangedError where an object is not the one that was found.
    """

    def list(self, below: str, patience: Patience) -> Iterator[list[Found]]:
        """Yield pages, in a fixed order, of the objects whose key begins with `below`.

        Each request is `patience`'s: a generator that has raised cannot be asked again.
        """
        ...

    def stat(self, key: str) -> Found:
        """Return what is known of an object."""
        ...

    def read(self, found: Found, start: int, size: int) -> bytes:
        """Return part of the very object that was found, at most `BLOCK` bytes."""
        ...

    def write(self, local: Path, key: str, sha256: str) -> None:
        """Make an object of a file that has this SHA-256; raises ChangedError if it has not."""
        ...

    def copy(self, origin: Found, key: str) -> None:
        """Make another object of the same content, without its passing through here."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is removed already."""
        ...


def connect(address: Address, settings: Storage) -> Store:
    """Return the store of an address. Raises ConfigError."""
    import fsspec

    try:
        fsspec.get_filesystem_class(address.protocol)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{address.url}: {error}") from error
    options: dict[str, Any] = resolved(settings.options.get(address.protocol, {}))
    try:
        if address.protocol in ("s3", "s3a"):
            from pipeline.storage.s3 import S3Store

            return S3Store(address, settings, options)
        from pipeline.storage.generic import FsspecStore

        return FsspecStore(address, options)
    except (TypeError, ValueError, KeyError) as error:
        # What a package says of options that it does not know.
        raise ConfigError(f"{address.url}: the options of [storage] do not fit: {error}") from error
