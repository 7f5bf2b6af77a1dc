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
from format_registry.fido.prefilter import Prefilter, choose
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
            ole = OleParts(stream.fileno(), windows)
            return Inside(kind.match(ole.names, ole.read))
        except (BrokenZipError, BrokenOleError):
            # Its signature as a ZIP or OLE2 file remains; damage is the validators' to tell.
            return NOTHING

    def matchers(self) -> Iterator[Matcher]:
        """Yield what matches the inner files."""
        for kind in self._kinds.values():
            yield from kind.matchers


# A path with more signatures than this gets a prefilter of its own ("mimetype" has 60).
_MANY = 8


@dataclass(slots=True)
class _Inner:
    path: str
    numbers: list[int]  # of its alternatives, in the part that it is about


class _Part:
    """All that signatures ask of one inner file."""

    def __init__(self) -> None:
        self.matchers: list[Matcher] = []
        self.patterns: list[tuple[Pattern, ...]] = []
        self.limit = 0
        self._prefilter: Prefilter | None = None

    def matching(self, data: bytes) -> frozenset[int]:
        """Return the numbers of the alternatives that match."""
        window = Windows.of(data)
        numbers: Sequence[int] = range(len(self.matchers))
        if len(self.matchers) > _MANY:
            if self._prefilter is None:
                self._prefilter = Prefilter([choose(one) for one in self.patterns])
            numbers = self._prefilter.candidates(window)
        return frozenset(number for number in numbers if self.matchers[number].matches(window))


class _Kind:
    def __init__(
        self, signatures: Sequence[ContainerSignature], kind: str, known: Mapping[bytes, Facts]
    ) -> None:
        ours = [one for one in signatures if one.kind == kind]
        count: Counter[str] = Counter(file.path for one in ours for file in one.files)
        self._parts: dict[str, _Part] = {path: _Part() for path in count}
        inner: dict[InnerFile, _Inner] = {}
        chains = Chains(known)
        for one in ours:
            for file in one.files:
                if file not in inner:
                    inner[file] = self._inner(file, chains, known)
        # Signatures by the rarest of the paths they need: few have it in common.
        self._by_path: dict[str, list[tuple[ContainerSignature, list[_Inner]]]] = defaultdict(list)
        for one in ours:
            rarest = min(one.files, key=lambda file: (count[file.path], file.path))
            self._by_path[rarest.path].append((one, [inner[file] for file in one.files]))
        self.raw = {path.encode(): path for path in count}
        self.matchers = [one for part in self._parts.values() for one in part.matchers]

    def _inner(self, file: InnerFile, chains: Chains, known: Mapping[bytes, Facts]) -> _Inner:
        part = self._parts[file.path]
        part.limit = max(part.limit, _needed(file, known))
        first = len(part.matchers)
        part.matchers += [chains.matcher(patterns) for patterns in file.signatures]
        part.patterns += file.signatures
        return _Inner(file.path, list(range(first, len(part.matchers))))

    def match(
        self, names: frozenset[str], read: Callable[[str, int], bytes]
    ) -> tuple[tuple[str, str], ...]:
        kept: dict[str, frozenset[int]] = {}

        def holds(inner: _Inner) -> bool:
            matching = kept.get(inner.path)
            if matching is None:
                part = self._parts[inner.path]
                matching = kept[inner.path] = part.matching(read(inner.path, part.limit))
            return any(number in matching for number in inner.numbers)

        found: dict[str, str] = {}
        for name in names & self._by_path.keys():
            for one, files in self._by_path[name]:
                if all(inner.path in names for inner in files) and all(
                    holds(inner) for inner in files if inner.numbers
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
