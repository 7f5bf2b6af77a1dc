# SPDX-License-Identifier: AGPL-3.0-or-later
"""With a real LibreOffice: samples are written by it from flat ODF, then converted."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pymupdf
import pytest

from migrators.base import Options
from migrators.libreoffice import client
from migrators.office_to_pdfa import FACTS, MIGRATOR
from pipeline.core.budget import budget
from pipeline.core.errors import (
    DamagedError,
    EmptyError,
    FileError,
    PasswordError,
    ToolMissingError,
    ToolTimeoutError,
)
from pipeline.core.records import MigrationNote
from validators.pdfa_verapdf import VALIDATOR

try:
    MIGRATOR.agents()
except ToolMissingError as missing:
    pytest.skip(str(missing), allow_module_level=True)

_NS = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office", "text": "text", "table": "table", "draw": "drawing",
        "svg": "svg-compatible", "style": "style", "presentation": "presentation",
        "meta": "meta", "fo": "xsl-fo-compatible",
    }.items()
)  # fmt: skip
_NS += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
_META = (
    "<office:meta><meta:creation-date>2003-04-05T06:07:08</meta:creation-date>"
    "<dc:date>2004-05-06T07:08:09</dc:date></office:meta>"
)


def flat(kind: str, body: str, automatic: str = "") -> str:
    mime = {"text": "text", "spreadsheet": "spreadsheet", "presentation": "presentation",
            "drawing": "graphics"}[kind]  # fmt: skip
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_NS} office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.{mime}">{_META}'
        f"<office:automatic-styles>{automatic}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>"
    )


LETTER = flat(
    "text",
    '<text:h text:outline-level="1">Tjänsteskrivelse</text:h>'
    + "".join(f"<text:p>Stycke {n} om skolskjuts i Öveds socken.</text:p>" for n in range(90)),
)
_CELL = '<table:table-cell office:value-type="{}" {}><text:p>{}</text:p></table:table-cell>'
BUDGET = flat(
    "spreadsheet",
    '<table:table table:name="Budget"><table:table-row>'
    + _CELL.format("string", "", "Förskola")
    + _CELL.format("float", 'office:value="1234567.89"', "1234567.89")
    + "</table:table-row></table:table>"
    '<table:table table:name="Dolt" table:style-name="ta2"><table:table-row>'
    + _CELL.format("string", "", "Hemligblad")
    + "</table:table-row></table:table>",
    '<style:style style:name="ta2" style:family="table">'
    '<style:table-properties table:display="false"/></style:style>',
)
_FRAME = (
    '<draw:frame svg:x="2cm" svg:y="2cm" svg:width="20cm" svg:height="3cm">'
    "<draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
)
SLIDES = flat(
    "presentation",
    "".join(f"<draw:page>{_FRAME.format(t)}</draw:page>" for t in ("Bokslut", "Översikt")),
)
PLAN = flat("drawing", f"<draw:page>{_FRAME.format('Detaljplan Björkhagen')}</draw:page>")

# extension -> (flat ODF, its filter, its kind, filter to write with, PUID, a word in it)
_WORD, _CALC = (
    ("OpenDocument Text Flat XML", "writer"),
    ("OpenDocument Spreadsheet Flat XML", "calc"),
)
_SHOW = ("OpenDocument Presentation Flat XML", "impress")
_DRAW = ("OpenDocument Drawing Flat XML", "draw")
SAMPLES: dict[str, tuple[str, tuple[str, str], str, str, str]] = {
    "odt": (LETTER, _WORD, "writer8", "fmt/1756", "skolskjuts"),
    "docx": (LETTER, _WORD, "MS Word 2007 XML", "fmt/412", "skolskjuts"),
    "doc": (LETTER, _WORD, "MS Word 97", "fmt/40", "skolskjuts"),
    "rtf": (LETTER, _WORD, "Rich Text Format", "fmt/355", "skolskjuts"),
    "ods": (BUDGET, _CALC, "calc8", "fmt/1755", "Förskola"),
    "xlsx": (BUDGET, _CALC, "Calc MS Excel 2007 XML", "fmt/214", "Förskola"),
    "xls": (BUDGET, _CALC, "MS Excel 97", "fmt/61", "Förskola"),
    "odp": (SLIDES, _SHOW, "impress8", "fmt/1754", "Översikt"),
    "pptx": (SLIDES, _SHOW, "Impress MS PowerPoint 2007 XML", "fmt/215", "Översikt"),
    "ppt": (SLIDES, _SHOW, "MS PowerPoint 97", "fmt/126", "Översikt"),
    "odg": (PLAN, _DRAW, "draw8", "fmt/1753", "Björkhagen"),
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("samples")
    for extension, (xml, reading, writing, *_) in SAMPLES.items():
        source = tmp_path_factory.mktemp("flat") / "flat.xml"
        source.write_text(xml, encoding="utf-8")
        client.store(source, folder / f"sample.{extension}", reading, writing)
    yield folder
    client.close()


def migrate(source: Path, puid: str, folder: Path, **settings: Any) -> tuple[Path, MigrationNote]:
    folder.mkdir(exist_ok=True)
    work = folder / f"work{len(list(folder.iterdir()))}"
    work.mkdir()
    target = work / "target.pdf"
    return target, MIGRATOR.migrate(
        source, target, Options(puid, "pdfa-2b", work, VALIDATOR.validate, settings)
    )


def text_of(path: Path) -> str:
    with pymupdf.open(path) as document:
        return "".join(page.get_text() for page in document)


@pytest.mark.parametrize("extension", SAMPLES)
def test_each_kind_arrives_twice_the_same(samples: Path, tmp_path: Path, extension: str) -> None:
    puid, word = SAMPLES[extension][3:]
    source = samples / f"sample.{extension}"
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    target, note = migrate(source, puid, tmp_path)
    again, _ = migrate(source, puid, tmp_path)
    assert word in text_of(target)
    assert target.read_bytes() == again.read_bytes()
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    assert {agent.name for agent in note.agents} == {"LibreOffice", "pikepdf"}
    with pikepdf.open(target) as pdf, pdf.open_metadata() as xmp:
        assert (xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("2", "B")
        # Calc's export has no tags, and then must not claim any.
        assert ("/StructTreeRoot" in pdf.Root) == ("/MarkInfo" in pdf.Root)
        assert "/StructTreeRoot" in pdf.Root or SAMPLES[extension][0] is BUDGET


def test_dates_are_the_documents_own(samples: Path, tmp_path: Path) -> None:
    target, _ = migrate(samples / "sample.odt", "fmt/1756", tmp_path)
    with pikepdf.open(target) as pdf, pdf.open_metadata() as xmp:
        assert str(pdf.docinfo.CreationDate) == "D:20030405060708Z"
        assert xmp["xmp:CreateDate"] == "2003-04-05T06:07:08Z"
        assert (str(pdf.docinfo.ModDate)[:6], xmp["xmp:ModifyDate"][:4]) == ("D:2004", "2004")


def test_nothing_is_left_in_the_source_folder(samples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "delivery"
    folder.mkdir()
    source = folder / "sample.docx"
    source.write_bytes((samples / "sample.docx").read_bytes())
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.update(os.listdir(folder))
            time.sleep(0.002)

    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        migrate(source, "fmt/412", tmp_path)
    finally:
        done.set()
        watcher.join()
        folder.chmod(stat.S_IRWXU)
    assert seen == {"sample.docx"}


@pytest.mark.parametrize(
    "puid", ["fmt/412", "fmt/40", "fmt/1756", "fmt/214", "fmt/61", "fmt/215", "fmt/126"]
)
def test_random_bytes_are_damaged(tmp_path: Path, puid: str) -> None:
    source = tmp_path / "random.bin"
    source.write_bytes(random.Random(1).randbytes(40_000))
    with pytest.raises(DamagedError):
        migrate(source, puid, tmp_path / "w")


def test_text_under_another_name_is_damaged(tmp_path: Path) -> None:
    source = tmp_path / "text.xlsx"
    source.write_text("Detta är ingen tabell.\n" * 50, encoding="utf-8")
    with pytest.raises(DamagedError) as caught:
        migrate(source, "fmt/214", tmp_path / "w")
    assert caught.value.code == "office.load"


def test_half_a_document_is_damaged(samples: Path, tmp_path: Path) -> None:
    data = (samples / "sample.docx").read_bytes()
    source = tmp_path / "half.docx"
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(DamagedError):
        migrate(source, "fmt/412", tmp_path / "w")


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.docx").write_bytes(b"")
    with pytest.raises(EmptyError):
        migrate(tmp_path / "empty.docx", "fmt/412", tmp_path / "w")


@pytest.mark.parametrize(
    ("extension", "writing", "puid"),
    [("odt", "writer8", "fmt/1756"), ("doc", "MS Word 97", "fmt/40")],
)
def test_password(tmp_path: Path, extension: str, writing: str, puid: str) -> None:
    flat_file, locked = tmp_path / "flat.xml", tmp_path / f"locked.{extension}"
    flat_file.write_text(LETTER, encoding="utf-8")
    client.store(flat_file, locked, _WORD, writing, "hemligt")
    with pytest.raises(PasswordError):
        migrate(locked, puid, tmp_path / "w")


def _office(pid: int | None) -> list[int]:
    """Return the soffice.bin below a warm server's outermost process."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        for task in Path(f"/proc/{parent}/task").iterdir():
            children = (task / "children").read_text().split()
            waiting += [int(child) for child in children]
        if "soffice.bin" in Path(f"/proc/{parent}/comm").read_text():
            found.append(int(parent or 0))
    return found


