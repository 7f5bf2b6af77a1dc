# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scanned PDF to searchable PDF/A: OCRmyPDF for the text, the PDF chain for the rest.

Pages that have text are left alone, pictures are not touched (no deskew, no
optimisation). OCRmyPDF writes plain PDF, because on Ghostscript 10.00-10.02 (Debian 12)
it refuses PDF/A together with skipping pages; `pdf_to_pdfa` makes the PDF/A of it.
"""

from __future__ import annotations

from pathlib import Path

from migrators.base import Options
from migrators.pdf import ghostscript, ocr
from migrators.pdf_to_pdfa import PdfToPdfa
from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Message, MigrationNote, Severity
from pipeline.core.versions import wheel_agent


class ScanToPdfa:
    """Makes searchable PDF/A. Setting `languages`: Tesseract's names joined by "+"."""

    name = "scan_to_pdfa"
    sources = PdfToPdfa.sources
    target_puids = PdfToPdfa.target_puids

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs used. Raises ToolMissingError."""
        return (
            wheel_agent("ocrmypdf"),
            Agent("Tesseract", ocr.PROBE.version(), "OCR"),
            wheel_agent("pikepdf", "qpdf"),
            Agent("Ghostscript", ghostscript.PROBE.version(), "pdfwrite"),
        )

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write a valid, searchable PDF/A.

        Raises what `pdf_to_pdfa` raises, and ConfigError for a language that is missing.
        """
        languages = str(options.settings.get("languages") or "swe+eng").split("+")
        ocr.check_languages(languages)
        read = options.workdir / "read.pdf"
        isolate.call(Pool.LIBRARIES, ocr.add_text, source, read, languages)
        note = PdfToPdfa().convert(read, target, options, metadata_from=source)
        pages = Message("ocr.pages", Severity.INFO, str(options.facts.get("picture_pages", "")))
        return MigrationNote(f"ocr, {note.method}", (pages, *note.messages), self.agents())


MIGRATOR = ScanToPdfa()
