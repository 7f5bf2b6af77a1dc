# SPDX-License-Identifier: AGPL-3.0-or-later
"""Outputs damaged on purpose: each is caught, by the check that says what is wrong.

The outputs are what the migrators make of real documents; and of good migrations of real
files next to none may be held back.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from migrators.base import Options
from migrators.office_to_pdfa import MIGRATOR as OFFICE
from migrators.pdf_to_pdfa import MIGRATOR
from pipeline.core.budget import MIB, budget
from pipeline.core.records import Check
from pipeline.demo.office import store
from tests.contract.samples import xlsx
from tests.validators.office_faults import LOSSES, Loss
from tests.validators.pdf_faults import ADDED, CHANGES, LOOKS, calibri, content
from tests.validators.records_made import Look, changed, record
from tests.validators.test_fidelity_cells import rows as sheet
from validators.fidelity.cells import JUDGE as CELLS_JUDGE
from validators.fidelity.document import JUDGE
from validators.fidelity.images import JUDGE as IMAGE_JUDGE
from validators.fidelity.office import JUDGE as OFFICE_JUDGE
from validators.pdfa_verapdf import VALIDATOR


def migrated(folder: Path, data: bytes, name: str = "made") -> Path:
    source, made, work = folder / f"{name}.src.pdf", folder / f"{name}.pdf", folder / f"{name}.work"
    source.write_bytes(data)
    work.mkdir()
    with budget(120, 3072 * MIB):
        MIGRATOR.migrate(source, made, Options("fmt/276", "pdfa-3b", work, VALIDATOR.validate))
    return made


def judged(source: Path, target: Path) -> dict[str, Check]:
    with budget(120, 3072 * MIB):
        checks = JUDGE.compare(source, target, "fmt/276", {}, {})
    return {check.property: check for check in checks}


def failed(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if not check.passed}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "record.pdf"
    path.write_bytes(record())
    return path


@pytest.fixture(scope="module")
def good(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record as it is migrated."""
    return migrated(tmp_path_factory.mktemp("good"), source.read_bytes())


def test_the_undamaged_migration_passes_and_everything_is_compared(
    source: Path, good: Path
) -> None:
    checks = judged(source, good)
    assert {name: checks[name].note for name in failed(checks)} == {}
    expected = {name for _, name in (*LOOKS.values(), *CHANGES.values())}
    assert expected - set(checks) == set()


@pytest.mark.parametrize("fault", LOOKS)
def test_what_looks_or_reads_otherwise_is_caught(source: Path, tmp_path: Path, fault: str) -> None:
    look, expected = LOOKS[fault]
    checks = judged(source, migrated(tmp_path, record(look)))
    assert expected in failed(checks), checks
    # What hangs on the pages is untouched, and is not accused.
    assert failed(checks) <= {
        "document.text", "document.order", "document.tiles", "document.rendering",
        "document.colour",
    }  # fmt: skip


@pytest.mark.parametrize("fault", CHANGES)
def test_a_damaged_output_is_caught(source: Path, good: Path, tmp_path: Path, fault: str) -> None:
    change, expected = CHANGES[fault]
    damaged = tmp_path / "damaged.pdf"
    damaged.write_bytes(changed(good.read_bytes(), change))
    checks = judged(source, damaged)
    assert expected in failed(checks), checks
    assert checks[expected].score < 1


@pytest.mark.parametrize("fault", ADDED)
def test_what_no_pdfa_can_keep_is_told(tmp_path: Path, fault: str) -> None:
    add, expected = ADDED[fault]
    data = changed(record(), add)
    made = migrated(tmp_path, data)
    checks = judged(tmp_path / "made.src.pdf", made)
    assert expected in failed(checks), checks
    assert checks[expected].note


def test_glyphs_of_a_stand_in_are_forgiven_and_nothing_beside_them(tmp_path: Path) -> None:
    """Nobody knows how text looks whose font is not there; but it is there, and so is the rest."""
    made = migrated(tmp_path, changed(record(), calibri))
    original = tmp_path / "made.src.pdf"
    checks = judged(original, made)
    assert failed(checks) == set()
    assert "Calibri" in checks["document.tiles"].note
    for number, covered in enumerate((b"298 478 34 34", b"395 390 140 40"), 1):
        damaged = tmp_path / f"{number}.pdf"
        white = content(0, b"", b"q 1 g " + covered + b" re f Q")
        damaged.write_bytes(changed(made.read_bytes(), white))
        assert "document.tiles" in failed(judged(original, damaged)), covered


