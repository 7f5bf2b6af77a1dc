# SPDX-License-Identifier: AGPL-3.0-or-later
"""Spreadsheets to OpenDocument with LibreOffice: formulas, formats and sheets stay."""

from __future__ import annotations

from pathlib import Path

from migrators.base import Options
from migrators.libreoffice import client, ods_stamp, sheets
from pipeline.core.isolate import Pool, call
from pipeline.core.records import Agent, MigrationNote


class SheetToOds:
    """Loads by the filter that the PUID calls for and writes ODS (ODF 1.3 extended).

    Values are those that stand in the file: nothing is calculated anew but what has none.
    """

    name = "sheet_to_ods"
    sources = sheets.SOURCES
    target_puids = frozenset({"fmt/1755"})

    def agents(self) -> tuple[Agent, ...]:
        """Return LibreOffice with its version. Raises ToolMissingError."""
        return sheets.agents()

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write `target`. Raises PasswordError, DamagedError, EmptyError, NotConvertedError."""
        raw = sheets.stored(source, options)
        call(Pool.LIBRARIES, ods_stamp.finish, raw, target)
        raw.unlink()
        method = f"LibreOffice {client.OFFICE.version()}, {sheets.reading(options)[0]}, calc8"
        return MigrationNote(method, (), self.agents())


MIGRATOR = SheetToOds()
