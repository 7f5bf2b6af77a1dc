# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the makers of ODS and CSV share: which filter reads a spreadsheet, and a copy as ODS."""

from __future__ import annotations

import shutil
from pathlib import Path

from migrators.base import Options
from migrators.libreoffice import client, readers
from pipeline.core.errors import EmptyError, from_os_error
from pipeline.core.records import Agent

SOURCES = frozenset(puid for puid, (_, kind) in readers.FILTERS.items() if kind == "calc")


def agents() -> tuple[Agent, ...]:
    """Return LibreOffice with its version. Raises ToolMissingError."""
    client.PYTHON.version()
    return (Agent("LibreOffice", client.OFFICE.version()),)


def reading(options: Options) -> tuple[str, str]:
    """Return the import filter and kind of a source."""
    return readers.FILTERS[options.puid]


def stored(source: Path, options: Options) -> Path:
    """Return the spreadsheet as LibreOffice writes it as ODS, in the working folder.

    Raises PasswordError, DamagedError, EmptyError, NotConvertedError.
    """
    # LibreOffice puts lock files beside what it opens, and its links lead from there.
    copy = options.workdir / f"source{source.suffix if source.suffix.isascii() else ''}"
    try:
        shutil.copyfile(source, copy)
    except OSError as error:
        raise from_os_error(error) from error
    if copy.stat().st_size == 0:
        raise EmptyError("0 bytes")
    raw = options.workdir / "sheets-raw.ods"
    client.store(copy, raw, reading(options), "calc8")
    return raw
