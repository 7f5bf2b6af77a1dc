# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is told of an office document, what the policy's settings do, and sheets of all sizes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pymupdf
import pytest

from migrators.libreoffice import client, readers
from migrators.office_to_pdfa import MIGRATOR
from pipeline.core.errors import FileError, PasswordError, ToolMissingError
from pipeline.core.records import MigrationNote
from tests.migrators.test_office_to_pdfa import flat, migrate, text_of
from validators.fidelity.office import JUDGE

try:
    MIGRATOR.agents()
except ToolMissingError as missing:
    pytest.skip(str(missing), allow_module_level=True)

WORD = ("OpenDocument Text Flat XML", "writer")
CALC = ("OpenDocument Spreadsheet Flat XML", "calc")
SHOW = ("OpenDocument Presentation Flat XML", "impress")
CELL = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    client.close()


def stored(folder: Path, xml: str, reading: tuple[str, str], name: str, writing: str) -> Path:
    source = folder / "flat.xml"
    source.write_text(xml, encoding="utf-8")
    client.store(source, folder / name, reading, writing)
    return folder / name


def told(note: MigrationNote) -> dict[str, str]:
    return {message.code: message.detail for message in note.messages}


def failed(source: Path, target: Path) -> list[str]:
    checks = JUDGE.compare(source, target, "", {"text": 0.95}, {"workdir": str(target.parent)})
    return [f"{one.property} {one.note}" for one in checks if not one.passed]


def test_every_filter_is_there() -> None:
    """LibreOffice takes an unknown filter's name for leave to guess."""
    assert sorted({name for name, _ in readers.FILTERS.values()} - set(client.filters())) == []


@pytest.mark.parametrize("content", [b"", b"Detta \xc3\xa4r text.\n" * 40, None])
@pytest.mark.parametrize(
    ("name", "puid"),
    [("a.docx", "fmt/412"), ("a.xlsx", "fmt/214"), ("a.ppt", "fmt/126"), ("a.pub", "fmt/1513"),
     ("a.vsd", "fmt/443"), ("a.xlsb", "fmt/595"), ("a.odt", "fmt/1756"), ("a.pages", "fmt/1439")],
)  # fmt: skip
def test_nothing_is_made_of_what_is_none(
    tmp_path: Path, content: bytes | None, name: str, puid: str
) -> None:
    source = tmp_path / name
    source.write_bytes(random.Random(name).randbytes(30_000) if content is None else content)
    with pytest.raises(FileError):
        migrate(source, puid, tmp_path / "w")
    assert not list((tmp_path / "w").rglob("target.pdf"))


@pytest.mark.parametrize(
    ("name", "puid"),
    [
        (
            "tika/tika-parsers_tika-parsers-standard_tika-__testWORD_protected_passtika.docx",
            "fmt/412",
        ),
        ("poi/protected_sha512.xlsx", "fmt/214"),
        ("poi/PasswordProtected.doc", "fmt/40"),
    ],
)
def test_a_password_bars_it(corpus: Path, tmp_path: Path, name: str, puid: str) -> None:
    source = tmp_path / Path(name).name
    source.write_bytes((corpus / name).read_bytes())
    with pytest.raises(PasswordError):
        migrate(source, puid, tmp_path / "w")


def test_headings_language_tags_and_fonts(tmp_path: Path) -> None:
    style = (
        '<style:style style:name="P1" style:family="paragraph"><style:text-properties '
        'fo:font-family="Calibri"/></style:style><style:style style:name="P2" '
        'style:family="paragraph"><style:text-properties fo:font-family="Finns Inte Alls"/>'
        "</style:style>"
    )
    body = (
        '<text:h text:outline-level="1">Bakgrund</text:h><text:p text:style-name="P1">Ett</text:p>'
        '<text:h text:outline-level="2">Beslut</text:h><text:p text:style-name="P2">Två</text:p>'
    )
    for name, writing, puid in (
        ("a.odt", "writer8", "fmt/1756"),
        ("a.docx", "MS Word 2007 XML", "fmt/412"),
        ("a.doc", "MS Word 97", "fmt/40"),
    ):
        source = stored(tmp_path, flat("text", body, style), WORD, name, writing)
        target, note = migrate(source, puid, tmp_path / name.replace(".", "-"))
        with pymupdf.open(target) as document:
            assert [title for _, title, _ in document.get_toc()] == ["Bakgrund", "Beslut"]
        with pikepdf.open(target) as pdf:
            assert str(pdf.Root.Lang) == "sv-SE"
            assert "/StructTreeRoot" in pdf.Root
        assert "Calibri: Carlito" in told(note)["office.fonts_metric"]
        assert told(note)["office.fonts_missing"].startswith("Finns Inte Alls: ")
        assert "?" not in told(note)["office.fonts_missing"]
        assert failed(source, target) == []