def test_killed_between_files(samples: Path, tmp_path: Path) -> None:
    first, _ = migrate(samples / "sample.odt", "fmt/1756", tmp_path)
    [office] = _office(client.server().pid)
    os.kill(office, signal.SIGKILL)
    time.sleep(0.5)
    again, _ = migrate(samples / "sample.odt", "fmt/1756", tmp_path)
    assert again.read_bytes() == first.read_bytes()


def test_killed_during_a_file(samples: Path, tmp_path: Path) -> None:
    migrate(samples / "sample.odt", "fmt/1756", tmp_path)
    [office] = _office(client.server().pid)
    restarts = client.server().restarts
    threading.Timer(0.05, os.kill, (office, signal.SIGKILL)).start()
    # The second attempt, with a fresh LibreOffice, serves the file.
    target, _ = migrate(samples / "sample.docx", "fmt/412", tmp_path)
    assert "skolskjuts" in text_of(target)
    assert client.server().restarts > restarts


def test_time_is_up(samples: Path, tmp_path: Path) -> None:
    migrate(samples / "sample.odt", "fmt/1756", tmp_path)
    with pytest.raises(ToolTimeoutError), budget(0.01, 1 << 32):
        migrate(samples / "sample.docx", "fmt/412", tmp_path)
    target, _ = migrate(samples / "sample.docx", "fmt/412", tmp_path)
    assert target.is_file()


