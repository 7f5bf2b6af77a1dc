# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare an office document with the PDF made from it.

What the document holds is read by readers of our own (`office_source`). Of formats that
none of them reads, only LibreOffice knows the words: what it loaded is compared with what
reached the PDF, and the check's note says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Check, Scalar
from pipeline.core.versions import wheel_agent
from validators.fidelity import office_figures, office_made, office_source, office_words
from validators.fidelity.office_made import Made
from validators.fidelity.office_reading import Cell, Reading, UnreadableError

_FACTS = "office-facts.json"  # written by migrators/office_to_pdfa.py
_FACTS_LIMIT = 64 * 1024 * 1024
_LIBREOFFICE = "LibreOffice's own account, the format has no other reader here"
_CELLS = 3_000  # cells of tables that are looked for one by one
# Of the words that mark a place, the share that must keep their order. Over 60
# migrations with enough of them the worst kept 0.76: boxes and notes stand elsewhere.
_ORDER = 0.6
_FEWEST = 12  # marks below which an order says nothing


class OfficeJudge:
    """Judge of an office document against its PDF.

    Thresholds: `text` is the least share of words, cell values, table cells and headings
    kept (0-1), `order` that of words in their order. `facts["workdir"]` is the folder where
    the migrator left LibreOffice's account.
    """

    name = "office"

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        return (
            wheel_agent("pymupdf", "MuPDF"),
            wheel_agent("pikepdf"),
            wheel_agent("lxml"),
            wheel_agent("olefile"),
            wheel_agent("xlrd"),
        )

    def compare(
        self,
        source: Path,
        target: Path,
        puid: str,
        thresholds: Mapping[str, Scalar],
        facts: Mapping[str, Scalar],
    ) -> tuple[Check, ...]:
        """Return the checks. Raises DamagedError when either cannot be read."""
        del puid  # what a file holds says more than its PUID
        known = _known(facts.get("workdir"))
        least = float(thresholds.get("text") or 0.95)
        ordered = float(thresholds.get("order") or _ORDER)
        return isolate.call(Pool.LIBRARIES, compare, source, target, least, ordered, known)


def _known(folder: Scalar) -> dict[str, Any]:
    path = Path(str(folder)) / _FACTS if folder else None
    if path is None or not path.is_file() or path.stat().st_size > _FACTS_LIMIT:
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def compare(
    source: Path, target: Path, least: float, ordered: float, known: Mapping[str, Any]
) -> tuple[Check, ...]:
    """Compare in the child; see OfficeJudge."""
    note = ""
    own: Reading | None = None
    try:
        own = office_source.read(source)
        note = own.reader if own is not None else _LIBREOFFICE
    except UnreadableError as error:
        note = f"{_LIBREOFFICE.partition(',')[0]}; our reader failed: {error}"
    return tuple(_Pair(own, note, office_made.read(target), known, least, ordered).checks())


