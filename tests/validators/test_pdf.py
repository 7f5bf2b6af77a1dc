# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDFs of every condition: what is told of them, and that no piece of one is taken for whole."""

from __future__ import annotations

import io
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pymupdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from pipeline.core.records import Outcome, Severity, ValidationResult, Verdict
from tests.contract.samples import SWEDISH, pdf, pdfa_2b, scan
from validators.pdf import VALIDATOR


def judge(tmp_path: Path, data: bytes) -> ValidationResult:
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    return VALIDATOR.validate(path)


def changed(data: bytes, change: Callable[[pikepdf.Pdf], object], **saving: object) -> bytes:
    """Return a PDF after `change` worked on it with pikepdf."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        change(document)
        document.save(buffer, **saving)
    return buffer.getvalue()


def codes(result: ValidationResult, severity: Severity = Severity.ERROR) -> list[str]:
    return [one.code for one in result.messages if one.severity is severity]


def test_a_plain_document(tmp_path: Path) -> None:
    found = judge(tmp_path, pdf("ett", "två", "tre"))
    assert (found.verdict, found.outcome, found.messages) == (Verdict.VALID, Outcome.OK, ())
    assert found.follow_up == ()
    expected = {
        "pages": 3, "rendered": 3, "pages_with_text": 3, "picture_pages": 0, "needs_ocr": False,
        "signatures": 0, "form_fields": 0, "attachments": 0, "has_attachments": False,
        "encrypted": False, "tagged": False, "pdfa_claim": "",
    }  # fmt: skip
    assert {key: found.properties[key] for key in expected} == expected


def test_a_claim_calls_for_verapdf(tmp_path: Path) -> None:
    found = judge(tmp_path, pdfa_2b())
    assert (found.properties["pdfa_claim"], found.follow_up) == ("2B", ("verapdf",))


def test_a_claim_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    def spoil(document: pikepdf.Pdf) -> None:
        document.Root.Metadata = document.make_stream(
            b"<x:xmpmeta", Type=Name.Metadata, Subtype=Name.XML
        )

    found = judge(tmp_path, changed(pdf(), spoil))
    assert (found.verdict, found.properties["pdfa_claim"]) == (Verdict.VALID, "")


def test_scanned_pages_need_ocr(tmp_path: Path) -> None:
    facts = judge(tmp_path, scan()).properties
    assert (facts["picture_pages"], facts["needs_ocr"], facts["pages_with_text"]) == (1, True, 0)


def test_a_small_picture_beside_no_text_is_no_scan(tmp_path: Path) -> None:
    document = pymupdf.open()
    picture = pymupdf.Pixmap(pymupdf.csRGB, (0, 0, 10, 10), 0)
    picture.clear_with(100)
    document.new_page().insert_image((10, 10, 100, 100), pixmap=picture)
    assert judge(tmp_path, document.tobytes()).properties["needs_ocr"] is False


def test_signatures_are_counted_and_told(tmp_path: Path) -> None:
    def sign(document: pikepdf.Pdf) -> None:
        value = Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), Contents=String("x"))
        signed = document.make_indirect(
            Dictionary(FT=Name.Sig, T=String("a"), V=document.make_indirect(value))
        )
        unsigned = document.make_indirect(Dictionary(FT=Name.Sig, T=String("b")))
        document.Root.AcroForm = Dictionary(Fields=Array([signed, unsigned]))

    found = judge(tmp_path, changed(pdf(), sign))
    assert (found.properties["signatures"], found.properties["form_fields"]) == (1, 2)
    assert found.verdict is Verdict.VALID
    assert codes(found, Severity.WARNING) == ["pdf.signed"]


def test_attachments_are_counted(tmp_path: Path) -> None:
    def attach(document: pikepdf.Pdf) -> None:
        for name in ("bilaga ett.csv", "bilaga två.csv"):
            document.attachments[name] = b"a;b\n1;2\n"

    facts = judge(tmp_path, changed(pdf(), attach)).properties
    assert (facts["attachments"], facts["has_attachments"]) == (2, True)


def test_encrypted_but_open_to_all_is_read(tmp_path: Path) -> None:
    locked = pikepdf.Encryption(user="", owner="hemlig")
    found = judge(tmp_path, changed(pdf(), lambda document: None, encryption=locked))
    assert (found.verdict, found.properties["encrypted"]) == (Verdict.VALID, True)
    assert found.properties["pages_with_text"] == 1


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    locked = pikepdf.Encryption(user="hemlig", owner="hemlig")
    found = judge(tmp_path, changed(pdf(), lambda document: None, encryption=locked))
    assert (found.verdict, found.outcome) == (Verdict.INVALID, Outcome.PASSWORD)
    assert (codes(found), found.properties["encrypted"]) == (["pdf.password"], True)


LONG = tuple(f"Sida {number}: {SWEDISH}" for number in range(12))
MAKERS: dict[str, Callable[[], bytes]] = {
    "classic": lambda: pdf(*LONG),
    "object streams": lambda: changed(
        pdf(*LONG), lambda _: None, object_stream_mode=pikepdf.ObjectStreamMode.generate
    ),
    "linearized": lambda: changed(pdf(*LONG), lambda _: None, linearize=True),
    "scan": scan,
    "saved twice": lambda: twice(pdf(*LONG)),
}


def twice(data: bytes) -> bytes:
    """Return a PDF with an incremental update: it has an end of file within."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        Path(file.name).write_bytes(data)
        with pymupdf.open(file.name) as document:
            document[0].insert_text((72, 300), "tillägg")
            document.saveIncr()
        return Path(file.name).read_bytes()


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("maker", MAKERS)
def test_cut_off_is_never_valid(tmp_path: Path, maker: str, keep: float) -> None:
    data = MAKERS[maker]()
    assert judge(tmp_path, data).verdict is Verdict.VALID
    found = judge(tmp_path, data[: int(len(data) * keep)])
    assert (found.verdict, found.outcome) == (Verdict.INVALID, Outcome.DAMAGED)
    assert codes(found)


