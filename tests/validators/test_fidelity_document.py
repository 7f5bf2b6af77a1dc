# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is lost between two PDFs is found, and by the check that says what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest

from pipeline.core.errors import DamagedError
from pipeline.core.records import Check
from validators.fidelity.document import JUDGE

LINE = "Nämnden beslutar att återremittera ärendet om skolskjuts till förvaltningen"
STAMP = pymupdf.Rect(400, 600, 500, 700)  # holds a whole tile wherever the grid falls
WHERE = pymupdf.Rect(60, 60, 200, 80)


def document(pages: int = 3) -> pymupdf.Document:
    """Return a protocol with a stamp, a link, bookmarks, a form field and an attachment."""
    made = pymupdf.open()
    for number in range(pages):
        page = made.new_page()
        for row in range(12):
            page.insert_text((60, 100 + 30 * row), f"{number + 1}.{row} {LINE}", fontsize=10)
    made[1].draw_rect(STAMP, color=(0.6, 0, 0), fill=(0.8, 0.1, 0.1))
    made[0].insert_link({"kind": pymupdf.LINK_URI, "uri": "https://example.org", "from": WHERE})
    made.set_toc([[1, "Första", 1], [2, "Andra", 2]])
    field = pymupdf.Widget()
    field.field_type, field.field_name = pymupdf.PDF_WIDGET_TYPE_TEXT, "namn"
    field.rect, field.field_value = pymupdf.Rect(60, 500, 200, 520), "Åsa"
    made[2].add_widget(field)
    made.embfile_add("bilaga.csv", b"a;b\n")
    return made


def without_page(one: pymupdf.Document) -> None:
    one.set_toc([])
    one.delete_page(2)


def without_stamp(one: pymupdf.Document) -> None:
    one[1].add_redact_annot(pymupdf.Rect(390, 590, 510, 710), fill=(1, 1, 1))
    one[1].apply_redactions()


def shifted(one: pymupdf.Document) -> None:
    """Move the second page's content by 12 points: a margin that was cut or added."""
    one[1].clean_contents()
    (place,) = one[1].get_contents()
    one.update_stream(place, b"q 1 0 0 1 12 12 cm " + one.xref_stream(place) + b" Q")


def without_text(one: pymupdf.Document) -> None:
    one[0].add_redact_annot(pymupdf.Rect(50, 90, 560, 200))
    one[0].apply_redactions()


def without_links(one: pymupdf.Document) -> None:
    for link in one[0].get_links():
        one[0].delete_link(link)


def without_fields(one: pymupdf.Document) -> None:
    one.bake(annots=False, widgets=True)


def blank(one: pymupdf.Document) -> None:
    one[1].clean_contents()
    (place,) = one[1].get_contents()
    one.update_stream(place, b" ")


def larger(one: pymupdf.Document) -> None:
    one[0].set_mediabox(pymupdf.Rect(0, 0, 700, 900))


LOSSES: dict[str, tuple[Callable[[pymupdf.Document], object], set[str]]] = {
    "page": (without_page, {"document.pages"}),
    "stamp": (without_stamp, {"document.tiles"}),
    "shift": (shifted, {"document.rendering"}),
    "text": (without_text, {"document.text"}),
    "link": (without_links, {"document.links"}),
    "outline": (lambda one: one.set_toc([]), {"document.outline"}),
    "field": (without_fields, {"document.fields"}),
    "attachment": (lambda one: one.embfile_del("bilaga.csv"), {"document.attachments"}),
    "blank": (blank, {"document.blank", "document.text", "document.tiles"}),
    "size": (larger, {"document.page_size"}),
}


def compare(
    tmp_path: Path, before: pymupdf.Document, after: pymupdf.Document, **thresholds: object
) -> dict[str, Check]:
    source, target = tmp_path / "a.pdf", tmp_path / "b.pdf"
    before.save(source)
    after.save(target)
    checks = JUDGE.compare(source, target, "fmt/276", thresholds, {})  # type: ignore[arg-type]
    found = {check.property: check for check in checks}
    assert len(found) == len(checks), "a property is told twice"
    return found


def failed(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if not check.passed}


