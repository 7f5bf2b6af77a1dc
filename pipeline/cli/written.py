# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a run leaves for people and for other systems, besides its outputs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.core.errors import FileError, RunStoppedError
from pipeline.execution.lock import exclusive
from pipeline.execution.run import Request
from pipeline.ledger.connection import NAME, open_reader
from pipeline.premis.write import write_premis
from pipeline.report.build import write_all
from pipeline.storage.package import STAGING
from pipeline.storage.packages import objects
from pipeline.storage.place import Address

# Stands in the work folder while the package holds what the ledger says.
_DELIVERED = ".delivered"


def write_records(out: Path) -> list[Path]:
    """Write reports and PREMIS anew from the ledger; return their paths.

    Raises ConfigError when `out` holds no ledger, DiskFullError.
    """
    return [*write_all(out), write_premis(out)]


class Records:
    """The reports, PREMIS and ledger of one run, where its package is."""

    def __init__(self, request: Request, say: Callable[[str], None]) -> None:
        self._request = request
        self._say = say
        out = request.out
        self.work = Path(os.path.realpath(request.work or str(out)))
        self.due = isinstance(out, Address) and not (self.work / _DELIVERED).exists()

    def records(self, *, news: bool) -> list[Path]:
        """Write them, and put them into a package in object storage, if there is reason to.

        That is `news`, or that an earlier run was stopped before. Returns what was written.
        Raises DiskFullError, RunStoppedError.
        """
        due = news or self.due or not (self.work / "report" / "report.en.html").exists()
        written = write_records(self.work) if due else []
        out = self._request.out
        if isinstance(out, Address):
            if due:
                with exclusive(self.work):
                    self._put(out, written)
            (self.work / _DELIVERED).touch()
        return written

    def _put(self, out: Address, written: list[Path]) -> None:
        package = objects(out, self._request.settings.storage, self._say)
        copy = self.work / STAGING / NAME
        try:
            ledger_copy(self.work, copy)
            for path in written:
                package.put(path, path.relative_to(self.work).as_posix())
            package.put(copy, NAME)
        except FileError as error:
            raise RunStoppedError(f"the reports could not be put: {error.detail}") from error
        copy.unlink()


@contextmanager
def delivered(request: Request, say: Callable[[str], None]) -> Iterator[Records]:
    """Yield what writes a run's records; a stop within the block is made up for by the next."""
    records = Records(request, say)
    (records.work / _DELIVERED).unlink(missing_ok=True)
    yield records


def ledger_copy(work: Path, copy: Path) -> None:
    """Write a consistent copy of a ledger, one file (sqlite.org/backup.html)."""
    copy.parent.mkdir(exist_ok=True)
    copy.unlink(missing_ok=True)
    with closing(open_reader(work)) as ledger, closing(sqlite3.connect(copy)) as target:
        ledger.backup(target)
        # The ledger's own mode keeps its last pages in a second file.
        target.execute("PRAGMA journal_mode = DELETE")
