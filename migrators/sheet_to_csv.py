# SPDX-License-Identifier: AGPL-3.0-or-later
"""A spreadsheet of one sheet to CSV: the values alone, in UTF-8."""

from __future__ import annotations

from pathlib import Path

from migrators.base import Options
from migrators.libreoffice import client, ods_rows, sheets
from pipeline.core.isolate import Pool, call
from pipeline.core.records import Agent, Message, MigrationNote, Severity


class SheetToCsv:
    """Writes what each cell holds, not how it is shown: 0.1234 for 12 %, dates as ISO 8601.

    Formulas become their results. A second sheet with content is not converted.
    """

    name = "sheet_to_csv"
    sources = sheets.SOURCES
    target_puids = frozenset({"x-fmt/18"})

    def agents(self) -> tuple[Agent, ...]:
        """Return LibreOffice with its version. Raises ToolMissingError."""
        return sheets.agents()

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write `target`. Raises PasswordError, DamagedError, EmptyError, NotConvertedError."""
        raw = sheets.stored(source, options)
        made = call(Pool.LIBRARIES, ods_rows.write, raw, target)
        raw.unlink()
        method = f"LibreOffice {client.OFFICE.version()}, {sheets.reading(options)[0]}, CSV"
        size = f"{made['rows']} x {made['columns']}"
        messages = (Message("office.values_only", Severity.INFO, size),)
        return MigrationNote(method, messages, self.agents())


MIGRATOR = SheetToCsv()
