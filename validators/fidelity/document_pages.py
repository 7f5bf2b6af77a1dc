# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare two PDFs page by page: size, what is shown, colours, words; runs in the child."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.core.records import Check, Scalar
from validators.fidelity import document_colour, document_text, rendering
from validators.fidelity.document_colour import Shift
from validators.fidelity.document_text import Wording

_WHITE = 250
_NOISE = 2  # levels of 255: rounding, of which no limit takes notice
_LIGHT = 0.1  # share of 255 by which a page may become lighter or darker: black for white is all
_SIZE = 3  # pixels, two thirds of a millimetre, by which a page's edge may be rounded


_UNMOVED = Shift()


@dataclass(frozen=True, slots=True)
class Page:
    """What was found of one page. `off` and `tile` are shares of pixels, 0-1."""

    number: int
    wording: Wording
    same_size: bool = True
    sizes: tuple[str, str] = ("", "")  # where they differ
    off: float = 0.0
    tile: float = 0.0
    colour: Shift = _UNMOVED
    blank_before: bool = False
    blank_after: bool = False
    stand_ins: str = ""  # fonts whose glyphs were forgiven, by `document_stand_ins`


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds; docs/fidelity.md tells how each was found."""

    text: float
    order: float
    render: float
    tile: float
    colour: float  # share of 255 by which the mean hue of a page's inked cells may move
    colour_tile: float  # the same for the cell that moved most
    text_added: bool

    @classmethod
    def of(cls, thresholds: Mapping[str, Scalar]) -> Limits:
        """Return the policy's thresholds, the calibrated ones where it names none."""

        def least(name: str, default: float) -> float:
            value = thresholds.get(name)
            return default if value is None else float(value)

        return cls(
            text=least("text", 1.0),
            order=least("order", 0.995),
            render=least("render", 0.95),
            tile=least("tile", 0.005),
            colour=least("colour", 0.02),
            colour_tile=least("colour_tile", 0.06),
            text_added=thresholds.get("text_added") is True,
        )

    def over(self, page: Page) -> dict[str, float]:
        """Return, for each limit that a page breaks, the property and how badly (0-1)."""
        found = {
            "document.page_size": 0.0 if page.same_size else 1.0,
            "document.blank": float(page.blank_after and not page.blank_before),
            "document.text": 1 - page.wording.kept if page.wording.kept < self.text else 0.0,
            "document.order": 1 - page.wording.order if page.wording.order < self.order else 0.0,
            "document.rendering": page.off if 1 - page.off < self.render else 0.0,
            "document.tiles": page.tile if page.tile > self.tile else 0.0,
            "document.colour": self.hue(page) if self.hue(page) > 1 else 0.0,
        }
        return {name: min(value, 1.0) for name, value in found.items() if value}

    def hue(self, page: Page) -> float:
        """Return how far a page's colours moved, as a multiple of what they may."""
        shift = page.colour
        return max(
            shift.page / 255 / max(self.colour, 1e-6),
            shift.cell / 255 / max(self.colour_tile, 1e-6),
            shift.light / 255 / max(_LIGHT, self.colour),
        )


def compare(before: Any, after: Any) -> Iterator[Page]:
    """Yield what is found of each page of two documents of as many pages."""
    for number, (one, other) in enumerate(zip(before, after, strict=True), 1):
        wording = document_text.compare(_text(one), _text(other))
        a, b = pair(one, other)
        if a is None:
            yield Page(number, wording, same_size=False, sizes=(_size(one), _size(other)))
            continue
        blank = bool(a.min(initial=255) >= _WHITE)
        differ = rendering.apart(a, b)
        if differ.max(initial=0) <= _NOISE:
            yield Page(number, wording, blank_before=blank, blank_after=blank)
            continue
        off = rendering.changed(a, b, differ)
        yield Page(
            number,
            wording,
            off=float(off.mean()),
            tile=rendering.worst_tile(off),
            colour=document_colour.shift(a, b),
            blank_before=blank,
            blank_after=bool(b.min(initial=255) >= _WHITE),
        )


