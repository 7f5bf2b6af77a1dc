# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDF of any version: structure by qpdf (pikepdf), every page rendered by PyMuPDF.

Also finds what the policy decides by: encryption, signatures, attachments, a claim to
PDF/A, and pages that are pictures without text. ISO 32000-1 and -2.
"""

from __future__ import annotations

import mmap
import time
from pathlib import Path
from typing import Any

from pipeline.core import isolate
from pipeline.core.embedded import filespecs
from pipeline.core.isolate import Pool
from pipeline.core.records import (
    Agent,
    Message,
    Outcome,
    Scalar,
    Severity,
    ValidationResult,
    Verdict,
)
from pipeline.core.versions import wheel_agent
from validators.pdf_signing.fields import signature_fields

_DPI = 36  # enough to run every page's operators; the picture itself is not looked at
_MESSAGES = 20


class Pdf:
    """Judges a PDF's structure, whatever it claims to be."""

    name = "pdf"
    puids = frozenset(
        {
            "fmt/14", "fmt/15", "fmt/16", "fmt/17", "fmt/18", "fmt/19", "fmt/20", "fmt/276",
            "fmt/1129", "fmt/95", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/479",
            "fmt/480", "fmt/481", "fmt/1910", "fmt/1911", "fmt/1912", "fmt/2050", "fmt/2052",
            "fmt/144", "fmt/145", "fmt/146", "fmt/147", "fmt/148", "fmt/157", "fmt/158",
            "fmt/488", "fmt/489", "fmt/490", "fmt/491", "fmt/492", "fmt/493", "fmt/1451",
            # Adobe Illustrator 9 to 16: PDF with the program's own data beside the pages.
            "fmt/558", "fmt/559", "fmt/560", "fmt/561", "fmt/562", "fmt/563", "fmt/564", "fmt/565",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return the libraries used."""
        return wheel_agent("pikepdf", "qpdf"), wheel_agent("pymupdf", "MuPDF")

    def validate(self, path: Path) -> ValidationResult:
        """Judge a PDF: damaged, encrypted, without pages, or valid, with its facts."""
        started = time.monotonic()
        verdict, outcome, messages, properties, follow_up = isolate.call(
            Pool.LIBRARIES, inspect, path
        )
        return ValidationResult(
            self.name,
            verdict,
            outcome,
            messages,
            properties,
            follow_up,
            self.agents(),
            time.monotonic() - started,
        )


Findings = tuple[Verdict, Outcome, tuple[Message, ...], dict[str, Scalar], tuple[str, ...]]


def inspect(path: Path) -> Findings:
    """Return (verdict, outcome, messages, properties, follow-up) of a PDF; in the child."""
    import pikepdf

    if path.stat().st_size == 0:
        return _bad(Outcome.EMPTY, "pdf.empty", "0 bytes", {})
    properties: dict[str, Scalar] = {"encrypted": False}
    messages: list[Message] = []
    try:
        with pikepdf.open(path, suppress_warnings=True) as document:
            properties.update(_structure(document))
            # These are what qpdf had to guess in order to read the file at all.
            for warning in document.get_warnings()[:_MESSAGES]:
                messages.append(Message("pdf.repaired", Severity.WARNING, str(warning)[-300:]))
    except pikepdf.PasswordError as error:
        return _bad(Outcome.PASSWORD, "pdf.password", str(error), {"encrypted": True})
    except (pikepdf.PdfError, ValueError, TypeError, KeyError) as error:
        return _bad(Outcome.DAMAGED, "pdf.damaged", str(error)[-300:], properties)
    lacks = _lacks(path, properties)
    if lacks is not None:
        return _bad(Outcome.DAMAGED, *lacks, properties)
    rendered, broken, trouble = _render(path)
    properties.update(rendered)
    if broken:
        messages.extend(Message("pdf.page", Severity.ERROR, text) for text in broken[:_MESSAGES])
        # A damaged page is one more reason to know whether what was signed is still there.
        signed = ("pdf_signatures",) if properties["signatures"] else ()
        return Verdict.INVALID, Outcome.DAMAGED, tuple(messages), properties, signed
    messages.extend(Message("pdf.page_warning", Severity.WARNING, text) for text in trouble)
    if properties["javascript"]:
        messages.append(Message("pdf.javascript", Severity.WARNING))
    if properties["signatures"]:
        messages.append(Message("pdf.signed", Severity.WARNING, str(properties["signatures"])))
    # pyHanko comes last: whatever time a hostile signature takes is missing to nobody.
    asked = {"verapdf": properties["pdfa_claim"], "pdf_signatures": properties["signatures"]}
    follow_up = tuple(name for name, wanted in asked.items() if wanted)
    return Verdict.VALID, Outcome.OK, tuple(messages), properties, follow_up


def _lacks(path: Path, properties: dict[str, Scalar]) -> tuple[str, str] | None:
    """Return (code, detail) of what a file that could be opened has not got."""
    if cut_off(path):
        return "pdf.truncated", "no end of file marker"
    if properties["pages"] == 0:
        return "pdf.no_pages", "no pages"
    return None


def cut_off(path: Path) -> bool:
    """Whether objects stand after the last end-of-file marker, or there is none (7.5.5).

    qpdf and MuPDF read such a file by collecting what objects there are; which pages
    were in the part that is missing nobody can know.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        last = data.rfind(b"%%EOF")
        return last < 0 or data.find(b" obj", last) >= 0


def _bad(outcome: Outcome, code: str, detail: str, properties: dict[str, Scalar]) -> Findings:
    message = Message(code, Severity.ERROR, detail)
    return Verdict.INVALID, outcome, (message,), properties, ()


def _structure(document: Any) -> dict[str, Scalar]:
    """Return the facts that qpdf's object model tells."""
    from pikepdf import Array, Dictionary, Name

    root = document.Root
    form = root.get(Name.AcroForm)
    fields = list(form.get(Name.Fields, Array([]))) if isinstance(form, Dictionary) else []
    attached = len(filespecs(document))
    return {
        "version": str(document.pdf_version),
        "pages": len(document.pages),
        "encrypted": bool(document.is_encrypted),
        "signatures": len(signature_fields(document)),
        "form_fields": len(fields),
        "attachments": attached,
        "has_attachments": attached > 0,
        "tagged": Name.StructTreeRoot in root,
        "javascript": any(
            isinstance(one, Dictionary) and one.get(Name.S) == Name.JavaScript
            for one in document.objects
        ),
        "pdfa_claim": _claim(document),
    }


def _claim(document: Any) -> str:
    """Return what the XMP claims, e.g. "2B", or "" (ISO 19005-2, 6.6.4)."""
    from lxml import etree

    try:
        return str(document.open_metadata().pdfa_status)
    except (etree.XMLSyntaxError, ValueError, KeyError, TypeError, AttributeError):
        # XMP that cannot be read claims nothing; veraPDF says why if it is asked.
        return ""


def _render(path: Path) -> tuple[dict[str, Scalar], list[str], list[str]]:
    """Render every page; return (facts, pages that failed, MuPDF's warnings)."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    pymupdf.TOOLS.mupdf_warnings()  # what it held back of an earlier file is not of this one
    broken: list[str] = []
    with_text = pictures = 0
    try:
        document = pymupdf.open(path, filetype="pdf")
    except (pymupdf.FileDataError, pymupdf.EmptyFileError, RuntimeError) as error:
        return {"rendered": 0}, [str(error)[:300]], []
    with document:
        count = document.page_count
        for number in range(count):
            try:
                page = document[number]
                page.get_pixmap(dpi=_DPI, colorspace=pymupdf.csGRAY, alpha=False)
                text = page.get_text().strip()
                with_text += bool(text)
                pictures += bool(not text and _is_picture(page))
            except (RuntimeError, ValueError, KeyError, pymupdf.mupdf.FzErrorBase) as error:
                broken.append(f"page {number + 1}: {error}"[:300])
    said = pymupdf.TOOLS.mupdf_warnings()
    warnings = [line[:300] for line in dict.fromkeys(said.splitlines())][:_MESSAGES]
    facts: dict[str, Scalar] = {
        "rendered": count - len(broken),
        "pages_with_text": with_text,
        "picture_pages": pictures,
        "needs_ocr": pictures > 0,
    }
    return facts, broken, warnings


def _is_picture(page: Any) -> bool:
    """Whether pictures cover most of a page, as a scanner leaves it."""
    area = abs(page.rect.width * page.rect.height) or 1.0
    covered = 0.0
    for image in page.get_image_info():
        left, top, right, bottom = image["bbox"]
        covered += max(0.0, right - left) * max(0.0, bottom - top)
    return covered / area >= 0.5


VALIDATOR = Pdf()
