# SPDX-License-Identifier: AGPL-3.0-or-later
"""A plugin of OCRmyPDF that keeps how sure Tesseract was of each page.

hOCR carries the confidence of each word (`x_wconf`, 0-100; hocr-spec 1.2, 6.1), and
OCRmyPDF drops it when it lays the words under the page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ocrmypdf import hookimpl
from ocrmypdf.builtin_plugins.tesseract_ocr import TesseractOcrEngine

_WORD = re.compile(r"x_wconf (\d+)")
_PAGE = re.compile(r"^(\d+)")

_found: dict[int, list[int]] = {}


def start() -> None:
    """Forget what was found of an earlier document."""
    _found.clear()


def pages() -> dict[int, list[int]]:
    """Return page (from 1) -> the confidence of each word that was read on it."""
    return dict(_found)


class ConfidentEngine(TesseractOcrEngine):  # type: ignore[misc]
    """Tesseract as OCRmyPDF runs it, looked over the shoulder."""

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:
        """Let Tesseract read a page, and keep how sure it was."""
        TesseractOcrEngine.generate_hocr(input_file, output_hocr, output_text, options)
        number = _PAGE.match(Path(output_hocr).name)
        if number:
            text = Path(output_hocr).read_text(encoding="utf-8", errors="replace")
            _found[int(number[1])] = [int(one) for one in _WORD.findall(text)]


@hookimpl(tryfirst=True)  # type: ignore[untyped-decorator]
def get_ocr_engine(options: Any) -> TesseractOcrEngine:
    """Take the place of OCRmyPDF's own engine."""
    del options
    return ConfidentEngine()
