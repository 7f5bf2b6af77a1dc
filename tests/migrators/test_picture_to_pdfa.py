# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scanned pictures become a searchable document, and no pixel of them changes."""

from __future__ import annotations

import io
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageDraw

from migrators.base import Options
from migrators.picture_to_pdfa import MIGRATOR
from pipeline.core.errors import DamagedError, NotConvertedError
from pipeline.core.records import MigrationNote, Verdict
from tests.contract.samples import picture, scanned_pages
from validators.fidelity.scans import JUDGE
from validators.pdfa_verapdf import VALIDATOR


def migrate(folder: Path, data: bytes, puid: str = "fmt/353") -> tuple[Path, MigrationNote]:
    source, made, work = folder / "source", folder / "made.pdf", folder / "work"
    source.write_bytes(data)
    work.mkdir()
    options = Options(puid, "pdfa-2b", work, VALIDATOR.validate, {"languages": "swe+eng"})
    return made, MIGRATOR.migrate(source, made, options)


def saved(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, dpi=(100, 100))
    return buffer.getvalue()


def test_a_tiff_of_two_pages_becomes_two_searchable_pages(tmp_path: Path) -> None:
    made, note = migrate(tmp_path, scanned_pages(2, 200))
    assert VALIDATOR.validate(made).verdict is Verdict.VALID
    with pymupdf.open(made) as document:
        words = [page.get_text().split() for page in document]
    assert len(words) == 2
    assert "januari" in words[0]
    assert "februari" in words[1]
    assert "Ängelholm" in words[1]
    (sure,) = (one.detail for one in note.messages if one.code == "ocr.confidence")
    assert sure.startswith("1: ")
    assert "; 2: " in sure
    checks = JUDGE.compare(tmp_path / "source", made, "", {}, {})
    assert [one.property for one in checks] == ["document.pages", "document.pictures"]
    assert all(one.passed and one.score == 1 for one in checks)


@pytest.mark.parametrize(("kind", "puid"), [("PNG", "fmt/11"), ("JPEG", "fmt/43")])
def test_other_pictures_are_put_in_as_they_are(tmp_path: Path, kind: str, puid: str) -> None:
    made, _ = migrate(tmp_path, picture(kind), puid)
    checks = JUDGE.compare(tmp_path / "source", made, "", {}, {})
    assert all(one.passed for one in checks), checks


def test_a_changed_picture_is_found(tmp_path: Path) -> None:
    made, _ = migrate(tmp_path, scanned_pages())
    frames = Image.open(io.BytesIO(scanned_pages()))
    frames.seek(1)
    spoilt = frames.copy()
    ImageDraw.Draw(spoilt).rectangle((10, 10, 14, 14), fill=0)
    first = Image.open(io.BytesIO(scanned_pages())).copy()
    other = tmp_path / "other.tif"
    first.save(other, save_all=True, append_images=[spoilt])
    checks = JUDGE.compare(other, made, "", {}, {})
    assert [(one.property, one.note) for one in checks if not one.passed] == [
        ("document.pictures", "page 2")
    ]


def test_a_missing_page_is_found(tmp_path: Path) -> None:
    made, _ = migrate(tmp_path, scanned_pages(2))
    other = tmp_path / "other.tif"
    other.write_bytes(scanned_pages(3))
    (check,) = JUDGE.compare(other, made, "", {}, {})
    assert (check.property, check.passed) == ("document.pages", False)


def test_what_a_page_cannot_hold_is_refused(tmp_path: Path) -> None:
    heights = Image.new("F", (50, 50), 1.5)
    with pytest.raises(NotConvertedError):
        migrate(tmp_path, saved(heights, "TIFF"))
    assert not (tmp_path / "made.pdf").exists()


@pytest.mark.parametrize("data", [b"", b"no picture", scanned_pages()[:200]])
def test_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedError):
        migrate(tmp_path, data)