def test_what_stands_after_the_end_does_not_matter(tmp_path: Path) -> None:
    """Mail gateways add line ends and zeros; the document is whole."""
    assert judge(tmp_path, pdf() + b"\r\n" + bytes(500)).verdict is Verdict.VALID


def test_a_broken_cross_reference_table_is_a_warning(tmp_path: Path) -> None:
    data = pdf()
    place = data.rfind(b"startxref")
    found = judge(tmp_path, data[:place] + b"startxref\n99\n%%EOF\n")
    assert found.verdict is Verdict.VALID
    assert "pdf.repaired" in codes(found, Severity.WARNING)


def test_a_document_without_pages(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with pikepdf.new() as document:
        document.save(buffer)
    found = judge(tmp_path, buffer.getvalue())
    assert (found.outcome, codes(found)) == (Outcome.DAMAGED, ["pdf.no_pages"])


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"", Outcome.EMPTY),
        (random.Random(3).randbytes(40_000), Outcome.DAMAGED),
        (b"%PDF-1.7\n%%EOF\n", Outcome.DAMAGED),
        (b"<html>Sidan finns inte</html>\n", Outcome.DAMAGED),
    ],
    ids=["empty", "random", "head and end", "html"],
)
def test_what_is_no_pdf(tmp_path: Path, data: bytes, outcome: Outcome) -> None:
    found = judge(tmp_path, data)
    assert (found.verdict, found.outcome) == (Verdict.INVALID, outcome)


def test_a_page_that_cannot_be_shown_is_named(tmp_path: Path) -> None:
    def spoil(document: pikepdf.Pdf) -> None:
        document.pages[1].Contents = document.make_stream(b"q " * 100_000)

    found = judge(tmp_path, changed(pdf("ett", "två"), spoil))
    assert (found.outcome, codes(found)) == (Outcome.DAMAGED, ["pdf.page"])
    assert found.messages[0].detail.startswith("page 2: ")
    assert found.properties["rendered"] == 1


def test_a_page_that_had_to_be_guessed_at_is_a_warning(tmp_path: Path) -> None:
    def spoil(document: pikepdf.Pdf) -> None:
        document.pages[0].Contents = String("no stream")

    found = judge(tmp_path, changed(pdf(), spoil))
    assert found.verdict is Verdict.VALID
    assert "pdf.page_warning" in codes(found, Severity.WARNING)
