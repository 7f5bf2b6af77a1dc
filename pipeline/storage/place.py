# SPDX-License-Identifier: AGPL-3.0-or-later
"""Places: a folder of this machine, or the address of a prefix in object storage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import ConfigError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.DOTALL)
_FOLDERS = frozenset({"file", "local"})


@dataclass(frozen=True, slots=True)
class Address:
    """`protocol://root/prefix`; `root` is the bucket or container, `prefix` may be ""."""

    protocol: str
    root: str
    prefix: str

    @property
    def url(self) -> str:
        """The address as people write it."""
        return f"{self.protocol}://{self.root}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def name(self) -> str:
        """The last part, as a folder's name is."""
        return (self.prefix or self.root).rpartition("/")[2]

    def __str__(self) -> str:
        return self.url

    def key(self, below: str) -> str:
        """Return the key, within the root, of what is called `below` below this address."""
        return f"{self.prefix}/{below}" if self.prefix else below

    def within(self, other: Address) -> bool:
        """Whether this is `other` or lies below it."""
        same = (self.protocol, self.root) == (other.protocol, other.root)
        return same and f"{self.prefix}/".startswith(f"{other.prefix}/" if other.prefix else "")

    def below(self, name: str) -> Address:
        """Return the address of what is called `name` below this one."""
        return Address(self.protocol, self.root, self.key(name))


Place = Path | Address


def parse(text: str) -> Place:
    """Return the place that a command line names. Raises ConfigError."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return Path(text)
    protocol, rest = found.groups()
    root, _, prefix = rest.rstrip("/").partition("/")
    if protocol in _FOLDERS:
        raise ConfigError(f"{text}: give a folder by its path alone")
    if not root:
        raise ConfigError(f"{text}: no bucket is named")
    if "@" in root:
        raise ConfigError("an address must not hold a password; see [storage] of the configuration")
    if any(part in ("", ".", "..") for part in prefix.split("/")) and prefix:
        raise ConfigError(f"{text}: parts of the address are empty, . or ..")
    return Address(protocol, root, prefix)


def apart(source: Place, out: Place) -> bool:
    """Whether neither of two resolved places lies within the other."""
    if isinstance(source, Address) and isinstance(out, Address):
        return not (source.within(out) or out.within(source))
    if isinstance(source, Path) and isinstance(out, Path):
        return out != source and source not in out.parents and out not in source.parents
    return True
