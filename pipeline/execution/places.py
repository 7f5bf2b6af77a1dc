# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a run reads, writes and keeps its ledger: checked, made ready, taken hold of."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.config.storage import Storage
from pipeline.core.errors import ConfigError, FileError, RunStoppedError
from pipeline.ledger.store import Ledger
from pipeline.storage.object_package import owned
from pipeline.storage.opened import opened
from pipeline.storage.package import STAGING
from pipeline.storage.packages import objects
from pipeline.storage.place import Address, Place, apart


def resolved(
    source: Place, out: Place, work: Path | None, settings: Storage, say: Callable[[str], None]
) -> tuple[Place, Place, Path]:
    """Return (source, out, folder of ledger, lock and reports). Raises ConfigError.

    Raises RunStoppedError where a server is away for longer than patience lasts.
    """
    source = source if isinstance(source, Address) else Path(os.path.realpath(source))
    out = out if isinstance(out, Address) else Path(os.path.realpath(out))
    if isinstance(source, Path) and not source.is_dir():
        raise ConfigError(f"the source {source} is not a folder")
    if not apart(source, out):
        raise ConfigError(f"source {source} and output {out} must not lie within each other")
    if isinstance(out, Path):
        if work is not None:
            raise ConfigError("--work is for outputs in object storage; a folder holds its ledger")
        work = out
    elif work is None:
        raise ConfigError(f"{out} needs --work: a folder for ledger and reports while it runs")
    work = Path(os.path.realpath(work))
    if isinstance(source, Path) and not apart(source, work):
        raise ConfigError(f"source {source} and folder {work} must not lie within each other")
    if isinstance(source, Address):
        _look_into(source, settings, say)
    return source, out, work


def _look_into(source: Address, settings: Storage, say: Callable[[str], None]) -> None:
    try:
        first = next(opened(source, settings, say).list(), None)
    except FileError as error:
        raise RunStoppedError(f"{source}: {error.detail}") from error
    if first is None:
        raise ConfigError(f"there is nothing below the source {source}")


def named(source: Place) -> Path | str:
    """Return a source as the ledger is bound to it."""
    return source.url if isinstance(source, Address) else source


def hold(
    out: Place, work: Path, ledger: Ledger, settings: Storage, say: Callable[[str], None]
) -> None:
    """Take hold of a package in object storage; a folder is held by its lock.

    Two ledgers in one package would each take the other's outputs for strays. Raises
    ConfigError, RunStoppedError.
    """
    if not isinstance(out, Address):
        return
    staging = work / STAGING
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir()
    source, started = ledger.database.execute(
        "SELECT source, (SELECT started FROM runs ORDER BY id LIMIT 1) FROM ledger"
    ).fetchone()
    owner = hashlib.sha256(bytes(source) + b"\n" + str(started).encode()).hexdigest()
    owned(objects(out, settings, say), owner, staging)
