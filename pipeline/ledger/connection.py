# SPDX-License-Identifier: AGPL-3.0-or-later
"""Open a ledger, for its one writer or for readers."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from pipeline.core.errors import ConfigError

NAME = "ledger.sqlite"
VERSION = 4


def path_in(out: Path) -> Path:
    """Return where an output folder's ledger is."""
    return out / NAME


def open_writer(path: Path) -> sqlite3.Connection:
    """Open, or make, a ledger for writing. Raises ConfigError for one of another version.

    WAL so that readers never wait for the writer; synchronous=FULL so that what is
    committed survives a power cut (sqlite.org/pragma.html): 591 commits a second here.
    """
    try:
        return _open_writer(path)
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path} cannot be used as a ledger: {error}") from error


def _open_writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger'").fetchone():
        schema = (files("pipeline.ledger") / "schema.sql").read_text(encoding="utf-8")
        # One transaction: a crash must not leave half a schema that is taken for whole.
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")
    return connection


def open_reader(out: Path) -> sqlite3.Connection:
    """Open an output folder's ledger for reading, also while a run writes to it.

    Raises ConfigError when there is none.
    """
    path = path_in(out)
    if not path.is_file():
        raise ConfigError(f"{out} holds no ledger; is it the output folder of a run?")
    # quote: a ? or # in the folder's name would end the file name within a URI.
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        row = connection.execute("SELECT version FROM ledger").fetchone()
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path} cannot be read as a ledger: {error}") from error
    if row is None:
        raise ConfigError(f"{path} is empty: no run has begun in it")
    check_version(path, row["version"])
    return connection


def check_version(path: Path, version: int) -> None:
    """Raise ConfigError, with what to do, for a ledger that is not of this program's version."""
    if version == VERSION:
        return
    written = "an earlier" if version < VERSION else "a later"
    raise ConfigError(
        f"{path} is a ledger of version {version}, written by {written} skanearkiv; this one "
        f"reads and writes version {VERSION}: give the delivery a new output folder, or use "
        "the program that wrote it"
    )
