# SPDX-License-Identifier: AGPL-3.0-or-later
"""What to hand out next, and which files wait for another of the same content."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from pipeline.config.settings import Settings
from pipeline.core.budget import MIB
from pipeline.execution.estimates import Estimates
from pipeline.execution.tasks import Batch
from pipeline.ledger.store import Ledger, SurveyedFile
from pipeline.steps.jobs import FileJob, SurveyJob

_PAGE = 500
# Surveys run ahead of the slower rest by no more than this, so that the queue of a
# delivery of millions stays small.
_AHEAD = 2000
# Seconds of expected work to a batch: long beside what handing it out costs (some 10 ms),
# short enough that at the end no worker waits long for another.
_WORK = 1.0

Key = tuple[str, str | None]


class _Numbered(Protocol):
    @property
    def file(self) -> int: ...


N = TypeVar("N", bound=_Numbered)


def _pages(page: Callable[[int, int], list[N]], last: int | None = None) -> Iterator[N]:
    after = 0
    while found := page(after, _PAGE):
        for one in found:
            if last is not None and one.file > last:
                return
            yield one
        after = found[-1].file


class Feed:
    """Batches of a run, processing before surveying; bounded memory for any delivery."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        estimates: Estimates,
        copy: Callable[[int, SurveyedFile], bool],
    ) -> None:
        self._ledger = ledger
        self._limits = settings.limits
        self._batches = settings.batches
        self._estimates = estimates
        self._copy = copy
        self._new = _pages(ledger.new_files)
        # What an earlier run surveyed. Read in pages as it is needed: the ids that this
        # run surveys meanwhile come through `_ready` and are past `_last_left`.
        self._last_left = ledger.last_surveyed()
        self._again: set[int] = set()
        self._left = _pages(ledger.surveyed_files, self._last_left)
        self._ready: deque[SurveyedFile] = deque()
        self._waiting: dict[Key, list[SurveyedFile]] = {}

    def add(self, files: list[SurveyedFile]) -> None:
        """Take files that were just surveyed, or that must be handed out again."""
        self._ready.extend(files)
        # An unfinished file of an earlier run that changed is surveyed anew: not twice.
        self._again.update(one.file for one in files if one.file <= self._last_left)

    def next(self) -> Batch | None:
        """Return the next batch, None when nothing can be handed out now."""
        files = self._files()
        if files:
            return Batch(files=tuple(files))
        surveys = self._surveys()
        return Batch(surveys=tuple(surveys)) if surveys else None

    def finished(self, file: FileJob) -> list[SurveyedFile]:
        """Return the files that waited for this one's content."""
        return self._waiting.pop((file.sha256, file.identification.puid), [])

    def _files(self) -> list[FileJob]:
        batch: list[FileJob] = []
        size, work = 0, 0.0
        while len(batch) < self._batches.files and size < self._batches.mib * MIB:
            one = self._pop()
            if one is None:
                break
            key = (one.sha256, one.identification.puid)
            if key in self._waiting:
                self._waiting[key].append(one)
                continue
            twin = self._ledger.twin(*key)
            if twin is not None and self._copy(twin, one):
                continue
            work += self._estimates.seconds(one.identification.puid, one.size)
            if batch and work > _WORK:
                # What costs much is a batch of its own.
                self._ready.appendleft(one)
                break
            self._waiting[key] = []
            batch.append(self._job(one))
            size += one.size
            if work >= _WORK:
                break
        return batch

    def _job(self, one: SurveyedFile) -> FileJob:
        configured = self._limits.seconds_for(one.size)
        seconds = self._estimates.limit(one.identification.puid, one.size, configured)
        return FileJob(
            one.file, one.generation, one.raw, one.size, one.sha256, one.identification,
            seconds if seconds > configured else 0.0,
        )  # fmt: skip

    def _pop(self) -> SurveyedFile | None:
        if self._ready:
            return self._ready.popleft()
        return next((one for one in self._left if one.file not in self._again), None)

    def _surveys(self) -> list[SurveyJob]:
        if len(self._ready) > _AHEAD:
            return []
        batch: list[SurveyJob] = []
        size = 0
        most = min(self._batches.files, int(_WORK / self._estimates.survey_seconds()) + 1)
        while len(batch) < most and size < self._batches.mib * MIB:
            one = next(self._new, None)
            if one is None:
                break
            batch.append(SurveyJob(one.file, one.raw, one.size, one.mtime_ns))
            size += one.size
        return batch
