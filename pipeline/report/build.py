# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write the reports of an output folder: HTML per language, CSV, JSON.

The HTML stands alone: style and charts are inside, nothing is fetched. Reports are
derived from the ledger and are written anew each time, whole or not at all.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from io import TextIOWrapper
from multiprocessing import get_context
from pathlib import Path

from pipeline.core.errors import from_os_error
from pipeline.core.staging import fsync_folder
from pipeline.ledger import queries
from pipeline.ledger.connection import open_reader
from pipeline.report import data, html, signed
from pipeline.report.texts import LANGUAGES

# SQLite's own 2 MiB has the pages of a large ledger read over and over; two processes with so
# much stay below 400 MB on a million files (benchmarks.big_ledger).
_CACHE_KIB = 81_920
_TABLE = "files.csv"
# Files from which on a second process is worth the second that it takes to start.
_MANY = 50_000


def write_all(out: Path) -> list[Path]:
    """Write every report below `out/report`; return their paths.

    Raises ConfigError when `out` holds no ledger, DiskFullError.
    """
    folder = out / "report"
    db = open_reader(out)
    try:
        folder.mkdir(exist_ok=True)
        apart = _begun_apart(out, folder / _TABLE) if queries.count(db) > _MANY else None
        _begin(db)
        gathered = data.gather(db)
        written = []
        for language in LANGUAGES:
            page = html.render(gathered, language)
            written.append(_write(folder / f"report.{language}.html", lambda f, p=page: f.write(p)))  # type: ignore[misc]
        written.append(
            _write(
                folder / "report.json",
                lambda f: json.dump(gathered, f, ensure_ascii=False, indent=1),
            )
        )
        if apart is None or apart() != _moment(db):
            _write(folder / _TABLE, lambda f: f.writelines(data.files(db)))
        written.append(folder / _TABLE)
        written.append(_write(folder / "signatures.csv", lambda f: f.writelines(signed.rows(db))))
    finally:
        db.close()
    fsync_folder(folder)
    return written


def _begin(db: sqlite3.Connection) -> None:
    """Fix the moment that every report shows, also while a run goes on."""
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    db.execute("BEGIN")
    _moment(db)


def _moment(db: sqlite3.Connection) -> tuple[object, ...]:
    """Return what changes whenever a run records something."""
    run = db.execute("SELECT * FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    last = db.execute("SELECT max(id) FROM events").fetchone()
    return (*(run or ()), *last, queries.count(db))


def _begun_apart(out: Path, path: Path) -> Callable[[], tuple[object, ...]]:
    """Begin the table of all files in a process of its own: half of all the work.

    Returns a function that waits for it and returns the moment that it shows.
    """
    # spawn: the parent has a database open.
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    future = pool.submit(_table, out, path)
    pool.shutdown(wait=False)
    return future.result


def _table(out: Path, path: Path) -> tuple[object, ...]:
    db = open_reader(out)
    try:
        _begin(db)
        _write(path, lambda f: f.writelines(data.files(db)))
        return _moment(db)
    finally:
        db.close()


def _write(path: Path, fill: Callable[[TextIOWrapper], object]) -> Path:
    with _replaced(path) as stream:
        fill(stream)
    return path


@contextmanager
def _replaced(path: Path) -> Iterator[TextIOWrapper]:
    waiting = path.with_name(f".{path.name}.part")
    try:
        # utf-8-sig for CSV: without the mark, spreadsheets read å as Ã¥.
        encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"
        with waiting.open("w", encoding=encoding, newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        waiting.replace(path)
    except OSError as error:
        raise from_os_error(error) from error
