# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tables as CSV, put together by SQLite as far as that can do no harm.

A delivery has millions of files. Forty values a row, made into Python's and quoted one by
one, take half a minute for a million; a run of columns that SQLite prints as one, with a
look at whether anything in it is to be quoted, takes a third of that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# RFC 4180: a value that holds any of these stands in quotation marks.
_QUOTED = (",", '"', "\r", "\n")
_END = "\r\n"
_AT_ONCE = 1000
# ASCII's unit separator: no XML, and so no signature file, can hold it.
_UNIT, _LINE = "\x1f", "\n"
_SPECIAL = (",", '"', "\r", *(before + mark for before in (_UNIT, _LINE) for mark in _FORMULA))


@dataclass(frozen=True, slots=True)
class Table:
    """A query to be written as CSV: names of columns -> SQL, and what follows FROM.

    `free`: columns of text that may hold anything, what senders and tools wrote. The others hold
    numbers, digests, and words of ours or of signature files; no control characters.
    """

    columns: Mapping[str, str]
    free: frozenset[str]
    rows: str


def lines(db: sqlite3.Connection, table: Table) -> Iterator[str]:
    """Yield the heading, also where there is no row, then the rows, many at a time."""
    asked: list[str] = []
    made: list[Callable[[Sequence[str | None]], Iterable[str]]] = []
    for free, names in groupby(table.columns, key=lambda name: name in table.free):
        values = [table.columns[name] for name in names]
        if free:
            asked += values
            made += [_cells] * len(values)
        else:
            # SQLite's %s prints NULL as nothing, a number as its shortest text.
            form = _UNIT.join(["%s"] * len(values))
            asked.append(f"printf('{form}', {', '.join(values)})")
            made.append(_several)
    cursor = db.cursor()
    cursor.row_factory = None
    cursor.execute(f"SELECT {', '.join(asked)} FROM {table.rows}")
    yield ",".join(table.columns) + _END
    while found := cursor.fetchmany(_AT_ONCE):
        columns = [
            make(column) for make, column in zip(made, zip(*found, strict=True), strict=True)
        ]
        rows = map(",".join, zip(*columns, strict=True))
        yield _END.join([*rows, ""])


def _cells(column: Sequence[str | None]) -> Iterable[str]:
    rows = [text or "" for text in column]
    text = _LINE + _LINE.join(rows)
    if text.count(_LINE) == len(rows) and not any(mark in text for mark in _SPECIAL):
        return rows
    return map(cell, column)


def _several(column: Sequence[str | None]) -> Iterable[str]:
    """Return, for each row, its values as cells with commas between.

    Looks at all rows together, and at each value only where there is something to be seen.
    """
    rows = [text or "" for text in column]
    text = _LINE + _LINE.join(rows)
    if text.count(_LINE) == len(rows) and not any(mark in text for mark in _SPECIAL):
        return text[1:].replace(_UNIT, ",").split(_LINE)
    return [",".join(map(cell, row.split(_UNIT))) for row in rows]


@lru_cache(maxsize=4096)
def cell(value: object) -> str:
    """Return a value as it stands in CSV.

    A spreadsheet must not take a file's name or a tool's words for a formula.
    """
    if value is None:
        return ""
    text = str(value)
    if text[:1] in _FORMULA and not _number(text):
        text = f"'{text}"
    if any(mark in text for mark in _QUOTED):
        return '"' + text.replace('"', '""') + '"'
    return text


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
