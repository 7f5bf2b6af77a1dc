# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each broken rule is mended without Ghostscript, and the document stays the same."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pikepdf
import pymupdf
import pytest
from pikepdf import Name

from migrators.pdf.menders.catalogue import table
from pipeline.core.records import Severity
from tests.contract.samples import SWEDISH, pdf
from tests.migrators.pdf import broken
from tests.migrators.pdf.broken import Change, changed
from tests.migrators.test_pdf_to_pdfa import assert_valid, codes, failed_checks, migrate

# What is lost with it on purpose: the message that tells, and the checks that fail.
TOLD: list[tuple[Change, set[str], set[str]]] = [
    (broken.launches, {"pdfa.actions_removed"}, {"document.actions", "document.links"}),
    (broken.smooths, set(), {"document.tiles"}),  # two by two pixels, enlarged thirty times
    (broken.scripts, {"pdfa.actions_removed"}, {"document.actions"}),
    (broken.reacts, {"pdfa.actions_removed"}, {"document.actions"}),
    (broken.calculates, {"pdfa.actions_removed"}, {"document.actions"}),
    (broken.has_xfa, {"pdfa.xfa_removed"}, {"document.xfa"}),
    (broken.plays, {"pdfa.media_removed", "pdfa.actions_removed"}, {"document.media"}),
    (broken.transfers, {"pdfa.device_dependent"}, set()),
    (broken.overprints, {"pdfa.overprint"}, set()),
    (broken.has_a_bad_profile, {"pdfa.profile_replaced"}, set()),
    (broken.invents_operators, {"pdfa.operators_removed"}, set()),
    (broken.has_postscript, {"pdfa.device_dependent"}, set()),
    (broken.describes_pictures, {"pdfa.part_metadata_removed"}, set()),
    (broken.hides, {"pdfa.hidden_annotations"}, set()),
]
UNSEEN: list[Change] = [
    broken.wants_appearances, broken.has_a_plain_button, broken.rolls_over, broken.highlights,
    broken.highlights_directly, broken.screens, broken.blends_oddly, broken.intends_oddly,
    broken.prints_in_four_colours, broken.mixes_inks, broken.borrows_resources, broken.overflows,
    broken.vanishes, broken.nests, broken.has_nameless_layers, broken.is_a_map, broken.is_a_dot,
    broken.requires, broken.permits_oddly, broken.lists_glyphs_wrongly, broken.forgets_types,
    broken.has_wrong_widths,
]  # fmt: skip