def test_a_font_of_the_whole_document_is_told(tmp_path: Path) -> None:
    # LibreOffice does not call a default style "in use", whatever it sets.
    style = (
        '<style:default-style style:family="paragraph"><style:text-properties '
        'fo:font-family="Cambria"/></style:default-style>'
    )
    xml = flat("text", "<text:p>Hela brevet</text:p>", style)
    xml = xml.replace("office:automatic-styles>", "office:styles>")
    source = stored(tmp_path, xml, WORD, "brev.odt", "writer8")
    _, note = migrate(source, "fmt/1756", tmp_path / "made")
    assert told(note)["office.fonts_metric"].startswith("Cambria: Caladea")


def test_hidden_rows_are_told_or_shown(tmp_path: Path) -> None:
    rows = (
        f"<table:table-row>{CELL.format('Synlig')}</table:table-row>"
        '<table:table-row table:visibility="collapse">'
        f"{CELL.format('Undanskymd')}</table:table-row>"
    )
    xml = flat("spreadsheet", f'<table:table table:name="A">{rows}</table:table>')
    source = stored(tmp_path, xml, CALC, "a.xlsx", "Calc MS Excel 2007 XML")
    target, note = migrate(source, "fmt/214", tmp_path / "w")
    assert told(note)["office.hidden_cells"] == "1"
    assert "Undanskymd" not in text_of(target)
    shown, _ = migrate(source, "fmt/214", tmp_path / "w", hidden="all")
    assert "Undanskymd" in text_of(shown)
    assert failed(source, target) == failed(source, shown) == []


def test_hidden_sheets_by_policy(tmp_path: Path) -> None:
    sheet = '<table:table table:name="{0}" {1}><table:table-row>{2}</table:table-row></table:table>'
    body = sheet.format("A", "", CELL.format("Synlig"))
    body += sheet.format("B", 'table:style-name="ta2"', CELL.format("Undanskymd"))
    style = (
        '<style:style style:name="ta2" style:family="table">'
        '<style:table-properties table:display="false"/></style:style>'
    )
    source = stored(tmp_path, flat("spreadsheet", body, style), CALC, "a.ods", "calc8")
    shown, note = migrate(source, "fmt/1755", tmp_path / "w")
    left_out, _ = migrate(source, "fmt/1755", tmp_path / "w", hidden=False)
    assert told(note)["office.hidden"] == "1"
    assert ("Undanskymd" in text_of(shown), "Undanskymd" in text_of(left_out)) == (True, False)
    assert failed(source, shown) == failed(source, left_out) == []


def test_tracked_changes_by_policy(tmp_path: Path) -> None:
    change = (
        '<text:changed-region text:id="c{0}"><text:{1}><office:change-info><dc:creator>A'
        "</dc:creator><dc:date>2020-01-01T00:00:00</dc:date></office:change-info>{2}</text:{1}>"
        "</text:changed-region>"
    )
    body = (
        "<text:tracked-changes>"
        + change.format(1, "insertion", "")
        + change.format(2, "deletion", "<text:p>struket</text:p>")
        + '</text:tracked-changes><text:p>Kvar <text:change-start text:change-id="c1"/>tillagt'
        '<text:change-end text:change-id="c1"/> och <text:change text:change-id="c2"/>slut</text:p>'
    )
    source = stored(tmp_path, flat("text", body), WORD, "a.odt", "writer8")
    found = {}
    for way in ("shown", "accepted", "rejected"):
        target, note = migrate(source, "fmt/1756", tmp_path / "w", tracked=way)
        assert told(note)["office.tracked_changes"] == "2"
        found[way] = ("tillagt" in text_of(target), "struket" in text_of(target))
        assert failed(source, target) == []
    assert found == {"shown": (True, True), "accepted": (True, False), "rejected": (False, True)}


