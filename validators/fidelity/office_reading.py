# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a reader of our own found in an office document, whichever format it was."""

from __future__ import annotations

import re
from dataclasses import dataclass

TEXT_LIMIT = 8 * 1024 * 1024  # characters; a very long book has two million
CELL_LIMIT = 2_000_000  # cells with content of all sheets

# Fields that a program calculates anew when it shows the document: what they last showed
# need not stand in the result (ISO/IEC 29500-1, 17.16.5; the same words in [MS-DOC], RTF).
_VOLATILE = re.compile(
    r"\s*(?:PAGE|NUMPAGES|SECTION|SECTIONPAGES|PAGEREF|DATE|TIME|SAVEDATE|PRINTDATE|CREATEDATE"
    r"|EDITTIME|FILENAME|FILESIZE|NUMWORDS|NUMCHARS|REVNUM|LASTSAVEDBY|TEMPLATE|AUTONUM\w*"
    r"|LISTNUM|SEQ|INCLUDEPICTURE|EMBED|LINK|DDE\w*|SHAPE|PRIVATE|XE|TC|RD|TA|ASK|SET)\b",
    re.IGNORECASE,
)


class UnreadableError(Exception):
    """The file is not what this reader reads; another account must do."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with content. `value` of a date or time is its serial number (1899-12-30).

    `row` and `column` count from 0; `shape` is the number format's code, "" for none.
    """

    row: int
    column: int
    value: str | float | bool
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet and its cells; those of hidden rows and columns stand in `unseen`."""

    name: str
    cells: tuple[Cell, ...]
    hidden: bool = False
    unseen: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document's reader sees, in the order of the file; None: this reader cannot tell.

    `tables`: the text of each table's cells that have any. `headings`: the texts of
    paragraphs of the heading styles or outline levels. `pictures`: different ones shown.
    `language`: BCP 47 tag of the document's default language, "" when it states none.
    """

    reader: str
    text: str
    pictures: int | None = None
    tables: tuple[tuple[str, ...], ...] | None = None
    headings: tuple[str, ...] | None = None
    language: str = ""
    sheets: tuple[Sheet, ...] = ()


def volatile(instruction: str) -> bool:
    """Return whether a field shows something else whenever it is looked at, or nothing."""
    return bool(_VOLATILE.match(instruction))
