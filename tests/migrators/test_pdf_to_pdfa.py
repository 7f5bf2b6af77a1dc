# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDF to PDF/A by the gentlest way that works; what it costs is said, what fails is named."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pymupdf
import pytest
from pikepdf import Dictionary, Name, String

from migrators.base import Options
from migrators.pdf_to_pdfa import MIGRATOR
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import DamagedError, NotConvertedError, PasswordError, ToolTimeoutError
from pipeline.core.records import MigrationNote, Scalar, Verdict
from tests.contract.samples import SWEDISH, pdf
from validators.fidelity.document import JUDGE
from validators.pdfa_verapdf import VALIDATOR

WHERE = pymupdf.Rect(72, 80, 300, 110)


def changed(data: bytes, change: Callable[[pikepdf.Pdf], object], **saving: object) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        change(document)
        document.save(buffer, **saving)
    return buffer.getvalue()


def attach(document: pikepdf.Pdf) -> None:
    document.attachments["bilaga.csv"] = b"namn;belopp\nOsterlen;12\n"


def equipped(*, embedded: bool = True) -> bytes:
    """Return a document with links, bookmarks, title, author and dates."""
    document = pymupdf.open("pdf", pdf("ett", "två", SWEDISH, embedded=embedded))
    page = document[0]
    page.insert_link({"kind": pymupdf.LINK_GOTO, "page": 2, "from": WHERE})
    page.insert_link({"kind": pymupdf.LINK_URI, "uri": "https://example.org/a", "from": WHERE})
    document.set_toc([[1, "Första", 1], [2, "Återremiss", 3]])
    document.set_metadata(
        {
            "title": "Protokoll § 12",
            "author": "Åsa Öberg",
            "subject": "Återremiss",
            "creationDate": "D:20010203040506Z",
            "modDate": "D:20020304050607Z",
        }
    )
    data: bytes = document.tobytes()
    return data


def migrate(
    folder: Path, data: bytes, target: str = "pdfa-2b", **facts: Scalar
) -> tuple[Path, MigrationNote]:
    folder.mkdir(exist_ok=True)
    source, made, work = folder / "source.pdf", folder / "made.pdf", folder / "work"
    source.write_bytes(data)
    work.mkdir()
    options = Options("fmt/276", target, work, VALIDATOR.validate, facts=facts)
    return made, MIGRATOR.migrate(source, made, options)


def assert_valid(path: Path, flavour: str = "2b") -> None:
    result = VALIDATOR.validate(path)
    assert result.verdict is Verdict.VALID, result.messages
    assert result.properties["pdfa"] == flavour


def failed_checks(folder: Path) -> list[str]:
    checks = JUDGE.compare(folder / "source.pdf", folder / "made.pdf", "", {}, {})
    return [check.property for check in checks if not check.passed]


def codes(note: MigrationNote) -> set[str]:
    return {one.code for one in note.messages}


@pytest.mark.parametrize(
    ("embedded", "method"), [(True, "mended"), (False, "ghostscript")], ids=["fonts", "no fonts"]
)
def test_links_bookmarks_and_metadata_are_carried_over(
    tmp_path: Path, embedded: bool, method: str
) -> None:
    made, note = migrate(tmp_path, equipped(embedded=embedded))
    assert note.method == method
    assert ("pdfa.rewritten" in codes(note)) is (method == "ghostscript")
    assert_valid(made)
    assert failed_checks(tmp_path) == []
    with pymupdf.open(made) as document:
        links = document[0].get_links()
        assert [link.get("page", link.get("uri")) for link in links] == [2, "https://example.org/a"]
        assert document.get_toc() == [[1, "Första", 1], [2, "Återremiss", 3]]
        assert SWEDISH in document[2].get_text()
        told = document.metadata
    assert (told["title"], told["author"]) == ("Protokoll § 12", "Åsa Öberg")
    assert told["subject"] == "Återremiss"
    assert told["creationDate"].startswith("D:20010203040506")
    assert told["modDate"].startswith("D:20020304050607")
    with pikepdf.open(made) as document:
        xmp = document.open_metadata()
        assert xmp["dc:title"] == "Protokoll § 12"
        assert xmp["xmp:CreateDate"].startswith("2001-02-03T04:05:06")


@pytest.mark.parametrize("embedded", [True, False])
def test_the_same_bytes_each_time(tmp_path: Path, embedded: bool) -> None:
    data = equipped(embedded=embedded)
    first, _ = migrate(tmp_path / "a", data)
    second, _ = migrate(tmp_path / "b", data)
    assert first.read_bytes() == second.read_bytes()


