# SPDX-License-Identifier: AGPL-3.0-or-later
"""Readers of the old formats, on files by LibreOffice, by hand, from the corpus, and spoilt."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipeline.core.errors import DamagedError
from validators.fidelity import (
    office_figures,
    office_rtf,
    office_source,
    office_word97,
    office_xlsb,
)
from validators.fidelity.office_ooxml_sheets import office_dates
from validators.fidelity.office_reading import Cell, Reading, UnreadableError, volatile

# name in the corpus -> (reader, words that stand in it, words that must not)
REAL = {
    "poi/57843.doc": ("Word 6/95 reader", (), ()),
    "poi/Bug44292.doc": ("Word 97-2003 reader", (), ()),
    "poi/45543.ppt": ("PowerPoint 97-2003 reader", (), ()),
    "poi/62815.xlsb": ("XLSB reader", (), ()),
    "poi/SimpleWithStyling.xls": ("xlrd", (), ()),
    "poi/message.rtf": ("RTF reader", (), ()),
}


def rtf(path: Path, body: str) -> Reading:
    path.write_bytes(body.encode("cp1252"))
    return office_rtf.read(path)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (r"{\rtf1\ansi\ansicpg1252 Bj\'f6rk\u228?ngen\par slut}", "Björkängen slut"),
        (r"{\rtf1\uc2 \u246??ga}", "öga"),
        (r"{\rtf1{\fonttbl{\f0\fcharset204 Arial;}}\f0 \'e4\'e0}", "да"),
        (r"{\rtf1 syns{\v dold} {\deleted struken}kvar}", "syns kvar"),
        (r"{\rtf1{\field{\*\fldinst HYPERLINK \"http://a\"}{\fldrslt hit}} dit}", "hit dit"),
        (r"{\rtf1{\field{\*\fldinst DATE}{\fldrslt 2020-01-01}} dit}", "dit"),
        (r"{\rtf1{\*\generator Riched;}{\info{\title Titel}}text}", "text"),
        (r"{\rtf1 text{\footnote not}}", "textnot"),
        (r"{\rtf1{\upr{ansi}{\*\ud{unicode}}}}", "unicode"),
        (r"{\rtf1 \u-10179?\u-8704? tecken}", "\U0001f600 tecken"),
        (r"{\rtf1 \bin4 {{{{ord}", "ord"),
    ],
)
def test_rich_text(tmp_path: Path, body: str, words: str) -> None:
    assert rtf(tmp_path / "a.rtf", body).text.split() == words.split()


def test_cells_of_rich_text(tmp_path: Path) -> None:
    found = rtf(tmp_path / "a.rtf", r"{\rtf1\trowd Namn\cell Summa\cell\row efter}")
    assert found.tables == (("Namn", "Summa"),)


def test_too_many_groups_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        rtf(tmp_path / "a.rtf", "{\\rtf1" + "{" * 6000)


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [(" PAGE ", True), ("DATE \\@ yyyy", True), ('HYPERLINK "x"', False), ("PAGES", False)],
)
def test_fields_that_change(instruction: str, expected: bool) -> None:
    assert volatile(instruction) is expected


@pytest.mark.parametrize(
    ("number", "value"),
    [(0x3FF00000, 1.0), (0x3FF00001, 0.01), (0x0000000A, 2.0), (0xFFFFFFFE, -1.0)],
)
def test_packed_numbers(number: int, value: float) -> None:
    assert office_xlsb.rk(number) == value


@pytest.mark.parametrize(
    ("shape", "dated"),
    [("yyyy-mm-dd", True), ("0.00", False), ('"dag" 0', False), ("[h]:mm", True), ("[Red]0", False),
     ("0.00\\ d", True), ("General", False), ("#,##0_d", False)],
)  # fmt: skip
def test_formats_of_dates(shape: str, dated: bool) -> None:
    assert office_dates(shape) is dated


@pytest.mark.parametrize(
    ("value", "shape", "page", "there"),
    [
        (1234567.891, "#,##0.00", "1 234 567,89", True),
        (1234567.891, "#,##0.00", "1,234,567.89", True),
        (1234567.891, "#,##0.00", "1 234 567,98", False),
        (0.125, "0 %", "13 %", True),
        (0.125, "0 %", "14 %", False),
        (-42.0, "", "(42)", True),
        (1.5e10, "", "1,5E+10", True),
        (45322.0, "yyyy-mm-dd", "2024-01-31", True),
        (45322.0, "yyyy-mm-dd", "31/1/24", True),
        (45322.0, "yyyy-mm-dd", "2023-01-31", False),
        (7.0, ";;;", "", True),
        (0.0, "", "-", True),
    ],
)
def test_numbers_as_they_are_shown(value: float, shape: str, page: str, there: bool) -> None:
    _, missing = office_figures.kept([Cell(0, 0, value, shape)], page)
    assert (missing == []) is there


def test_each_number_serves_one_cell() -> None:
    cells = [Cell(row, 0, 17.0) for row in range(3)]
    total, missing = office_figures.kept(cells, "17 och 17")
    assert (total, missing) == (3, ["17"])


@pytest.mark.parametrize("name", REAL)
def test_real_files(corpus: Path, name: str) -> None:
    found = office_source.read(corpus / name)
    assert found is not None
    assert found.reader == REAL[name][0]
    assert found.text.strip() or any(sheet.cells for sheet in found.sheets)


@pytest.mark.parametrize("name", REAL)
def test_spoilt_files_end_in_an_error_or_a_reading(corpus: Path, tmp_path: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    dice = random.Random(name)
    spoilt = tmp_path / Path(name).name
    for number in range(25):
        bad = bytearray(data)
        for _ in range(1 + number):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        if number % 5 == 4:
            del bad[dice.randrange(len(bad)) :]
        spoilt.write_bytes(bytes(bad))
        try:
            found = office_source.read(spoilt)
        except (UnreadableError, DamagedError):
            continue
        assert found is None or isinstance(found, Reading)


def test_random_streams_are_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + random.Random(3).randbytes(8000))
    with pytest.raises(UnreadableError):
        office_word97.read(path)
