# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tables by SQLite are what the csv module would write of the same values."""

from __future__ import annotations

import csv
import io
import sqlite3

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.report.table import Table, cell, lines

_WORD = st.text(alphabet='abc åÄ,"\r\n=+-@\t15.', max_size=6)
_FREE = st.one_of(st.none(), st.text(st.characters(exclude_categories=("Cs",)), max_size=8), _WORD)
# Words of ours and of XML: no control characters but those that XML can hold.
_PLAIN = st.one_of(
    st.none(), _WORD, st.integers(-9, 9), st.floats(0, 100).map(lambda n: round(n, 3))
)
_ROW = st.tuples(_PLAIN, _FREE, _PLAIN, _PLAIN, _FREE)
_TABLE = Table({name: name for name in "abcde"}, frozenset("be"), "t ORDER BY rowid")


def written(rows: list[tuple[object, ...]]) -> str:
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.execute("CREATE TABLE t (a, b, c, d, e)")
    db.executemany("INSERT INTO t VALUES (?,?,?,?,?)", rows)
    return "".join(lines(db, _TABLE))


@given(st.lists(_ROW, min_size=1, max_size=5))
@example([("=1", "a\0,b", None, 0.05, "\x1f=")])
@example([("x,y", '"', "-5", "-x", "@")])
def test_the_same_as_the_csv_module(rows: list[tuple[object, ...]]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow("abcde")
    for row in rows:
        writer.writerow([_guarded(value) for value in row])
    assert written(rows) == stream.getvalue()


def _guarded(value: object) -> object:
    text = str(value)
    if value is None or text[:1] not in {"=", "+", "-", "@", "\t", "\r"}:
        return value
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return value


def test_many_rows_have_one_heading() -> None:
    text = written([(number, "x", "y", None, f"f{number}") for number in range(2500)])
    assert text.count("a,b,c,d,e") == 1
    assert text.splitlines()[-1] == "2499,x,y,,f2499"
    assert len(text.splitlines()) == 2501


def test_a_table_without_rows_has_its_heading() -> None:
    assert written([]) == "a,b,c,d,e\r\n"


def test_a_formula_is_made_text() -> None:
    assert cell("=cmd()") == "'=cmd()"
    assert cell("-1.5") == "-1.5"
    assert cell('=a,"b') == '"\'=a,""b"'
