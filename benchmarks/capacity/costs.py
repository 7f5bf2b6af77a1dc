# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file of a format and size costs a worker, from what runs have measured.

Of a kind that was measured: its mean. Of another size of a measured format: between its
neighbours in size, or beyond them the format's mean by byte. Of a format that was never
measured: the mean of all files. What an answer rests on is told (`Basis`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.ledger.measures import Taken


class Basis(StrEnum):
    """What the cost of a kind rests on, from the best to the poorest."""

    MEASURED = "measured"
    SIZES = "other sizes of the format"
    BYTES = "the format's mean by byte"
    MIX = "the mean of all formats"


@dataclass(frozen=True, slots=True)
class Part:
    """What one of a file's two jobs takes: means of `count` files.

    `seconds` of wall time when nothing else wants the machine, `cpu` seconds of processor
    time within them, `longest` the most that one took, `memory` bytes at its peak.
    """

    count: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    longest: float = 0.0
    memory: int = 0

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm of the seconds.

        As of a log-normal distribution whose greatest of `count` values is `longest` times
        its mean: ln(longest / mean) = z s - s^2 / 2, z = sqrt(2 ln count) being what the
        greatest of so many normal values comes to (the first term of its expansion).
        """
        if self.count < 2 or self.seconds <= 0 or self.longest <= self.seconds:
            return 0.0
        z = math.sqrt(2 * math.log(self.count))
        return z - math.sqrt(max(z * z - 2 * math.log(self.longest / self.seconds), 0.0))


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a file that is no copy. `second`: share of files that go on to their second job.

    `jvm`, `office`: shares that ask that server.
    """

    survey: Part
    file: Part
    second: float = 1.0
    jvm: float = 0.0
    office: float = 0.0
    basis: Basis = Basis.MEASURED

    @property
    def seconds(self) -> float:
        """Seconds of a worker, both jobs."""
        return self.survey.seconds + self.second * self.file.seconds


Key = tuple[str, int]
# Of fewer files of a kind than this, their spread says nothing (`pipeline.execution.estimates`).
_ENOUGH = 3
# A factor of e up or down is as much doubt as a range can tell; where nothing can be
# compared, an estimate is doubted as much.
_MOST = _UNKNOWN = 1.0
_FIELDS = ("seconds", "cpu", "longest")


class Costs:
    """Costs by kind. `output`: bytes that are made per byte, by PUID; "" is of all."""

    def __init__(
        self, kinds: Mapping[Key, Cost], source: str, output: Mapping[str, float] | None = None
    ) -> None:
        self.kinds = dict(kinds)
        self.source = source
        self.output = dict(output or {})
        self._formats: dict[str, list[int]] = {}
        for puid, size in sorted(kinds):
            self._formats.setdefault(puid, []).append(size)
        self._mean = _mean(list(kinds.values()))
        self._errors: dict[Basis, float] | None = None

    def of(self, puid: str, size: float, kind: int) -> Cost:
        """Return the cost of a file of `size` bytes, whose size class is `kind`."""
        exact = self.kinds.get((puid, kind))
        if exact is not None:
            return exact
        known = self._formats.get(puid)
        if known is None:
            return replace(self._mean, basis=Basis.MIX)
        below = [one for one in known if one < kind]
        above = [one for one in known if one > kind]
        if below and above:
            return self._between(puid, below[-1], above[0], size)
        return self._by_byte(puid, known, size)

    def _between(self, puid: str, low: int, high: int, size: float) -> Cost:
        """Interpolate linearly over the size, between the middles of two classes."""
        small, large = self.kinds[puid, low], self.kinds[puid, high]
        at = (size - middle(low)) / (middle(high) - middle(low))
        return _mixed(small, large, min(max(at, 0.0), 1.0), Basis.SIZES)

    def _by_byte(self, puid: str, known: Sequence[int], size: float) -> Cost:
        """Scale the format's costs by bytes, not below the least that was measured."""
        all_bytes = sum(self.kinds[puid, one].survey.count * middle(one) for one in known)
        mean = _mean([self.kinds[puid, one] for one in known])
        factor = size * mean.survey.count / all_bytes if all_bytes else 1.0
        least = min((self.kinds[puid, one] for one in known), key=lambda one: one.seconds)
        parts = {
            name: replace(
                getattr(mean, name),
                **{
                    field: max(getattr(getattr(mean, name), field) * factor,
                               getattr(getattr(least, name), field))
                    for field in _FIELDS
                },
            )
            for name in ("survey", "file")
        }  # fmt: skip
        return replace(mean, **parts, basis=Basis.BYTES)

    def doubt(self, part: Part, basis: Basis) -> float:
        """Return the standard error of a part's mean, as that of its logarithm.

        Of what was measured, from the spread of the files that it was measured on; of what
        was not, how far such an estimate is off where it can be compared with what was
        measured (`errors`).
        """
        if basis is not Basis.MEASURED:
            return self.errors()[basis]
        if not part.count:
            return 0.0
        sigma = part.sigma if part.count >= _ENOUGH else self.errors()[Basis.MEASURED]
        return min(math.sqrt(math.expm1(min(sigma * sigma, 8.0)) / part.count), _MOST)

    def errors(self) -> dict[Basis, float]:
        """Return, per basis, how far an estimate is off, as a root mean square of logarithms.

        Each kind that was measured is left out and estimated from the others. Of MEASURED,
        it is the spread within a kind, taken together, for kinds of too few files to tell.
        """
        if self._errors is None:
            off: dict[Basis, list[float]] = {}
            for (puid, size), one in self.kinds.items():
                if one.seconds <= 0:
                    continue
                for basis, guess in self._without((puid, size)):
                    if guess.seconds > 0:
                        off.setdefault(basis, []).append(math.log(one.seconds / guess.seconds))
            among = _square(off.get(Basis.MIX, [])) or _UNKNOWN
            self._errors = {basis: _square(off.get(basis, [])) or among for basis in Basis}
            parts = [part for one in self.kinds.values() for part in (one.survey, one.file)]
            within = [one.sigma for one in parts if one.count >= _ENOUGH and one.sigma]
            self._errors[Basis.MEASURED] = _square(within) or among
        return self._errors

    def _without(self, key: Key) -> list[tuple[Basis, Cost]]:
        """Return what a kind would be taken for if it, or its whole format, were unknown."""
        puid, size = key
        others = {known: cost for known, cost in self.kinds.items() if known[0] == puid != ""}
        others.pop(key, None)
        found = [(Basis.MIX, self._mean)]
        if others:
            guess = Costs(others, self.source).of(puid, middle(size), size)
            found.append((guess.basis, guess))
        return found

    def output_bytes(self, puid: str, size: float) -> float:
        """Return the bytes that are made of `size` bytes of a format, where a mix is silent."""
        return size * self.output.get(puid, self.output.get("", 0.0))


def _square(values: Sequence[float]) -> float:
    """Return the root mean square."""
    if not values:
        return 0.0
    return min(math.sqrt(sum(one * one for one in values) / len(values)), _MOST)


def middle(kind: int) -> float:
    """Return the bytes in the middle of a size class."""
    return 0.75 * 2**kind if kind else 0.0


def _mixed(one: Cost, other: Cost, share: float, basis: Basis) -> Cost:
    """Return what lies at `share` of the way from one cost to another."""

    def between(a: float, b: float) -> float:
        return a + (b - a) * share

    parts = {}
    for name in ("survey", "file"):
        a, b = getattr(one, name), getattr(other, name)
        parts[name] = Part(
            a.count + b.count, between(a.seconds, b.seconds), between(a.cpu, b.cpu),
            between(a.longest, b.longest), max(a.memory, b.memory),
        )  # fmt: skip
    return Cost(
        **parts, second=between(one.second, other.second), jvm=between(one.jvm, other.jvm),
        office=between(one.office, other.office), basis=basis,
    )  # fmt: skip


def _mean(costs: Sequence[Cost]) -> Cost:
    """Return the mean of costs, by the files that they were measured on."""
    surveys = _mean_part([one.survey for one in costs])
    files = _mean_part([one.file for one in costs])
    whole = surveys.count or 1.0
    shares = {
        name: sum(getattr(one, name) * one.survey.count for one in costs) / whole
        for name in ("second", "jvm", "office")
    }
    return Cost(surveys, files, **shares)


def _mean_part(parts: Sequence[Part]) -> Part:
    count = sum(one.count for one in parts)
    if not count:
        return Part()
    return Part(
        count,
        sum(one.seconds * one.count for one in parts) / count,
        sum(one.cpu * one.count for one in parts) / count,
        max(one.longest for one in parts),
        max(one.memory for one in parts),
    )


@dataclass(frozen=True, slots=True)
class Servers:
    """Names of tools that ask the Java machine or LibreOffice."""

    jvm: frozenset[str]
    office: frozenset[str]


def from_measures(
    rows: Iterable[Taken], files: Mapping[Key, tuple[float, float]], servers: Servers
) -> dict[Key, Cost]:
    """Return costs by kind of what ledgers hold.

    `files`: files and copies of each kind in one run; how many runs the measures are of
    follows from their surveys.
    """
    parts: dict[tuple[str, Key], Part] = {}
    asked: dict[tuple[str, Key], int] = {}
    for one in rows:
        key = (one.puid, one.size_class)
        if not one.tool and one.stage in {"survey", "file"}:
            parts[one.stage, key] = Part(
                one.count, one.seconds / one.count, one.cpu / one.count, one.longest, one.memory
            )
        for name in ("jvm", "office"):
            if one.tool in getattr(servers, name):
                asked[name, key] = max(asked.get((name, key), 0), one.count)
    found = {}
    for key in sorted({key for stage, key in parts if stage == "survey"}):
        survey, file = parts["survey", key], parts.get(("file", key), Part())
        met, copies = files.get(key, (survey.count, 0.0))
        runs = survey.count / met if met else 1.0
        originals = max(met - copies, 1.0) * runs
        found[key] = Cost(
            survey,
            file,
            second=min(file.count / originals, 1.0),
            jvm=min(asked.get(("jvm", key), 0) / originals, 1.0),
            office=min(asked.get(("office", key), 0) / originals, 1.0),
        )
    return found
