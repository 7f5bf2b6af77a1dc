# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file will probably take, from what this ledger has measured of its kind.

A kind is a PUID and a power of two of the size. Means, not medians: what counts is what a
thousand of them take together.
"""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from pipeline.core.measuring import FILE, SURVEY, Measure
from pipeline.ledger import measures
from pipeline.ledger.measures import size_class

# Limits: a step of a kind that took so long is given twice that, and never more than four
# times what is configured, so that one slow file does not raise the limit without end.
_ROOM, _CEILING = 2.0, 4.0
_STEPS = ("validate", "migrate", "verify")
# Before so many files of a kind were seen, one odd file must not decide.
_ENOUGH = 3


@dataclass(slots=True)
class _Mean:
    count: int = 0
    seconds: float = 0.0

    def add(self, count: int, seconds: float) -> None:
        self.count += count
        self.seconds += seconds

    @property
    def mean(self) -> float:
        return self.seconds / self.count if self.count else 0.0


class Estimates:
    """Filled from a ledger, and by every result since. `slow`: PUIDs that are migrated."""

    def __init__(self, db: sqlite3.Connection, slow: Iterable[str] = ()) -> None:
        table = tomllib.loads((files(__package__) / "priors.toml").read_text(encoding="utf-8"))
        self._priors = {str(key): float(value) for key, value in table.items()}
        self._slow = frozenset(slow)
        self._kinds: dict[tuple[str, int], _Mean] = {}
        self._formats: dict[str, _Mean] = {}
        self._all, self._survey = _Mean(), _Mean()
        self._longest: dict[tuple[str, int], float] = {}
        self.spent = 0.0  # seconds of workers' time, since this was made
        for one in measures.taken(db):
            if not one.tool:
                self._take(one.stage, one.puid, one.size_class, one.count, one.seconds, one.longest)

    def measured(self, puid: str | None, size: int, found: Iterable[Measure]) -> None:
        """Take in what a file took."""
        for one in found:
            if one.tool:
                continue
            if one.stage in (SURVEY, FILE):
                self.spent += one.seconds
            self._take(one.stage, puid or "", size_class(size), 1, one.seconds, one.seconds)

    def _take(
        self, stage: str, puid: str, kind: int, count: int, seconds: float, longest: float
    ) -> None:
        if stage == SURVEY:
            self._survey.add(count, seconds)
        elif stage == FILE:
            self._kinds.setdefault((puid, kind), _Mean()).add(count, seconds)
            self._formats.setdefault(puid, _Mean()).add(count, seconds)
            self._all.add(count, seconds)
        elif stage in _STEPS:
            key = (puid, kind)
            self._longest[key] = max(self._longest.get(key, 0.0), longest)

    def seconds(self, puid: str | None, size: int) -> float:
        """Return what a file that is identified is expected to take, after its survey."""
        name = puid or ""
        for known in (self._kinds.get((name, size_class(size))), self._formats.get(name)):
            if known is not None and known.count >= _ENOUGH:
                return known.mean
        return self._priors["migrate" if name in self._slow else "check"]

    def survey_seconds(self) -> float:
        """Return what hashing and identifying a file is expected to take."""
        known = self._survey.count >= _ENOUGH and self._survey.mean > 0
        return self._survey.mean if known else self._priors["survey"]

    def unknown_seconds(self) -> float:
        """Return what a file that is not identified yet is expected to take, all in all."""
        rest = self._all.mean if self._all.count >= _ENOUGH else self._priors["check"]
        return self.survey_seconds() + rest

    def limit(self, puid: str | None, size: int, configured: float) -> float:
        """Return the seconds that a step of a file may take: as configured, or more.

        More where a step of a file of the same format, of this size or smaller by no more
        than a power of two, took more than half of that.
        """
        kind = size_class(size)
        longest = max(self._longest.get((puid or "", kind - less), 0.0) for less in (0, 1))
        return min(max(configured, longest * _ROOM), configured * _CEILING)


class Remaining:
    """The seconds of one worker that are left, kept up while files come and go."""

    def __init__(self, estimates: Estimates, db: sqlite3.Connection) -> None:
        self._estimates = estimates
        self._kinds: dict[tuple[str | None, int], int] = {}
        for puid, size in measures.waiting(db):
            self.identified(puid, size)

    def identified(self, puid: str | None, size: int) -> None:
        """Take that a file is identified and waits."""
        key = (puid, size_class(size))
        self._kinds[key] = self._kinds.get(key, 0) + 1

    def done(self, puid: str | None, size: int) -> None:
        """Take that a file which waited is done."""
        key = (puid, size_class(size))
        self._kinds[key] = max(self._kinds.get(key, 0) - 1, 0)

    def seconds(self, files: int) -> float:
        """Return the seconds of work that `files` take, the identified ones among them."""
        waiting = sum(self._kinds.values())
        known = sum(
            count * self._estimates.seconds(puid, (1 << kind) - 1)
            for (puid, kind), count in self._kinds.items()
        )
        return known + max(files - waiting, 0) * self._estimates.unknown_seconds()
