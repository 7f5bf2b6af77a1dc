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


def see_through(document: pikepdf.Pdf) -> None:
    """Draw something transparent on the second page, which PDF/A-1 does not know."""
    page = document.pages[1]
    page.obj.Resources.ExtGState = Dictionary(Half=Dictionary(ca=0.5))
    page.contents_add(b"q /Half gs 1 0 0 rg 60 600 200 80 re f Q")


@pytest.mark.parametrize("part", [2, 1], ids=["mended", "picture"])
def test_links_bookmarks_and_metadata_are_carried_over(tmp_path: Path, part: int) -> None:
    data = changed(equipped(embedded=False), see_through)
    made, note = migrate(tmp_path, data, f"pdfa-{part}b")
    # Ghostscript would flatten the page for part 1, and its text with it.
    assert note.method == ("mended" if part == 2 else "picture, 1 of 3 pages")
    assert ("pdfa.page_flattened" in codes(note)) is (part == 1)
    assert_valid(made, f"{part}b")
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


@pytest.mark.parametrize("target", ["pdfa-2b", "pdfa-1b"])
def test_the_same_bytes_each_time(tmp_path: Path, target: str) -> None:
    data = changed(equipped(embedded=False), see_through)
    first, _ = migrate(tmp_path / "a", data, target)
    second, _ = migrate(tmp_path / "b", data, target)
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
    def name_at_length(document: pikepdf.Pdf) -> None:
        document.Root["/" + "x" * 200] = 1

    with pytest.raises(NotConvertedError) as caught:
        migrate(tmp_path, changed(pdf(), name_at_length))
    assert caught.value.code == "pdfa.not_reached"
    assert "mended: ISO 19005-2:2011 6.1.13-4" in caught.value.detail
    assert not (tmp_path / "made.pdf").exists()


def test_time_that_runs_out_is_told(tmp_path: Path) -> None:
    with budget(0.05, 2048 * MIB), pytest.raises(ToolTimeoutError):
        migrate(tmp_path, pdf(*(["rad"] * 50), embedded=False))
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


def test_level_u_is_reached_from_what_fonts_tell(tmp_path: Path) -> None:
    made, note = migrate(tmp_path, pdf(embedded=False), "pdfa-2u")
    assert note.method == "mended"
    assert_valid(made, "2u")


def test_part_1_is_reached_and_flattens_what_is_transparent(tmp_path: Path) -> None:
    made, note = migrate(tmp_path, changed(pdf("ett", "två"), see_through), "pdfa-1b")
    assert note.method == "picture, 1 of 2 pages"
    assert_valid(made, "1b")
    assert "document.rendering" not in failed_checks(tmp_path)


def test_a_tagged_document_becomes_level_a(tmp_path: Path) -> None:
    def tag(document: pikepdf.Pdf) -> None:
        root = document.make_indirect(Dictionary(Type=Name.StructTreeRoot))
        one = document.make_indirect(
            Dictionary(Type=Name.StructElem, S=Name.P, P=root, Pg=document.pages[0].obj, K=0)
        )
        root.K = pikepdf.Array([one])
        root.ParentTree = Dictionary(Nums=pikepdf.Array([0, pikepdf.Array([one])]))
        document.Root.StructTreeRoot = root
        document.Root.MarkInfo = Dictionary(Marked=True)
        document.Root.Lang = String("sv-SE")
        page = document.pages[0]
        page.obj.StructParents = 0
        page.contents_add(b"/P <</MCID 0>> BDC", prepend=True)
        page.contents_add(b"EMC")

    made, note = migrate(tmp_path, changed(pdf(embedded=False), tag))
    assert note.method == "mended"
    assert_valid(made, "2a")
    assert failed_checks(tmp_path) == []


def test_what_nothing_else_helps_becomes_a_picture_with_its_text(tmp_path: Path) -> None:
    """veraPDF refuses this predefined CMap, whoever writes it."""

    def write(document: pikepdf.Pdf) -> None:
        system = Dictionary(Registry=String("Adobe"), Ordering=String("Japan1"), Supplement=2)
        child = Dictionary(
            Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name("/MS-Gothic"),
            CIDSystemInfo=system,
        )  # fmt: skip
        font = Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/MS-Gothic"),
            Encoding=Name("/EUC-H"), DescendantFonts=pikepdf.Array([child]),
        )  # fmt: skip
        page = document.pages[0]
        page.obj.Resources.Font.Odd = document.make_indirect(font)
        page.contents_add(b"BT /Odd 24 Tf 72 400 Td <A4A2A4A4> Tj ET")

    made, note = migrate(tmp_path, changed(pdf("ett", "två"), write))
    assert note.method == "picture, 1 of 2 pages"
    assert "pdfa.page_flattened" in codes(note)
    assert [(one.property, one.passed, one.note) for one in note.checks] == [
        ("document.flattened", False, "pictures: 1")
    ]
    assert_valid(made)
    with pymupdf.open(made) as document:
        assert document[0].get_text().split() == ["ett", "あい"]
        assert document[1].get_text().split() == ["två"]
