# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDF to PDF/A-2b or -3b, changing as little as will do.

What is valid PDF/A already is not for this module: the policy keeps it byte for byte.
What can be mended without touching a page's content is mended; what is left is rewritten
by Ghostscript, strictly, then leniently with a warning. veraPDF judges after each step.
Whether the result still is the same document is for `steps/verify` to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migrators.base import Options
from migrators.pdf import ghostscript, mend
from pipeline.core import isolate
from pipeline.core.errors import (
    CrashError,
    DamagedError,
    FileError,
    NotConvertedError,
    OutOfMemoryError,
    ToolFailureError,
)
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Message, MigrationNote, Severity, Verdict
from pipeline.core.versions import wheel_agent


@dataclass(frozen=True, slots=True)
class _Attempt:
    method: str
    rewrite: bool
    strict: bool
    to_rgb: bool


_ATTEMPTS = (
    _Attempt("mended", rewrite=False, strict=True, to_rgb=False),
    _Attempt("ghostscript", rewrite=True, strict=True, to_rgb=False),
    _Attempt("ghostscript-rgb", rewrite=True, strict=True, to_rgb=True),
    _Attempt("ghostscript-lenient", rewrite=True, strict=False, to_rgb=True),
)


class PdfToPdfa:
    """Makes PDF/A from PDF. Target names: `pdfa-2b`, `pdfa-3b`."""

    name = "pdf_to_pdfa"
    sources = frozenset(
        {
            "fmt/14", "fmt/15", "fmt/16", "fmt/17", "fmt/18", "fmt/19", "fmt/20", "fmt/276",
            "fmt/1129", "fmt/95", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/479",
            "fmt/480", "fmt/481", "fmt/1910", "fmt/1911", "fmt/1912", "fmt/2050", "fmt/2052",
            "fmt/144", "fmt/145", "fmt/146", "fmt/147", "fmt/148", "fmt/157", "fmt/158",
            "fmt/488", "fmt/489", "fmt/490", "fmt/491", "fmt/492", "fmt/493", "fmt/1451",
        }
    )  # fmt: skip
    target_puids = frozenset({"fmt/477", "fmt/480"})

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs used. Raises ToolMissingError."""
        return (
            wheel_agent("pikepdf", "qpdf"),
            Agent("Ghostscript", ghostscript.PROBE.version(), "pdfwrite"),
        )

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write a valid PDF/A, or raise NotConvertedError with the rules that stayed broken.

        Also raises DamagedError, PasswordError, ToolTimeoutError.
        """
        return self.convert(source, target, options, metadata_from=None)

    def convert(
        self, source: Path, target: Path, options: Options, *, metadata_from: Path | None
    ) -> MigrationNote:
        """Do what `migrate` does, with title, author and dates of another document."""
        pages = 0
        obstacles: list[str] = []
        for number, attempt in enumerate(_ATTEMPTS):
            work = options.workdir / f"attempt-{number}"
            work.mkdir()
            try:
                made, count, messages = _make(source, work, attempt, options, metadata_from)
            except (ToolFailureError, CrashError, OutOfMemoryError, DamagedError) as error:
                # Attempt 0 only opens and saves: what it cannot open nobody shall guess at.
                if number == 0 and isinstance(error, DamagedError):
                    raise
                obstacles.append(f"{attempt.method}: {error.detail}")
                continue
            pages = pages or count
            if count != pages:
                obstacles.append(f"{attempt.method}: {count} pages instead of {pages}")
                continue
            broken = _broken_rules(made, options)
            if broken:
                obstacles.append(f"{attempt.method}: {broken}")
                continue
            made.replace(target)
            return MigrationNote(
                attempt.method, messages + _losses(attempt, options), self.agents()
            )
        raise NotConvertedError(" | ".join(obstacles)[:2000], "pdfa.not_reached")


def _make(
    source: Path, work: Path, attempt: _Attempt, options: Options, metadata_from: Path | None
) -> tuple[Path, int, tuple[Message, ...]]:
    """Return (file, pages, messages) of one attempt."""
    flavour = options.target.removeprefix("pdfa-")
    made = work / "made.pdf"
    if not attempt.rewrite:
        count, messages = isolate.call(
            Pool.LIBRARIES, mend.prepare, source, made, flavour, metadata_from
        )
        return made, count, messages
    healed, written = work / "healed.pdf", work / "written.pdf"
    isolate.call(Pool.LIBRARIES, mend.for_ghostscript, source, healed)
    ghostscript.rewrite(
        healed, written, flavour, strict=attempt.strict, to_rgb=attempt.to_rgb, cwd=work
    )
    count, messages = isolate.call(
        Pool.LIBRARIES, mend.prepare, written, made, flavour, metadata_from or source
    )
    return made, count, messages


def _broken_rules(made: Path, options: Options) -> str:
    """Return what the target's validator finds, "" for a valid file."""
    try:
        result = options.judge(made)
    except FileError as error:
        return f"the validator: {error.detail}"
    if result.verdict is Verdict.VALID:
        return ""
    return "; ".join(one.detail for one in result.messages[:3]) or "not valid"


def _losses(attempt: _Attempt, options: Options) -> tuple[Message, ...]:
    """Return what this way of doing it costs, so that nobody finds out later."""
    lost: list[Message] = []
    if attempt.rewrite:
        lost.append(Message("pdfa.rewritten", Severity.WARNING, attempt.method))
    if attempt.to_rgb:
        lost.append(Message("pdfa.colour_converted", Severity.WARNING))
    if not attempt.strict:
        lost.append(Message("pdfa.lenient", Severity.WARNING))
    if options.facts.get("signatures"):
        lost.append(Message("pdf.signature_not_carried", Severity.WARNING))
    return tuple(lost)


MIGRATOR = PdfToPdfa()
