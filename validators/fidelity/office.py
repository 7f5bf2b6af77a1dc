# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compare an office document with the PDF made from it: pages, words, cells, pictures.

The words of OOXML and ODF are read by a parser of our own. Of older formats only
LibreOffice knows the words: what it loaded is compared with what reached the PDF, and the
check's note says so.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from pipeline.core import isolate
from pipeline.core.errors import DamagedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Check, Scalar
from pipeline.core.versions import wheel_agent
from validators.fidelity import office_source

_FACTS = "office-facts.json"  # written by migrators/office_to_pdfa.py
_FACTS_LIMIT = 64 * 1024 * 1024
_WHITE = 250
_PIXELS = 250_000  # enough to see whether there is anything on a page
_SHORTEST = 4  # characters of a word that may be looked for across line breaks


class OfficeJudge:
    """Judge of an office document against its PDF.

    Thresholds: `text` is the least share of words and of cell values kept (0-1).
    `facts["workdir"]` is the folder where the migrator left LibreOffice's account.
    """

    name = "office"

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        return (
            wheel_agent("pymupdf", "MuPDF"),
            wheel_agent("lxml"),
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
        del puid  # what a container holds says more than its PUID
        known = _known(facts.get("workdir"))
        least = float(thresholds.get("text") or 0.95)
        return isolate.call(Pool.LIBRARIES, compare, source, target, least, known)


def _known(folder: Scalar) -> dict[str, Any]:
    path = Path(str(folder)) / _FACTS if folder else None
    if path is None or not path.is_file() or path.stat().st_size > _FACTS_LIMIT:
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def compare(
    source: Path, target: Path, least: float, known: Mapping[str, Any]
) -> tuple[Check, ...]:
    """Compare in the child; see OfficeJudge."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    own = office_source.read(source)
    account = str(known.get("text") or "")
    try:
        document = pymupdf.open(target, filetype="pdf")
    except (pymupdf.FileDataError, pymupdf.EmptyFileError, RuntimeError) as error:
        raise DamagedError(str(error)[:300], "pdf.damaged") from error
    with document:
        made = "\n".join(page.get_text() for page in document)
        checks = []
        if known.get("pages") is not None:
            pages = int(known["pages"]), document.page_count
            same = pages[0] == pages[1]
            checks.append(Check("document.pages", str(pages[0]), str(pages[1]), float(same), same))
        if own is not None:
            checks.append(_words("document.text", own[0], made, least, ""))
        elif known:
            note = "the words that LibreOffice read, the format has no other reader here"
            checks.append(_words("document.text", account, made, least, note))
        if known.get("kind") == "calc":
            checks.append(_cells(account, made, least))
        checks.append(_blank(document))
        count = own[1] if own is not None else int(known.get("images") or 0)
        if count:
            checks.append(_images(count, document))
    dates = int(known.get("live_dates") or 0)
    if dates:
        # A letter that dates itself shows the day of its conversion, not of its writing.
        shown = f"{dates} of the day of conversion"
        checks.append(Check("document.dates", "as last saved", shown, 0.0, False))
    return tuple(checks)


def words(text: str) -> Counter[str]:
    """Return words, ligatures and case folded (a style may show capitals)."""
    folded = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).casefold()
    return Counter(re.findall(r"\w+", folded))


_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


def recall(before: str, after: str) -> tuple[int, int, list[str]]:
    """Return the number of words, how many were found, and some that were not.

    A word that the layout broke is found too: hyphenated at a line's end, or cut without
    a hyphen as in a narrow cell.
    """
    wanted = words(before)
    plain, joined = words(after), words(re.sub(r"[-\u2010\u00ad]\s*\n\s*", "", after))
    missing: Counter[str] = Counter()
    for word, count in wanted.items():
        short = count - max(plain[word], joined[word])
        if short > 0:
            missing[word] = short
    if missing:
        solid = "".join(words_in_order(after))
        for word in list(missing):
            if len(word) >= _SHORTEST and solid.count(word) >= wanted[word]:
                del missing[word]
    total = sum(wanted.values())
    return total, total - sum(missing.values()), list(missing)


def words_in_order(text: str) -> list[str]:
    """Return the words as they come, folded."""
    folded = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).casefold()
    return re.findall(r"\w+", folded)


def _words(name: str, before: str, after: str, least: float, note: str) -> Check:
    total, kept, missing = recall(before, after)
    score = kept / total if total else 1.0
    if missing:
        note = f"{note}; not found: {', '.join(missing[:8])}".removeprefix("; ")
    return Check(name, str(total), str(kept), round(score, 4), score >= least, note[:400])


def _cells(account: str, made: str, least: float) -> Check:
    """Every value as LibreOffice shows it; a column too narrow for its number shows ###.

    A decimal number without a format of its own is shown with as many decimals as the
    column has room for, and counts as kept when it is one of the source's, rounded.
    """
    shown: dict[int, set[str]] = {}
    for number in _DECIMAL.findall(made):
        shown.setdefault(len(number.partition(",")[2]), set()).add(number)
    wanted = [one for one in _DECIMAL.findall(account) if not _rounded(one, shown)]
    total = len(_DECIMAL.findall(account))
    words_before, words_kept, missing = recall(_DECIMAL.sub(" ", account), _DECIMAL.sub(" ", made))
    total, kept = total + words_before, total - len(wanted) + words_kept
    score = kept / total if total else 1.0
    lost = max(0, len(_HASHES.findall(made)) - len(_HASHES.findall(account)))
    notes = [f"{lost} numbers are shown as ###"] if lost else []
    if wanted or missing:
        notes.append(f"not found: {', '.join([*wanted[:4], *missing[:6]])}")
    passed = score >= least and not lost
    return Check("document.cells", str(total), str(kept), round(score, 4), passed, "; ".join(notes))


_DECIMAL = re.compile(r"(?<![\w,.])-?\d+,\d+(?![\w,.])")
_HASHES = re.compile(r"(?<!\S)#+(?!\S)")


def _rounded(number: str, shown: Mapping[int, set[str]]) -> bool:
    value = Decimal(number.replace(",", "."))
    for places, numbers in shown.items():
        if number in numbers:
            return True
        fewer = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        if str(fewer).replace(".", ",") in numbers:
            return True
    return False


def _blank(document: Any) -> Check:
    """A wholly blank document proves nothing: what is not there cannot be compared."""
    seen = any(page.get_text().strip() or _marked(page) for page in document)
    return Check("document.blank", "", "" if seen else "blank", float(seen), seen)


def _marked(page: Any) -> bool:
    import pymupdf

    area = max(abs(page.rect.width * page.rect.height), 1.0)
    scale = min(1.0, (_PIXELS / area) ** 0.5)
    image = page.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csGRAY, alpha=False
    )
    return min(image.samples, default=255) < _WHITE


def _images(count: int, document: Any) -> Check:
    found = {image[0] for number in range(document.page_count)
             for image in document.get_page_images(number)}  # fmt: skip
    score = min(len(found) / count, 1.0)
    return Check(
        "document.images", str(count), str(len(found)), round(score, 4), len(found) >= count
    )


JUDGE = OfficeJudge()