class _Pair:
    """One document and its PDF."""

    def __init__(
        self,
        own: Reading | None,
        reader: str,
        made: Made,
        known: Mapping[str, Any],
        least: float,
        ordered: float,
    ) -> None:
        self._own = own
        self._reader = reader
        self._made = made
        self._known = known
        self._least = least
        self._ordered = ordered
        self._account = str(known.get("text") or "")
        self._kind = str(known.get("kind") or "")
        if known.get("tracked") == "rejected":
            # Our readers read the newest wording; the policy wanted the one before it.
            self._own, self._reader = None, "LibreOffice's own account of the rejected wording"
        self._cells_seen = _seen(own, known.get("hidden", True))

    def checks(self) -> Iterator[Check]:
        own, made, known = self._own, self._made, self._known
        if known.get("pages") is not None:
            yield _same("document.pages", int(known["pages"]), made.pages)
        if own is not None or known:
            text = own.text if own is not None else self._account
            if own is not None and own.sheets:
                strings = (cell.value for cell in self._cells_seen)
                text = "\n".join(one for one in strings if isinstance(one, str))
            yield _words(text, made.text, self._least, self._reader)
            if self._kind != "calc" and not (own is not None and own.sheets):
                yield from self._order(text)
        yield from self._cells()
        if own is not None and own.tables:
            yield self._tables(own.tables)
        yield from self._structure()
        yield Check("document.blank", "", "blank" if made.blank else "", float(not made.blank),
                    not made.blank)  # fmt: skip
        pictures = own.pictures if own is not None else None
        if pictures is None:
            pictures = int(known.get("images") or 0)
        if pictures:
            score = round(min(made.images / pictures, 1.0), 4)
            enough = made.images >= pictures
            yield Check("document.images", str(pictures), str(made.images), score, enough)
        dates = int(known.get("live_dates") or 0)
        if dates:
            # A letter that dates itself shows the day of its conversion, not of its writing.
            shown = f"{dates} of the day of conversion"
            yield Check("document.dates", "as last saved", shown, 0.0, False)

    def _order(self, text: str) -> Iterator[Check]:
        marks, kept = office_words.order(text, self._made.text)
        if marks >= _FEWEST:
            score = round(kept / marks, 4)
            yield Check("document.order", str(marks), str(kept), score, score >= self._ordered)

    def _cells(self) -> Iterator[Check]:
        """Compare numbers and dates of our own reading; else what LibreOffice shows of them."""
        if self._own is not None and self._own.sheets:
            cells = self._cells_seen
            total, missing = office_figures.kept(cells, self._made.text)
            lost = _hashes(self._made.text) - sum(
                _hashes(cell.value) for cell in cells if isinstance(cell.value, str)
            )
            yield self._values(total, total - len(missing), missing, lost)
        elif self._kind == "calc":
            yield self._shown_cells()

    def _values(self, total: int, kept: int, missing: list[str], lost: int) -> Check:
        score = kept / total if total else 1.0
        notes = [self._reader]
        if lost > 0:
            notes.append(f"{lost} numbers are shown as ###")
        if missing:
            notes.append(f"not found: {', '.join(missing[:10])}")
        passed = score >= self._least and lost <= 0
        return Check(
            "document.cells", str(total), str(kept), round(score, 4), passed, "; ".join(notes)[:400]
        )

    def _shown_cells(self) -> Check:
        """Compare every value as LibreOffice shows it.

        A decimal number without a format of its own is shown with as many decimals as the
        column has room for, and counts as kept when it is one of the source's, rounded.
        """
        account, text = self._account, self._made.text
        shown: dict[int, set[str]] = {}
        for number in _DECIMAL.findall(text):
            shown.setdefault(len(number.partition(",")[2]), set()).add(number)
        numbers = _DECIMAL.findall(account)
        wanted = [one for one in numbers if not _rounded(one, shown)]
        total, kept, missing = office_words.recall(
            _DECIMAL.sub(" ", account), _DECIMAL.sub(" ", text)
        )
        lost = _hashes(text) - _hashes(account)
        return self._values(
            total + len(numbers), kept + len(numbers) - len(wanted),
            [*wanted[:4], *missing[:6]], lost,
        )  # fmt: skip

    def _tables(self, tables: tuple[tuple[str, ...], ...]) -> Check:
        cells = [cell for table in tables for cell in table]
        step = max(1, len(cells) // _CELLS)
        whole = office_words.solid(self._made.text)
        looked = [office_words.solid(cell) for cell in cells[::step]]
        missing = [cell for cell in looked if cell not in whole]
        kept = len(looked) - len(missing)
        score = kept / len(looked)
        notes = [f"{len(tables)} tables before, {self._made.roles['/Table']} tagged after"]
        if step > 1:
            notes.append(f"every {step}th cell of {len(cells)}")
        if missing:
            notes.append(f"not found: {', '.join(one[:40] for one in missing[:5])}")
        return Check(
            "document.tables", str(len(looked)), str(kept), round(score, 4), score >= self._least,
            "; ".join(notes)[:400],
        )  # fmt: skip

    def _structure(self) -> Iterator[Check]:
        """Compare headings with bookmarks and the language; tell whether there are tags."""
        if self._kind in ("writer", "impress", "draw"):
            tagged = self._made.tagged
            yield Check("document.tags", "", "" if tagged else "none", float(tagged), tagged)
        headings = self._own.headings if self._own is not None else None
        note = self._reader
        if headings is None:
            headings = tuple(self._known.get("headings") or ())
            note = _LIBREOFFICE
        if headings and self._kind in ("writer", ""):
            titles = "\n".join(map(office_words.solid, self._made.outline))
            missing = [one for one in headings if office_words.solid(one) not in titles]
            kept = len(headings) - len(missing)
            score = round(kept / len(headings), 4)
            if missing:
                note = f"{note}; not found: {', '.join(one[:40] for one in missing[:5])}"
            yield Check(
                "document.outline", str(len(headings)), str(kept), score, score >= self._least, note
            )
        language = self._own.language if self._own is not None else ""
        language = language or str(self._known.get("language") or "")
        if language:
            same = _primary(language) == _primary(self._made.language)
            yield Check("document.language", language, self._made.language, float(same), same)


def _seen(own: Reading | None, hidden: object) -> list[Cell]:
    """Return the cells that the policy wants to be seen (`hidden` of `office_to_pdfa`)."""
    sheets = [] if own is None else [s for s in own.sheets if hidden is not False or not s.hidden]
    cells = [cell for sheet in sheets for cell in sheet.cells]
    if hidden == "all":
        cells += [cell for sheet in sheets for cell in sheet.unseen]
    return cells


def _primary(tag: str) -> str:
    first = re.split(r"[-_]", tag.casefold(), maxsplit=1)[0]
    # Norwegian is no (macrolanguage) or nb, Filipino fil or tl: ISO 639 has both.
    return {"no": "nb", "tl": "fil", "iw": "he", "in": "id"}.get(first, first)


def _same(name: str, before: int, after: int) -> Check:
    return Check(name, str(before), str(after), float(before == after), before == after)


def _words(before: str, after: str, least: float, note: str) -> Check:
    total, kept, missing = office_words.recall(before, after)
    score = kept / total if total else 1.0
    if missing:
        note = f"{note}; not found: {', '.join(missing[:8])}"
    return Check(
        "document.text", str(total), str(kept), round(score, 4), score >= least, note[:400]
    )


_DECIMAL = re.compile(r"(?<![\w,.])-?\d+,\d+(?![\w,.])")
_HASHES = re.compile(r"(?<!\S)#+(?!\S)")


def _hashes(text: str) -> int:
    return len(_HASHES.findall(text))


def _rounded(number: str, shown: Mapping[int, set[str]]) -> bool:
    value = Decimal(number.replace(",", "."))
    for places, numbers in shown.items():
        if number in numbers:
            return True
        fewer = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        if str(fewer).replace(".", ",") in numbers:
            return True
    return False


JUDGE = OfficeJudge()