def test_what_the_pdf_does_not_tell_is_told(samples: Path, tmp_path: Path) -> None:
    body = (
        "<text:p>Förslag<office:annotation><dc:creator>A</dc:creator><text:p>Nej</text:p>"
        '</office:annotation> <text:date text:fixed="false">2020</text:date></text:p>'
    )
    flat_file = tmp_path / "flat.xml"
    flat_file.write_text(flat("text", body), encoding="utf-8")
    client.store(flat_file, tmp_path / "noted.odt", _WORD, "writer8")
    _, note = migrate(tmp_path / "noted.odt", "fmt/1756", tmp_path / "w")
    assert {"office.comments", "office.live_dates"} <= {message.code for message in note.messages}


def test_hidden_sheets_are_shown_and_told(samples: Path, tmp_path: Path) -> None:
    target, note = migrate(samples / "sample.xlsx", "fmt/214", tmp_path)
    assert [m.detail for m in note.messages if m.code == "office.hidden"] == ["1"]
    assert "Hemligblad" in text_of(target)


def test_a_linked_picture_is_not_fetched(tmp_path: Path) -> None:
    from PIL import Image

    secret = tmp_path / "secret.png"
    Image.effect_noise((300, 300), 80).save(secret)
    body = (
        '<text:p>Bild: <draw:frame svg:width="5cm" svg:height="5cm"><draw:image '
        f'xlink:href="{secret.as_uri()}" xlink:type="simple"/></draw:frame></text:p>'
    )
    source = tmp_path / "linked.fodt"
    source.write_text(flat("text", body), encoding="utf-8")
    target = tmp_path / "linked.pdf"
    client.convert(source, target, _WORD, {})
    with pymupdf.open(target) as document:
        assert not any(page.get_images() for page in document)


def test_facts_for_the_judge(samples: Path, tmp_path: Path) -> None:
    target, _ = migrate(samples / "sample.doc", "fmt/40", tmp_path)
    text = (target.parent / FACTS).read_text()
    assert "skolskjuts" in text
    assert '"pages": 3' in text or '"pages": 2' in text


def test_nothing_remains_when_closed(samples: Path, tmp_path: Path) -> None:
    migrate(samples / "sample.odt", "fmt/1756", tmp_path)
    folder = client._mine.folder
    assert folder is not None
    sockets = {str(path) for path in Path("/tmp").glob("OSL_PIPE_*")}
    client.close()
    assert not folder.exists()
    left = {str(path) for path in Path("/tmp").glob("OSL_PIPE_*")}
    assert not any(folder.name in one for one in left)
    assert len(left) < len(sockets)


def test_unknown_error_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        migrate(tmp_path / "gone.docx", "fmt/412", tmp_path / "w")


@pytest.mark.corpus
def test_what_libreoffice_writes_invalid_is_mended(corpus: Path, tmp_path: Path) -> None:
    """A letter that no font has: its PDF refers to a glyph that is not there."""
    (source,) = corpus.rglob("*testRTFInvalidUnicode.rtf")
    copy = tmp_path / "letter.rtf"
    copy.write_bytes(source.read_bytes())
    made, note = migrate(copy, "fmt/45", tmp_path / "out")
    assert note.method.endswith(", mended")
    assert VALIDATOR.validate(made).properties["pdfa_valid"] is True
