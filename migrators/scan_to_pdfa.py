# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scanned PDF to searchable PDF/A: OCRmyPDF for the text, the PDF chain for the rest.

Pages that have text are left alone, pictures are not touched unless the policy asks for
it. OCRmyPDF writes plain PDF, because on Ghostscript 10.00-10.02 (Debian 12) it refuses
PDF/A together with skipping pages; `pdf_to_pdfa` makes the PDF/A of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from migrators.base import Options
from migrators.pdf import ghostscript, ocr
from migrators.pdf_to_pdfa import PdfToPdfa
from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Message, MigrationNote, Severity
from pipeline.core.versions import wheel_agent

_CHANGES = ("deskew", "clean", "rotate")
_UNSURE = 70  # per cent
_LISTED = 200  # pages of which the confidence is told one by one


class ScanToPdfa:
    """Makes searchable PDF/A.

    Settings: `languages`, Tesseract's names joined by "+" (default "swe+eng"); `deskew`,
    `clean`, `rotate` (default false): what may be done to the pictures.
    """

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
        return searchable(source, target, options, self.agents())


def searchable(
    source: Path, target: Path, options: Options, agents: tuple[Agent, ...]
) -> MigrationNote:
    """Write `target`, a PDF/A of the PDF `source` with its picture pages searchable."""
    languages = str(options.settings.get("languages") or "swe+eng").split("+")
    ocr.check_languages(languages)
    changes = [one for one in _CHANGES if options.settings.get(one) is True]
    read = options.workdir / "read.pdf"
    pages = isolate.call(Pool.LIBRARIES, ocr.add_text, source, read, languages, changes)
    note = PdfToPdfa().convert(read, target, options, metadata_from=source)
    told = (*_told(pages, changes), *note.messages)
    return MigrationNote(f"ocr, {note.method}", told, agents, note.checks)


def _told(pages: Sequence[ocr.PageRead], changes: Sequence[str]) -> Iterator[Message]:
    yield Message("ocr.pages", Severity.INFO, str(len(pages)))
    if changes:
        yield Message("ocr.picture_changed", Severity.WARNING, ", ".join(changes))
    listed = [f"{one.page}: {one.confidence} % ({one.words})" for one in pages[:_LISTED]]
    if len(pages) > _LISTED:
        mean = sum(one.confidence for one in pages) / len(pages)
        listed.append(f"... {len(pages)} pages, mean {mean:.0f} %")
    if listed:
        yield Message("ocr.confidence", Severity.INFO, "; ".join(listed))
    unsure = [str(one.page) for one in pages if one.words and one.confidence < _UNSURE]
    if unsure:
        yield Message("ocr.unsure", Severity.WARNING, ", ".join(unsure[:_LISTED]))
    wordless = [str(one.page) for one in pages if not one.words]
    if wordless:
        yield Message("ocr.no_words", Severity.INFO, ", ".join(wordless[:_LISTED]))


MIGRATOR = ScanToPdfa()
