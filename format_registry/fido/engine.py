# SPDX-License-Identifier: AGPL-3.0-or-later
"""Identify files with a signature set: containers, signatures, priorities, extension.

The way is FIDO's (opf-fido 1.6): match every signature, drop what another match has
priority over, fall back to the extension. It differs where FIDO departs from PRONOM:
see docs/identification.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO

from format_registry.fido.chains import Chains
from format_registry.fido.containers import Containers
from format_registry.fido.literals import Facts
from format_registry.fido.model import Format, SignatureSet
from format_registry.fido.prefilter import Key, Prefilter, choose
from format_registry.fido.windows import Windows
from pipeline.core.records import Basis


@dataclass(frozen=True, slots=True)
class Match:
    """One format that the engine names; `signature` is the name of what matched."""

    puid: str
    signature: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The formats of a file: none, one, or several that nothing decides between.

    `basis` is CONTAINER, SIGNATURE, EXTENSION or NONE. `contenders` are the PUIDs of all
    that matched, where the file's extension chose among several. `largest` is the size in
    bytes, unpacked, of the largest part of a container that signatures ask for.
    """

    matches: tuple[Match, ...]
    basis: Basis
    contenders: tuple[str, ...] = ()
    largest: int = 0


NOTHING = Answer((), Basis.NONE)


class Engine:
    """A signature set, ready to be asked. Its size in memory does not depend on use."""

    def __init__(
        self,
        signatures: SignatureSet,
        keys: Sequence[Key | None] | None = None,
        known: Mapping[bytes, Facts] | None = None,
    ) -> None:
        self.set = signatures
        self._prefilter = Prefilter(
            keys if keys is not None else [choose(one.patterns) for one in signatures.signatures]
        )
        chains = Chains(known or {})
        self._matchers = [chains.matcher(one.patterns) for one in signatures.signatures]
        self.containers = Containers(signatures.containers, known or {})
        self._extensions: dict[str, list[str]] = {}
        for one in signatures.formats.values():
            for extension in one.extensions:
                self._extensions.setdefault(extension, []).append(one.puid)

    def ask(self, stream: IO[bytes], windows: Windows, extension: str) -> Answer:
        """Identify an open regular file of which the windows were read.

        Raises OSError, ChangedError.
        """
        if not windows.size:
            return self._by_extension(extension)
        inside = self.containers.match(stream, windows)
        if inside.found:
            found, basis = [Match(*one) for one in inside.found], Basis.CONTAINER
        else:
            found, basis = self.signatures(windows), Basis.SIGNATURE
        best = tuple(self._superior(found))
        if not best:
            return replace(self._by_extension(extension), largest=inside.largest)
        named = tuple(one for one in best if one.puid in self._extensions.get(extension, ()))
        if 0 < len(named) < len(best):
            contenders = tuple(one.puid for one in best)
            return Answer(named, basis, contenders, largest=inside.largest)
        return Answer(best, basis, largest=inside.largest)

    def open(self, stream: IO[bytes], name: str) -> Answer:
        """Read and identify an open regular file. Raises OSError, ChangedError."""
        windows = Windows(stream.fileno(), os.fstat(stream.fileno()).st_size)
        return self.ask(stream, windows, extension_of(name))

    def compile(self) -> None:
        """Compile every expression, so that none can fail later. Raises re.error."""
        for one in (*self._matchers, *self.containers.matchers()):
            one.compile()

    def signatures(self, windows: Windows) -> list[Match]:
        """Return every format that has a matching signature, priorities aside."""
        return self._matching(self._prefilter.candidates(windows), windows)

    def exhaustive(self, windows: Windows) -> list[Match]:
        """Return the same as `signatures` without the prefilter: what that is tested against."""
        return self._matching(range(len(self._matchers)), windows)

    def _matching(self, numbers: Iterable[int], windows: Windows) -> list[Match]:
        found: dict[str, str] = {}
        for number in numbers:
            if self._matchers[number].matches(windows):
                one = self.set.signatures[number]
                found.setdefault(one.puid, one.name)
        return [Match(puid, name) for puid, name in found.items()]

    def partial(self, windows: Windows, limit: int = 5) -> tuple[str, ...]:
        """Return formats of which part of a signature matches, the longer part first.

        For a file that no signature matches in full: a truncated or damaged one.
        """
        found: dict[str, int] = {}
        for number in self._prefilter.candidates(windows):
            strength = self._matchers[number].strength(windows)
            # A brace or two at either end speak for nothing.
            if strength > 2:
                puid = self.set.signatures[number].puid
                found[puid] = max(strength, found.get(puid, 0))
        return tuple(sorted(found, key=lambda puid: (-found[puid], puid))[:limit])

    def fits(self, puid: str, extension: str) -> bool:
        """Whether a format has an extension, or has none registered at all."""
        known = self.set.formats.get(puid)
        return known is None or not known.extensions or extension in known.extensions

    def _superior(self, found: Iterable[Match]) -> list[Match]:
        several = list(found)
        if len(several) < 2:
            return several
        inferior: set[str] = set()
        for one in several:
            inferior |= self._format(one.puid).over
        return [one for one in several if one.puid not in inferior]

    def _by_extension(self, extension: str) -> Answer:
        # Priorities are about bytes: among formats of one extension they would leave the
        # most special, such as the encrypted document, and drop the plain one.
        found = tuple(Match(puid, "extension") for puid in self._extensions.get(extension, ()))
        return Answer(found, Basis.EXTENSION) if found else NOTHING

    def _format(self, puid: str) -> Format:
        # The container file may be newer than the signature file and name more formats.
        return self.set.formats.get(puid) or Format(puid)


def extension_of(name: str) -> str:
    """Return the lower-case extension without its dot, "" for none."""
    return os.path.splitext(name)[1].lower().lstrip(".")
