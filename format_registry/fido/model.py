# SPDX-License-Identifier: AGPL-3.0-or-later
"""A set of signatures in the one shape that the engine matches, whatever file it came from.

Terms are PRONOM's: a format has internal signatures; a signature has byte sequences,
all of which must match; a byte sequence has subsequences at any distance from each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Place(Enum):
    """Where a byte sequence is looked for."""

    BOF = "BOF"  # its first part at a fixed or bounded offset from the beginning
    EOF = "EOF"  # its last part at a fixed or bounded offset from the end
    VAR = "VAR"  # anywhere


@dataclass(frozen=True, slots=True)
class Format:
    """A format of PRONOM. `over`: PUIDs of the formats that this one has priority over."""

    puid: str
    name: str = ""
    version: str = ""
    mime: str = ""
    extensions: tuple[str, ...] = ()
    over: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """A regular expression over bytes (DOTALL), `low` to `high` bytes behind the step before.

    For the first step the distance is from the beginning of the file. `high` is None where
    nothing bounds it. No expression matches more than a bounded number of bytes.
    """

    low: int
    high: int | None
    expression: bytes


@dataclass(frozen=True, slots=True)
class Pattern:
    """A byte sequence. `rest`: for EOF, the least and greatest number of bytes behind it."""

    place: Place
    steps: tuple[Step, ...]
    rest: tuple[int, int | None] = (0, None)


@dataclass(frozen=True, slots=True)
class Signature:
    """An internal signature of a format: all patterns must match."""

    puid: str
    name: str
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class InnerFile:
    """A part that a container must hold, and what it must contain.

    `signatures` are alternatives, each a tuple of patterns that must all match;
    none means that the part only has to be there.
    """

    path: str
    signatures: tuple[tuple[Pattern, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerSignature:
    """A container signature: all inner files must match. `kind` is ZIP or OLE2."""

    kind: str
    name: str
    puids: tuple[str, ...]
    files: tuple[InnerFile, ...]


@dataclass(frozen=True)
class SignatureSet:
    """Everything the engine knows. `name` and `sources` identify it in every record.

    `sources` are (file name, SHA-256) of the signature files.
    """

    name: str
    version: int
    sources: tuple[tuple[str, str], ...]
    formats: Mapping[str, Format]
    signatures: tuple[Signature, ...]
    containers: tuple[ContainerSignature, ...]

    @cached_property
    def signed(self) -> frozenset[str]:
        """PUIDs of all formats that a signature or container signature identifies."""
        inside = (puid for one in self.containers for puid in one.puids)
        return frozenset([*(one.puid for one in self.signatures), *inside])

    def over(self, superior: str, inferior: str) -> bool:
        """Whether one format has priority over another, directly or through others."""
        pending, seen = [superior], {superior}
        while pending:
            known = self.formats.get(pending.pop())
            for puid in known.over if known is not None else ():
                if puid == inferior:
                    return True
                if puid not in seen:
                    seen.add(puid)
                    pending.append(puid)
        return False

    @property
    def details(self) -> str:
        """Name each file with its SHA-256, as every record keeps it."""
        return "; ".join(f"{name} (SHA-256 {digest})" for name, digest in self.sources)
