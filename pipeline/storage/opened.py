# SPDX-License-Identifier: AGPL-3.0-or-later
"""A store with the patience that belongs to it, opened once in each process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.config.storage import Storage
from pipeline.storage.patience import Patience
from pipeline.storage.place import Address
from pipeline.storage.store import BLOCK, Found, Store, connect


class Opened:
    """A store that may be away for a while. Raises StorageError when patience has run out.

    Otherwise as `Store` says: VanishedError, UnreadableError, ChangedError; ConfigError
    where there is no such bucket or nothing to log in with.
    """

    def __init__(self, store: Store, patience: Patience) -> None:
        self._store = store
        self.patience = patience

    def list(self, below: str = "") -> Iterator[Found]:
        """Yield the objects whose key begins with `below`."""
        for page in self._store.list(below, self.patience):
            yield from page

    def stat(self, key: str) -> Found:
        """Return what is known of an object."""
        return self.patience(lambda: self._store.stat(key))

    def blocks(self, found: Found) -> Iterator[bytes]:
        """Yield the content of the very object that was found; each block is asked for anew."""
        for start in range(0, found.size, BLOCK):
            size = min(BLOCK, found.size - start)

            def part(start: int = start, size: int = size) -> bytes:
                return self._store.read(found, start, size)

            yield self.patience(part)

    def sha256(self, found: Found) -> str:
        """Return the content's digest: the server's own, else by reading it back."""
        if found.sha256:
            return found.sha256
        made = hashlib.sha256()
        for block in self.blocks(found):
            made.update(block)
        return made.hexdigest()

    def write(self, local: Path, key: str, sha256: str) -> None:
        """Make an object of a file that has this SHA-256."""
        self.patience(lambda: self._store.write(local, key, sha256))

    def copy(self, origin: Found, key: str) -> None:
        """Make another object of the same content."""
        self.patience(lambda: self._store.copy(origin, key))

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.patience(lambda: self._store.delete(key))


_OPEN: dict[str, Opened] = {}


def opened(address: Address, settings: Storage, say: Callable[[str], None] | None = None) -> Opened:
    """Return the store of an address; `say` is told when it is waited for.

    Raises ConfigError.
    """
    # The options are plain values of a TOML file, so that their text tells them apart.
    key = repr((address, settings))
    if key not in _OPEN:
        patience = Patience(settings.patience_seconds)
        _OPEN[key] = Opened(connect(address, settings), patience)
    if say is not None:
        _OPEN[key].patience.say = say
    return _OPEN[key]
