# SPDX-License-Identifier: AGPL-3.0-or-later
"""Match container signatures: every inner file they name, with all it must contain.

After The National Archives' container signature file and DROID's help ("Container
signatures"): a signature matches when every File is there and, where it has
signatures of its own, one of those matches in full.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from format_registry.fido.chains import Chains, Matcher
from format_registry.fido.literals import Facts, facts
from format_registry.fido.model import ContainerSignature, InnerFile, Pattern, Place
from format_registry.fido.ole_parts import BrokenOleError, OleParts
from format_registry.fido.windows import Windows
from format_registry.fido.zip_parts import BrokenZipError, ZipParts

_MAGIC = {b"PK\x03\x04": "ZIP", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "OLE2"}
# Bytes unpacked of a part at the most, where its patterns do not need less.
_LARGEST_PART = 4 << 20


@dataclass(frozen=True, slots=True)
class Inside:
    """What a container holds: (PUID, signature's name) of all signatures that match.

    `largest` is the size in bytes, unpacked, of the largest part that signatures ask for.
    """

    found: tuple[tuple[str, str], ...] = ()
    largest: int = 0


NOTHING = Inside()


def kind_of(head: bytes) -> str | None:
    """Return ZIP or OLE2 by the first bytes, None for everything else."""
    return _MAGIC.get(head[:4]) or _MAGIC.get(head[:8])


class Containers:
    """The container signatures of a set, ready to be matched."""

    def __init__(
        self, signatures: Sequence[ContainerSignature], known: Mapping[bytes, Facts]
    ) -> None:
        self._kinds = {kind: _Kind(signatures, kind, known) for kind in ("ZIP", "OLE2")}

    def match(self, stream: IO[bytes], windows: Windows) -> Inside:
        """Return what a container holds; nothing for no or a broken one. Raises OSError."""
        name = kind_of(windows.head)
        if name is None:
            return NOTHING
        kind = self._kinds[name]
        try:
            if name == "ZIP":
                zipped = ZipParts(stream.fileno(), windows.size, windows.tail, kind.raw)
                names = frozenset(kind.raw[raw] for raw in zipped.names)
                found = kind.match(names, lambda part, limit: zipped.read(part.encode(), limit))
                return Inside(found, zipped.largest)
            ole = OleParts(stream)
            return Inside(kind.match(ole.names, ole.read))
        except (BrokenZipError, BrokenOleError):
            # Its signature as a ZIP or OLE2 file remains; damage is the validators' to tell.
            return NOTHING

    def matchers(self) -> Iterator[Matcher]:
        """Yield what matches the inner files."""
        for kind in self._kinds.values():
            yield from kind.matchers


@dataclass(slots=True)
class _Inner:
    path: str
    matchers: list[Matcher]


class _Kind:
    def __init__(
        self, signatures: Sequence[ContainerSignature], kind: str, known: Mapping[bytes, Facts]
    ) -> None:
        ours = [one for one in signatures if one.kind == kind]
        count: Counter[str] = Counter()
        self._limits: dict[str, int] = defaultdict(int)
        inner: dict[InnerFile, _Inner] = {}
        chains = Chains(known)
        for one in ours:
            for file in one.files:
                count[file.path] += 1
                self._limits[file.path] = max(self._limits[file.path], _needed(file, known))
                matchers = [chains.matcher(patterns) for patterns in file.signatures]
                inner.setdefault(file, _Inner(file.path, matchers))
        # Signatures by the rarest of the paths they need: few have it in common.
        self._by_path: dict[str, list[tuple[ContainerSignature, list[_Inner]]]] = defaultdict(list)
        for one in ours:
            rarest = min(one.files, key=lambda file: (count[file.path], file.path))
            self._by_path[rarest.path].append((one, [inner[file] for file in one.files]))
        self.raw = {path.encode(): path for path in count}
        self.matchers = [one for some in inner.values() for one in some.matchers]

    def match(
        self, names: frozenset[str], read: Callable[[str, int], bytes]
    ) -> tuple[tuple[str, str], ...]:
        kept: dict[str, Windows] = {}
        known: dict[int, bool] = {}

        def holds(inner: _Inner) -> bool:
            # Families such as Office's ask the same of the same part.
            if id(inner) not in known:
                if inner.path not in kept:
                    kept[inner.path] = Windows.of(read(inner.path, self._limits[inner.path]))
                window = kept[inner.path]
                known[id(inner)] = any(one.matches(window) for one in inner.matchers)
            return known[id(inner)]

        found: dict[str, str] = {}
        for name in names & self._by_path.keys():
            for one, files in self._by_path[name]:
                if all(inner.path in names for inner in files) and all(
                    holds(inner) for inner in files if inner.matchers
                ):
                    found.update(dict.fromkeys(one.puids, one.name))
        return tuple(sorted(found.items()))


def _needed(inner: InnerFile, known: Mapping[bytes, Facts]) -> int:
    """Return how many bytes of a part decide its patterns."""
    patterns = [pattern for one in inner.signatures for pattern in one]
    return max((_bytes(pattern, known) for pattern in patterns), default=0)


def _bytes(pattern: Pattern, known: Mapping[bytes, Facts]) -> int:
    reach = 0
    for step in pattern.steps:
        if pattern.place is not Place.BOF or step.high is None:
            return _LARGEST_PART
        reach += step.high + (known.get(step.expression) or facts(step.expression)).most
    return min(_LARGEST_PART, reach)