# -- office documents -------------------------------------------------------------------


def converted(folder: Path, loss: Loss, flat: str) -> tuple[Path, Path]:
    """Return a document that LibreOffice stored, and its PDF/A."""
    folder.mkdir()
    stored, made = folder / f"stored.{loss.extension}", folder / "made.pdf"
    store(stored, flat)
    options = Options(loss.puid, "pdfa-2b", folder, VALIDATOR.validate)
    with budget(120, 3072 * MIB):
        OFFICE.migrate(stored, made, options)
    return stored, made


@pytest.mark.parametrize("fault", LOSSES)
def test_what_an_office_document_lost_is_caught(tmp_path: Path, fault: str) -> None:
    loss = LOSSES[fault]
    stored, good = converted(tmp_path / "good", loss, loss.before())
    _, damaged = converted(tmp_path / "bad", loss, loss.after())
    facts = {"workdir": str(tmp_path / "good")}
    thresholds = {"text": 0.95}
    with budget(120, 3072 * MIB):
        before = OFFICE_JUDGE.compare(stored, good, loss.puid, thresholds, facts)
        after = OFFICE_JUDGE.compare(stored, damaged, loss.puid, thresholds, facts)
    assert {one.property for one in before if not one.passed} == set()
    assert loss.property in {one.property for one in after if not one.passed}, after


CELLS = {
    "cell changed": ("1234.56", "1243.56"),
    "date shifted": ("2001-04-20", "2001-04-21"),
    "text cut": ("januari", "januar"),
}


@pytest.mark.parametrize("fault", CELLS)
def test_a_cell_that_differs_is_caught(tmp_path: Path, fault: str) -> None:
    source, target = tmp_path / "a.xlsx", tmp_path / "a.csv"
    source.write_bytes(xlsx())
    text = sheet()
    assert CELLS[fault][0] in text
    target.write_text(text, encoding="utf-8")
    good = CELLS_JUDGE.compare(source, target, "fmt/214", {}, {})
    target.write_text(text.replace(*CELLS[fault]), encoding="utf-8")
    bad = CELLS_JUDGE.compare(source, target, "fmt/214", {}, {})
    assert {one.property for one in good if not one.passed} == set()
    assert {one.property for one in bad if not one.passed} == {"document.cells"}


# -- pictures ---------------------------------------------------------------------------

PIXELS = np.random.default_rng(11).integers(0, 256, (120, 90, 3), dtype=np.uint8)


def block(pixels: np.ndarray) -> np.ndarray:
    made = pixels.copy()
    made[40:48, 40:48] = 128
    return made


PICTURES: dict[str, tuple[list[np.ndarray], str]] = {
    "inverted": ([255 - PIXELS, PIXELS], "image.pixels"),
    "cropped": ([PIXELS[:-1], PIXELS], "image.size"),
    "block replaced": ([block(PIXELS), PIXELS], "image.pixels"),
    "page dropped": ([PIXELS], "image.pages"),
    "grey": ([PIXELS.mean(axis=2).astype(np.uint8), PIXELS], "image.pixels"),
}


def tiff(path: Path, pages: list[np.ndarray]) -> Path:
    first, *rest = [Image.fromarray(one) for one in pages]
    first.save(path, save_all=True, append_images=rest, dpi=(300, 300))
    return path


@pytest.mark.parametrize("fault", PICTURES)
def test_a_damaged_picture_is_caught(tmp_path: Path, fault: str) -> None:
    pages, expected = PICTURES[fault]
    source = tiff(tmp_path / "a.tif", [PIXELS, PIXELS])
    good = IMAGE_JUDGE.compare(source, tiff(tmp_path / "b.tif", [PIXELS, PIXELS]), "", {}, {})
    bad = IMAGE_JUDGE.compare(source, tiff(tmp_path / "c.tif", pages), "", {}, {})
    assert {one.property for one in good if not one.passed} == set()
    assert expected in {one.property for one in bad if not one.passed}


def test_a_look_is_what_the_faults_begin_with() -> None:
    """A fault that equals the good record would be caught by nobody, and prove nothing."""
    assert all(look != Look() for look, _ in LOOKS.values())
    assert len(LOOKS) + len(CHANGES) + len(ADDED) >= 34