def _size(page: Any) -> str:
    return f"{page.rect.width:g} x {page.rect.height:g} pt"


def pair(one: Any, other: Any) -> tuple[Any, Any]:
    """Return both renderings, cut to the same size; (None, None) where sizes differ."""
    scale = rendering.scale_of(one)
    if max(abs(one.rect.width - other.rect.width), abs(one.rect.height - other.rect.height)) > (
        _SIZE / scale
    ):
        return None, None
    a, b = rendering.pixels(one, scale), rendering.pixels(other, scale)
    height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
    return a[:height, :width], b[:height, :width]


def _text(page: Any) -> str:
    """Return the words of a page's content, without those of annotations and fields.

    These are compared by what they hold: a tick is a letter of ZapfDingbats. Read from the
    page itself: MuPDF's display list leaves out invisible text, and that of a scan is all
    invisible.
    """
    import pymupdf

    mupdf = pymupdf.mupdf
    read = mupdf.FzStextPage(mupdf.FzRect(*page.rect))
    device = read.fz_new_stext_device(mupdf.FzStextOptions(pymupdf.TEXTFLAGS_TEXT))
    mupdf.fz_run_page_contents(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return str(pymupdf.TextPage(read).extractText())


def checks(pages: Sequence[Page], limits: Limits, *, proven_blank: bool) -> list[Check]:
    """Return the checks. `proven_blank`: the source is known to hold nothing at all."""
    sizes = [page for page in pages if not page.same_size]
    lost = sum(page.blank_after and not page.blank_before for page in pages)
    blank_before = sum(page.blank_before for page in pages)
    blank_after = sum(page.blank_after for page in pages)
    # A wholly blank document proves nothing: what is not there cannot be compared.
    seen = lost == 0 and (blank_after < len(pages) or proven_blank)
    return [
        *_words(pages, limits),
        Check(
            "document.page_size", *(sizes[0].sizes if sizes else ("", "")), float(not sizes),
            not sizes, f"page {sizes[0].number}" if sizes else "",
        ),
        *_pictures(pages, limits),
        Check("document.blank", str(blank_before), str(blank_after), float(seen), seen),
    ]  # fmt: skip


def _words(pages: Sequence[Page], limits: Limits) -> Iterator[Check]:
    had = sum(page.wording.before for page in pages)
    has = sum(page.wording.after for page in pages)
    worst = min(pages, key=lambda page: page.wording.kept)
    missing = [word for page in pages for word in page.wording.missing][:10]
    note = "text layer added by OCR" if limits.text_added and has > had else ""
    if missing:
        note = f"page {worst.number}; not found: {', '.join(missing)}"
    kept = worst.wording.kept
    yield Check("document.text", str(had), str(has), round(kept, 4), kept >= limits.text, note)
    if had:
        worst = min(pages, key=lambda page: page.wording.order)
        order = worst.wording.order
        yield Check(
            "document.order", "100 %", f"{order:.1%}", round(order, 4),
            order >= limits.order, f"page {worst.number}" if order < 1 else "",
        )  # fmt: skip


def _pictures(pages: Sequence[Page], limits: Limits) -> Iterator[Check]:
    page = max(pages, key=lambda one: one.off)
    yield _worst("document.rendering", page.off, page, 1 - page.off >= limits.render)
    page = max(pages, key=lambda one: one.tile)
    check = _worst("document.tiles", page.tile, page, page.tile <= limits.tile)
    told = next((one for one in pages if one.stand_ins), None)
    if told is not None:
        words = f"page {told.number}: text in {told.stand_ins} compared as words and ink only"
        check = replace(check, note="; ".join(filter(None, (check.note, words))))
    yield check
    page = max(pages, key=limits.hue)
    moved = max(page.colour.page, page.colour.cell, page.colour.light) / 255
    yield _worst("document.colour", moved, page, limits.hue(page) <= 1)


def _worst(name: str, share: float, page: Page, passed: bool) -> Check:
    where = f"page {page.number}" if share else ""
    return Check(name, "0 %", f"{share:.2%}", round(max(1 - share, 0.0), 4), passed, where)
