# SPDX-License-Identifier: AGPL-3.0-or-later
"""A scan becomes searchable in Swedish, and its picture stays the picture it was."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import pikepdf
import pymupdf
import pytest

from migrators.base import Options
from migrators.scan_to_pdfa import MIGRATOR
from pipeline.core.errors import ConfigError, DamagedError, PasswordError
from pipeline.core.records import MigrationNote, Verdict
from tests.contract.samples import MONTHS, SWEDISH, pdf, scan
from validators.fidelity.document import JUDGE
from validators.pdfa_verapdf import VALIDATOR


def migrate(folder: Path, data: bytes, languages: str = "swe+eng") -> tuple[Path, MigrationNote]:
    folder.mkdir(exist_ok=True)
    source, made, work = folder / "source.pdf", folder / "made.pdf", folder / "work"
    source.write_bytes(data)
    work.mkdir()
    options = Options(
        "fmt/276", "pdfa-2b", work, VALIDATOR.validate, {"languages": languages},
        {"picture_pages": 1},
    )  # fmt: skip
    return made, MIGRATOR.migrate(source, made, options)


def pictures(path: Path) -> list[tuple[str, str, str]]:
    """Return filter, digest as stored and digest of the pixels, of each picture of a PDF."""
    found = []
    with pikepdf.open(path) as document:
        for page in document.pages:
            for image in page.get_images().values():
                pixels = pikepdf.PdfImage(image).as_pil_image().tobytes()
                digests = [
                    hashlib.sha256(one).hexdigest() for one in (image.read_raw_bytes(), pixels)
                ]
                found.append((str(image.get("/Filter")), *digests))
    return found


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MigrationNote]:
    """A scan at 200 dpi, made searchable once for all tests that only look at it."""
    return migrate(tmp_path_factory.mktemp("scan"), scan(dpi=200))


def test_swedish_words_are_found(read: tuple[Path, MigrationNote]) -> None:
    made, note = read
    assert note.method.startswith("ocr, ")
    assert [one.detail for one in note.messages if one.code == "ocr.pages"] == ["1"]
    with pymupdf.open(made) as document:
        words = set(re.findall(r"\w+", document[0].get_text()))
        for word in ("Ängelholm", "ärendet", "måndagen", "från", "sammanträdet", "öppet"):
            assert word in words
            assert document[0].search_for(word), word
    # Which single word Tesseract misreads depends on its version.
    wanted = set(re.findall(r"\w+", SWEDISH)) | set(MONTHS)
    assert len(wanted & words) >= len(wanted) - 3, wanted - words


def test_the_result_is_valid_and_looks_the_same(read: tuple[Path, MigrationNote]) -> None:
    made, _ = read
    result = VALIDATOR.validate(made)
    assert (result.verdict, result.properties["pdfa"]) == (Verdict.VALID, "2b")
    source = made.with_name("source.pdf")
    checks = JUDGE.compare(source, made, "", {"text_added": True}, {})
    assert [check for check in checks if not check.passed] == []
    assert next(one.note for one in checks if one.property == "document.text")


def test_the_picture_is_not_encoded_anew(read: tuple[Path, MigrationNote]) -> None:
    made, _ = read
    before, after = pictures(made.with_name("source.pdf")), pictures(made)
    assert len(before) == 1
    assert before == after
    assert before[0][0] == "/DCTDecode"


def test_a_lossless_picture_keeps_its_pixels(tmp_path: Path) -> None:
    made, _ = migrate(tmp_path, scan(dpi=150, jpeg=False))
    assert [one[2] for one in pictures(tmp_path / "source.pdf")] == [
        one[2] for one in pictures(made)
    ]


def test_pages_with_text_are_left_alone_and_bytes_repeat(tmp_path: Path) -> None:
    document = pymupdf.open("pdf", pdf("Redan läsbar text"))
    document.insert_pdf(pymupdf.open("pdf", scan(dpi=150)))
    data = document.tobytes()
    made, _ = migrate(tmp_path / "a", data)
    again, _ = migrate(tmp_path / "b", data)
    assert made.read_bytes() == again.read_bytes()
    with pikepdf.open(io.BytesIO(data)) as before, pikepdf.open(made) as after:
        operators = [
            pikepdf.unparse_content_stream(pikepdf.parse_content_stream(one.pages[0]))
            for one in (before, after)
        ]
    assert operators[0] == operators[1]
    with pymupdf.open(made) as document:
        assert document[0].get_text().split() == ["Redan", "läsbar", "text"]
        assert "Ängelholm" in document[1].get_text()


def test_a_language_that_is_missing_stops_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="apt-get install tesseract-ocr-xyz"):
        migrate(tmp_path, scan(dpi=72), languages="swe+xyz")
    assert list((tmp_path / "work").iterdir()) == []


def test_encrypted_and_damaged(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(scan(dpi=72))) as document:
        document.save(buffer, encryption=pikepdf.Encryption(user="hemlig", owner="hemlig"))
    with pytest.raises(PasswordError):
        migrate(tmp_path / "locked", buffer.getvalue())
    with pytest.raises(DamagedError):
        migrate(tmp_path / "text", b"no PDF" * 100)
    assert list(tmp_path.rglob("made.pdf")) == []


def test_how_sure_the_reading_was_is_told_for_each_page(
    read: tuple[Path, MigrationNote],
) -> None:
    (sure,) = (one.detail for one in read[1].messages if one.code == "ocr.confidence")
    page, _, rest = sure.partition(": ")
    assert page == "1"
    assert 70 <= int(rest.partition(" ")[0]) <= 100
    assert "ocr.unsure" not in {one.code for one in read[1].messages}


def test_pages_with_text_are_left_alone_among_scanned_ones(tmp_path: Path) -> None:
    document = pymupdf.open("pdf", pdf(SWEDISH))
    document.insert_pdf(pymupdf.open("pdf", scan(dpi=150)))
    made, note = migrate(tmp_path, document.tobytes())
    assert [one.detail for one in note.messages if one.code == "ocr.pages"] == ["1"]
    with pymupdf.open(made) as after:
        assert after[0].get_text().strip() == SWEDISH
        assert "Protokoll" in after[1].get_text()


def test_a_picture_is_turned_only_on_request(tmp_path: Path) -> None:
    upright = pymupdf.open("pdf", scan(dpi=150))
    turned = pymupdf.open()
    page = turned.new_page(width=842, height=595)
    (image,) = upright[0].get_images()
    page.insert_image(page.rect, stream=upright.extract_image(image[0])["image"], rotate=90)
    source, made, work = (tmp_path / name for name in ("source.pdf", "made.pdf", "work"))
    source.write_bytes(turned.tobytes())
    work.mkdir()
    settings = {"languages": "swe+eng", "rotate": True}
    options = Options("fmt/276", "pdfa-2b", work, VALIDATOR.validate, settings, {})
    note = MIGRATOR.migrate(source, made, options)
    assert "ocr.picture_changed" in {one.code for one in note.messages}
    with pymupdf.open(made) as document:
        assert "Protokoll" in document[0].get_text()


def test_a_picture_is_straightened_and_cleaned_only_on_request(tmp_path: Path) -> None:
    source, made, work = (tmp_path / name for name in ("source.pdf", "made.pdf", "work"))
    source.write_bytes(scan(dpi=150))
    work.mkdir()
    settings = {"languages": "swe+eng", "deskew": True, "clean": True}
    options = Options("fmt/276", "pdfa-2b", work, VALIDATOR.validate, settings, {})
    note = MIGRATOR.migrate(source, made, options)
    (told,) = (one.detail for one in note.messages if one.code == "ocr.picture_changed")
    assert told == "deskew, clean"
    assert pictures(made) != pictures(source)