def test_the_same_document_passes_every_check(tmp_path: Path) -> None:
    checks = compare(tmp_path, document(), document())
    assert set(checks) == {
        "document.pages", "document.text", "document.page_size", "document.rendering",
        "document.tiles", "document.blank", "document.links", "document.outline",
        "document.attachments", "document.fields", "document.order", "document.colour",
        "document.fonts",
    }  # fmt: skip
    assert failed(checks) == set()
    assert {check.score for check in checks.values()} == {1.0}


def test_another_way_of_writing_the_same_passes(tmp_path: Path) -> None:
    source, target = tmp_path / "a.pdf", tmp_path / "b.pdf"
    document().save(source)
    document().save(target, garbage=4, deflate=True, clean=True, use_objstms=1)
    checks = JUDGE.compare(source, target, "", {}, {})
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_fails_the_check_that_names_it(tmp_path: Path, loss: str) -> None:
    change, expected = LOSSES[loss]
    after = document()
    change(after)
    found = failed(compare(tmp_path, document(), after))
    assert expected <= found
    # And it is not lost in a crowd: what has nothing to do with it passes.
    unconcerned = {
        "document.links", "document.outline", "document.attachments", "document.fields",
    } - expected  # fmt: skip
    assert found & unconcerned == set()


def test_a_missing_stamp_is_too_little_for_the_page_and_enough_for_its_tile(
    tmp_path: Path,
) -> None:
    after = document()
    without_stamp(after)
    checks = compare(tmp_path, document(), after)
    assert checks["document.rendering"].passed
    assert checks["document.rendering"].note == "page 2"
    assert checks["document.tiles"].score < 0.2


def test_more_than_before_is_no_loss(tmp_path: Path) -> None:
    after = document()
    after.embfile_add("till.csv", b"c")
    after.set_toc([[1, "Första", 1], [2, "Andra", 2], [1, "Tredje", 3]])
    assert failed(compare(tmp_path, document(), after)) == set()


def test_a_document_that_asks_for_nothing_may_be_blank(tmp_path: Path) -> None:
    empty = pymupdf.open()
    empty.new_page()
    assert failed(compare(tmp_path, empty, empty)) == set()


def test_a_document_that_looks_blank_proves_nothing(tmp_path: Path) -> None:
    white = pymupdf.open()
    white.new_page().insert_text((60, 100), LINE, color=(1, 1, 1))
    assert failed(compare(tmp_path, white, white)) == {"document.blank"}


def test_a_blank_document_that_mupdf_had_to_guess_at_proves_nothing(tmp_path: Path) -> None:
    empty = pymupdf.open()
    empty.new_page()
    source, target = tmp_path / "a.pdf", tmp_path / "b.pdf"
    empty.save(target)
    source.write_bytes(target.read_bytes().replace(b"startxref", b"startxxxx"))
    checks = JUDGE.compare(source, target, "", {}, {})
    assert {check.property for check in checks if not check.passed} == {"document.blank"}


def test_a_text_layer_that_was_added_is_noted(tmp_path: Path) -> None:
    before, after = pymupdf.open(), pymupdf.open()
    for one in (before, after):
        one.new_page().draw_rect(STAMP, fill=(0, 0, 0))
    after[0].insert_text((60, 100), LINE, render_mode=3)
    checks = compare(tmp_path, before, after, text_added=True)
    assert failed(checks) == set()
    assert checks["document.text"].note
    assert not compare(tmp_path / "..", before, after)["document.text"].note


def test_thresholds_are_the_policys(tmp_path: Path) -> None:
    after = document()
    without_stamp(after)
    lax = {"tile": 1.0, "colour": 1.0, "colour_tile": 1.0}
    assert failed(compare(tmp_path, document(), after, **lax)) == set()
    assert failed(compare(tmp_path, document(), after, **lax, render=0.9999)) == {
        "document.rendering"
    }


def test_what_cannot_be_opened_is_damaged(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.pdf", tmp_path / "b.pdf"
    document().save(good)
    bad.write_bytes(b"no PDF")
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(DamagedError):
            JUDGE.compare(*pair, "", {}, {})