def test_notes_of_slides_by_policy(corpus: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.pptx"
    source.write_bytes((corpus / "poi/45545_Comment.pptx").read_bytes())
    plain, _ = migrate(source, "fmt/215", tmp_path / "w")
    noted, _ = migrate(source, "fmt/215", tmp_path / "w", notes="pages")
    with pymupdf.open(plain) as slides, pymupdf.open(noted) as both:
        assert both.page_count == 2 * slides.page_count
    assert failed(source, plain) == failed(source, noted) == []


def test_links_and_protection_are_told(tmp_path: Path) -> None:
    body = (
        '<text:section text:name="S" text:protected="true"><text:section-source '
        'xlink:href="http://example.org/annan.odt" xlink:type="simple"/><text:p>Text</text:p>'
        "</text:section>"
    )
    source = stored(tmp_path, flat("text", body), WORD, "a.odt", "writer8")
    _, note = migrate(source, "fmt/1756", tmp_path / "w")
    assert "http://example.org/annan.odt" in told(note)["office.external_links"]
    assert told(note)["office.protected"] == "1"


def test_a_letters_date_is_that_of_its_last_saving(tmp_path: Path) -> None:
    style = (
        '<number:date-style xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" '
        'style:name="N1"><number:year number:style="long"/></number:date-style>'
    )
    body = (
        '<text:p>År <text:date style:data-style-name="N1" text:fixed="false">x</text:date></text:p>'
    )
    source = stored(tmp_path, flat("text", body, style), WORD, "a.odt", "writer8")
    target, note = migrate(source, "fmt/1756", tmp_path / "w")
    assert told(note)["office.live_dates"] == "1"
    assert "2004" in text_of(target)
    assert failed(source, target) == []


def test_embedded_objects_are_told(corpus: Path, tmp_path: Path) -> None:
    name = "tika/tika-parsers_tika-parsers-standard_tika-__testWORD_embeded.docx"
    source = tmp_path / "a.docx"
    source.write_bytes((corpus / name).read_bytes())
    _, note = migrate(source, "fmt/412", tmp_path / "w")
    assert told(note)["office.embedded"] == "2 other, 1 spreadsheet"


@pytest.mark.parametrize(("rows", "columns"), [(3, 400), (5000, 4)])
def test_a_large_sheet_is_whole(tmp_path: Path, rows: int, columns: int) -> None:
    number = (
        '<table:table-cell office:value-type="float" office:value="{0}">'
        "<text:p>{0}</text:p></table:table-cell>"
    )
    cells = "".join(
        "<table:table-row>"
        + "".join(number.format(1000 + row * columns + column) for column in range(columns))
        + "</table:table-row>"
        for row in range(rows)
    )
    xml = flat("spreadsheet", f'<table:table table:name="A">{cells}</table:table>')
    source = stored(tmp_path, xml, CALC, "a.xlsx", "Calc MS Excel 2007 XML")
    target, _ = migrate(source, "fmt/214", tmp_path / "w")
    with pikepdf.open(target) as pdf:
        assert max(float(side) for page in pdf.pages for side in page.mediabox) <= 14400
    assert failed(source, target) == []


@pytest.mark.parametrize(
    ("name", "puid"),
    [("poi/Sample98.pub", "x-fmt/255"), ("poi/60685.pub", "fmt/1515"),
     ("poi/v5_Connection_Types.vsd", "x-fmt/113"), ("poi/SimpleMacro.vsdm", "fmt/927"),
     ("format-corpus/lorem-ipsum.pages", "fmt/1439"), ("format-corpus/testQUATTRO.wb3", "fmt/836")],
)  # fmt: skip
def test_formats_by_other_makers(corpus: Path, tmp_path: Path, name: str, puid: str) -> None:
    source = tmp_path / Path(name).name
    source.write_bytes((corpus / name).read_bytes())
    target, _ = migrate(source, puid, tmp_path / "w")
    assert failed(source, target) == []


def test_libreoffice_outlives_the_shapes_of_documents(tmp_path: Path, corpus: Path) -> None:
    # What was given back of a closed drawing's shapes ended it at the file that came next.
    before = client.server().restarts
    for number in range(2):
        for name in ("44501d.vsd", "44501e.vsd"):
            migrate(corpus / "poi" / name, "fmt/443", tmp_path / f"{number}-{name}")
    assert client.server().restarts - before <= 1  # started, where it was down