def name(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize("change", UNSEEN, ids=name)
def test_mended_without_loss(tmp_path: Path, change: Change) -> None:
    made, note = migrate(tmp_path, changed(change))
    assert note.method == "mended"
    assert_valid(made)
    assert failed_checks(tmp_path) == []


@pytest.mark.parametrize(("change", "told", "failing"), TOLD, ids=name)
def test_what_is_lost_is_told(
    tmp_path: Path, change: Change, told: set[str], failing: set[str]
) -> None:
    made, note = migrate(tmp_path, changed(change))
    assert note.method == "mended"
    assert_valid(made)
    warned = {one.code for one in note.messages if one.severity is Severity.WARNING}
    assert told <= warned
    assert failing <= set(failed_checks(tmp_path)) <= failing | {"document.actions"}


def test_a_font_that_is_not_carried_is_embedded_with_its_widths(tmp_path: Path) -> None:
    made, note = migrate(tmp_path, pdf(SWEDISH, embedded=False))
    assert note.method == "mended"
    assert "pdfa.font_embedded" in codes(note)
    assert "pdfa.font_substituted" not in codes(note)
    assert failed_checks(tmp_path) == []
    with pymupdf.open(made) as document:
        assert SWEDISH in document[0].get_text()
        (font,) = document.get_page_fonts(0)
    assert font[3].endswith("+NimbusSans-Regular")


def test_a_font_without_a_substitute_of_its_widths_is_told(tmp_path: Path) -> None:
    def rename(document: pikepdf.Pdf) -> None:
        broken.font_of(document).BaseFont = Name.Papyrus

    _, note = migrate(tmp_path, changed(rename, embedded=False))
    assert "pdfa.font_substituted" in codes(note)
    assert "document.fonts" in failed_checks(tmp_path)


def test_an_attachment_that_stands_in_the_name_tree_alone_is_listed(tmp_path: Path) -> None:
    document = pymupdf.open("pdf", pdf(SWEDISH))
    document.embfile_add("mätning.csv", b"a;b\n", desc="Mätning")
    made, note = migrate(tmp_path, document.tobytes(), "pdfa-3b")
    assert note.method == "mended"
    assert_valid(made, "3b")
    assert failed_checks(tmp_path) == []


def test_pdf_2_becomes_1_7(tmp_path: Path) -> None:
    made, note = migrate(tmp_path, broken.scanned_pdf_20())
    assert note.method == "mended"
    assert_valid(made)
    with pikepdf.open(made) as document:
        assert document.pdf_version == "1.7"


def test_an_output_intent_of_its_own_is_kept(tmp_path: Path) -> None:
    profile = Path("/usr/share/color/icc/ghostscript/default_cmyk.icc").read_bytes()

    def intend(document: pikepdf.Pdf) -> None:
        stream = document.make_stream(profile)
        stream.N = 4
        document.Root.OutputIntents = pikepdf.Array(
            [pikepdf.Dictionary(S=Name.GTS_PDFX, DestOutputProfile=stream)]
        )
        broken.append(document, b"0.1 0.9 0.8 0.1 k 300 300 80 80 re f")

    made, note = migrate(tmp_path, changed(intend))
    assert note.method == "mended"
    assert_valid(made)
    assert failed_checks(tmp_path) == []
    with pikepdf.open(made) as document:
        (intent,) = document.Root.OutputIntents
        assert intent.DestOutputProfile.read_bytes() == profile


def test_a_size_in_larger_units_is_the_same_size(tmp_path: Path) -> None:
    made, _ = migrate(tmp_path, changed(broken.is_a_map))
    with pikepdf.open(made) as document:
        page = document.pages[0].obj
        assert float(page.MediaBox[2]) * float(page.UserUnit) == pytest.approx(20_000)


@pytest.mark.parametrize("entry", table(), ids=lambda one: one.name)
def test_the_table_names_functions_that_are_there(entry: object) -> None:
    assert callable(entry.mender())
    assert entry.rules | entry.rules_1 | entry.rules_3
    assert entry.cause
    assert entry.mend


def test_every_mender_is_in_the_table() -> None:
    """A function that nobody asks for is none."""
    named = {one.name for one in table()}
    for path in Path(broken.__file__).parents[3].glob("migrators/pdf/menders/*.py"):
        if path.stem in {"__init__", "base", "catalogue"}:
            continue
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            if line.startswith("def ") and "(mending: Mending) -> int" in line:
                function = line.split()[1].partition("(")[0]
                if not function.startswith("_"):
                    assert f"{path.stem}.{function}" in named


def test_the_documentation_is_in_step_with_the_table() -> None:
    root = Path(broken.__file__).parents[3]
    script = root / "tools" / "make_menders_table.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_letters_that_are_numbered_from_nought_stay_letters(tmp_path: Path) -> None:
    """As matplotlib numbers those beyond Latin-1 in its TrueType fonts."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):
        figure, axes = plt.subplots(figsize=(4, 3))
        axes.plot([-1, 0, 1], [-2, 1, 3])
        axes.set_title("Åtgärder – € och −")
        figure.savefig(buffer, format="pdf")
        plt.close(figure)
    made, note = migrate(tmp_path, buffer.getvalue())
    assert note.method == "mended"
    assert_valid(made)
    assert failed_checks(tmp_path) == []
    with pymupdf.open(made) as document:
        assert "Åtgärder – € och −" in document[0].get_text()


def test_a_composite_font_that_is_not_carried_is_embedded_by_its_text(tmp_path: Path) -> None:
    def drop(document: pikepdf.Pdf) -> None:
        font = broken.font_of(document)
        child = font.DescendantFonts[0]
        for key in [key for key in child.FontDescriptor if key.startswith("/FontFile")]:
            del child.FontDescriptor[key]
        font.BaseFont = child.BaseFont = Name.ArialMT

    made, note = migrate(tmp_path, changed(drop))
    assert note.method == "mended"
    assert "pdfa.font_embedded" in codes(note)
    assert_valid(made)
    with pymupdf.open(made) as document:
        assert SWEDISH in document[0].get_text()