def test_what_can_be_mended_is_drawn_by_the_same_operators(tmp_path: Path) -> None:
    data = pdf(SWEDISH)
    made, note = migrate(tmp_path, data)
    assert note.method == "mended"
    with pikepdf.open(io.BytesIO(data)) as before, pikepdf.open(made) as after:
        contents = [
            pikepdf.unparse_content_stream(pikepdf.parse_content_stream(one.pages[0]))
            for one in (before, after)
        ]
    assert contents[0] == contents[1]


def test_attachments_stay_in_pdfa_3(tmp_path: Path) -> None:
    made, note = migrate(tmp_path, changed(pdf(), attach), "pdfa-3b")
    assert note.method == "mended"
    assert "pdfa.attachments" in codes(note)
    assert_valid(made, "3b")
    assert failed_checks(tmp_path) == []
    with pikepdf.open(made) as document:
        assert list(document.attachments) == ["bilaga.csv"]
        assert document.attachments["bilaga.csv"].get_file().read_bytes().endswith(b";12\n")


def test_an_attachment_that_is_lost_is_found_out(tmp_path: Path) -> None:
    """PDF/A-2 has no place for it: valid, but not the same document."""
    made, _ = migrate(tmp_path, changed(pdf(), attach), "pdfa-2b")
    assert_valid(made)
    assert failed_checks(tmp_path) == ["document.attachments"]


def test_a_signature_that_ends_here_is_told(tmp_path: Path) -> None:
    _, note = migrate(tmp_path, pdf(), signatures=1)
    assert "pdf.signature_not_carried" in codes(note)


def test_layers_are_mended(tmp_path: Path) -> None:
    document = pymupdf.open("pdf", pdf())
    number = document.add_ocg("Lager ett")
    document[0].insert_font(fontname="F9", fontbuffer=pymupdf.Font("helv").buffer)
    document[0].insert_text((72, 300), "i ett lager", oc=number, fontname="F9")

    def spoil(one: pikepdf.Pdf) -> None:
        settings = one.Root.OCProperties.D
        settings.AS = pikepdf.Array([Dictionary(Event=Name.View, Category=pikepdf.Array([]))])
        if Name.Name in settings:
            del settings.Name

    made, note = migrate(tmp_path, changed(document.tobytes(), spoil))
    assert (note.method, "pdfa.layers" in codes(note)) == ("mended", True)
    assert_valid(made)


def test_encrypted(tmp_path: Path) -> None:
    locked = pikepdf.Encryption(user="hemlig", owner="hemlig")
    with pytest.raises(PasswordError):
        migrate(tmp_path, changed(pdf(), lambda _: None, encryption=locked))
    assert not (tmp_path / "made.pdf").exists()


def test_encrypted_but_open_to_all(tmp_path: Path) -> None:
    locked = pikepdf.Encryption(user="", owner="hemlig")
    made, _ = migrate(tmp_path, changed(pdf(), lambda _: None, encryption=locked))
    assert_valid(made)
    with pikepdf.open(made) as document:
        assert not document.is_encrypted


def test_what_cannot_become_pdfa_says_by_which_rule(tmp_path: Path) -> None:
    def spread(document: pikepdf.Pdf) -> None:
        document.pages[0].MediaBox = [0, 0, 20_000, 20_000]

    with pytest.raises(NotConvertedError) as caught:
        migrate(tmp_path, changed(pdf(), spread))
    assert caught.value.code == "pdfa.not_reached"
    for method in ("mended: ", "ghostscript: ", "ghostscript-lenient: "):
        assert f"{method}ISO 19005-2:2011 6.1.13-11" in caught.value.detail
    assert not (tmp_path / "made.pdf").exists()


def test_a_page_that_holds_ghostscript_forever_ends_in_time(tmp_path: Path) -> None:
    def spoil(document: pikepdf.Pdf) -> None:
        document.pages[0].Contents = document.make_stream(b"q " * 100_000)

    data = changed(pdf(embedded=False), spoil)
    with budget(4, 2048 * MIB), pytest.raises(ToolTimeoutError):
        migrate(tmp_path, data)
    assert not (tmp_path / "made.pdf").exists()


@pytest.mark.parametrize("data", [b"", b"no PDF" * 100], ids=["empty", "text"])
def test_what_is_no_pdf_is_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedError):
        migrate(tmp_path, data)


def test_odd_metadata_are_no_obstacle(tmp_path: Path) -> None:
    def rename(document: pikepdf.Pdf) -> None:
        document.docinfo[Name.Title] = String("Å" * 300)
        document.docinfo[Name("/Ärende")] = String("KS 2001/12")

    made, note = migrate(tmp_path, changed(pdf(), rename))
    assert note.method == "mended"
    assert_valid(made)
    with pikepdf.open(made) as document:
        assert str(document.docinfo[Name.Title]) == "Å" * 300
