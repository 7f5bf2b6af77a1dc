# SPDX-License-Identifier: AGPL-3.0-or-later
"""Identify a folder of any size, in parallel, in the order of the scan, in bounded memory."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pipeline.config.clusters import Local
from pipeline.core import isolate
from pipeline.core.budget import MIB
from pipeline.core.errors import SkanearkivError
from pipeline.core.records import FileKind, FileRecord, Outcome
from pipeline.execution.clusters.join import joined
from pipeline.steps.jobs import Context
from pipeline.steps.listing import Listed, list_batch

# A cluster takes two seconds to start; so many files take one worker about as long.
_FEW = 500
_WINDOW = 4  # batches in flight for each worker


def identify_records(
    root: Path, records: Iterable[FileRecord], context: Context, workers: int
) -> Iterator[Listed]:
    """Yield what entries below `root` are, in their order.

    Few are done here, many by the workers of a Dask cluster of this machine.
    """
    pending = iter(records)
    first = list(islice(pending, _FEW + 1))
    batches = _batches(chain(first, pending), context)
    if len(first) <= _FEW or workers < 2:
        for batch in batches:
            yield from list_batch(root, batch, context.settings)
        return
    # What was asked here before is the workers' business now.
    isolate.close_all()
    with tempfile.TemporaryDirectory(prefix="skanearkiv-") as scratch:
        staging = Path(scratch)
        ours = Context(root, staging, context.policy, context.settings)
        with joined(Local(workers=workers), ours, staging, _quiet) as (here, _):
            yield from _spread(root, batches, ours, here.client, workers * _WINDOW)


def _quiet(_text: str) -> None:
    """Say nothing: a list may be on its way to standard output."""


def _batches(records: Iterable[FileRecord], context: Context) -> Iterator[list[FileRecord]]:
    limits = context.settings.batches
    batch: list[FileRecord] = []
    size = 0
    for one in records:
        if batch and (len(batch) >= limits.files or size + one.size > limits.mib * MIB):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


def _spread(
    root: Path, batches: Iterator[list[FileRecord]], context: Context, client: Any, window: int
) -> Iterator[Listed]:
    flight: deque[tuple[list[FileRecord], Any]] = deque()

    def hand_out() -> None:
        for batch in islice(batches, window - len(flight)):
            future = client.submit(list_batch, root, batch, context.settings, pure=False)
            flight.append((batch, future))

    hand_out()
    while flight:
        batch, future = flight.popleft()
        try:
            found = future.result()
        except SkanearkivError:
            # Nothing of a file: what every other batch would meet as well.
            raise
        except Exception:  # noqa: BLE001
            # Two workers died of it: each file alone, so that none is blamed for another.
            found = [_apart(root, one, context, client) for one in batch]
        future.release()
        yield from found
        hand_out()


def _apart(root: Path, record: FileRecord, context: Context, client: Any) -> Listed:
    from distributed import KilledWorker

    if record.kind is not FileKind.REGULAR:
        return list_batch(root, [record], context.settings)[0]
    future = client.submit(list_batch, root, [record], context.settings, pure=False)
    try:
        found: list[Listed] = future.result()
    except Exception as error:  # noqa: BLE001
        # Recorded with the one file that it can only be about.
        outcome = Outcome.CRASH if isinstance(error, KilledWorker) else Outcome.TOOL_FAILURE
        detail = f"{type(error).__name__}: {error}"[:500]
        return Listed(record, outcome=outcome, detail=detail)
    finally:
        future.release()
    return found[0]


class Seen(AbstractContextManager["Seen"]):
    """The first path of each content, on disk: millions of hashes need no memory."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="skanearkiv-")
        self._db = sqlite3.connect(os.path.join(self._folder.name, "seen"), isolation_level=None)
        # It lives as long as the process: nothing to keep safe.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, path TEXT) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def earlier(self, sha256: str, path: str) -> str:
        """Return the path under which a content was met first, "" for the first time."""
        digest = bytes.fromhex(sha256)
        added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, path))
        if added.rowcount:
            return ""
        (first,) = self._db.execute("SELECT path FROM seen WHERE digest = ?", (digest,)).fetchone()
        return str(first)

    def __exit__(self, *_error: object) -> None:
        self._db.close()
        self._folder.cleanup()
