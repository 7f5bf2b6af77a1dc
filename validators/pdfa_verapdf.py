# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDF/A and PDF/UA by veraPDF, the reference validator of the PDF Association.

Standards: ISO 19005-1 to -4, ISO 14289-1 and -2. Warm in a Java child: 8-28 ms a file
against 3 s for a cold start.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

from pipeline.core import isolate
from pipeline.core.errors import DamagedError, EmptyError, PasswordError
from pipeline.core.hashing import digest
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
from validators import verapdf_engine
from validators.verapdf_engine import Judgement

_RULES_SHOWN = 20


class VeraPdf:
    """Judges PDFs that claim to be PDF/A or PDF/UA."""

    name = "verapdf"
    puids = frozenset(
        {
            "fmt/95", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/479", "fmt/480",
            "fmt/481", "fmt/1910", "fmt/1911", "fmt/1912", "fmt/2050", "fmt/2052",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return veraPDF's version. Raises ToolMissingError, ConfigError."""
        verapdf_engine.class_path()
        return (Agent("veraPDF", _version(), "greenfield parser"),)

    def validate(self, path: Path) -> ValidationResult:
        """Judge against every flavour the file claims; UNDECIDED where it claims none."""
        return self.validate_as(path, "")

    def validate_as(self, path: Path, flavour: str) -> ValidationResult:
        """Judge against one flavour, as veraPDF names it ("2b"), whatever the file claims."""
        started = time.monotonic()
        agents = self.agents()
        try:
            if path.stat().st_size == 0:
                raise EmptyError("0 bytes")
            judgements = _judged(path, flavour)
        except (DamagedError, PasswordError, EmptyError) as error:
            return ValidationResult(
                self.name,
                Verdict.INVALID,
                error.outcome,
                (Message(f"pdf.{error.outcome.value}", Severity.ERROR, error.detail),),
                agents=agents,
                seconds=time.monotonic() - started,
            )
        return _result(judgements, agents, time.monotonic() - started)


# What was judged last, by content: a migrator asks for its last attempt, and the proof of
# the output for the same bytes again. One answer in four of a corpus run was known.
_KNOWN: OrderedDict[tuple[str, str], tuple[Judgement, ...]] = OrderedDict()
_MOST_KNOWN = 64


def _judged(path: Path, flavour: str) -> tuple[Judgement, ...]:
    key = (digest(path).sha256, flavour)
    if key not in _KNOWN:
        _KNOWN[key] = isolate.call(Pool.JVM, verapdf_engine.judge, path, flavour)
        if len(_KNOWN) > _MOST_KNOWN:
            _KNOWN.popitem(last=False)
    return _KNOWN[key]


def _result(
    judgements: tuple[Judgement, ...], agents: tuple[Agent, ...], seconds: float
) -> ValidationResult:
    if not judgements[0].flavour:
        return ValidationResult(
            VeraPdf.name,
            Verdict.UNDECIDED,
            Outcome.OK,
            (Message("pdfa.no_claim", Severity.INFO),),
            {"pdfa": "", "pdfa_valid": False},
            agents=agents,
            seconds=seconds,
        )
    failed = [rule for one in judgements for rule in one.rules]
    valid = all(one.compliant for one in judgements)
    messages = [Message("pdfa.rule", Severity.ERROR, str(rule)) for rule in failed[:_RULES_SHOWN]]
    if len(failed) > _RULES_SHOWN:
        rest = f"{len(failed) - _RULES_SHOWN}"
        messages.append(Message("pdfa.more_rules", Severity.ERROR, rest))
    # A flavour of PDF/A begins with its part's number; PDF/UA and WTPDF promise
    # accessibility, not that the document lasts.
    archival = [one for one in judgements if one.flavour[:1].isdigit()]
    properties: dict[str, Scalar] = {
        "pdfa": " ".join(one.flavour for one in archival),
        "pdfa_valid": bool(archival) and all(one.compliant for one in archival),
        "pdfua": " ".join(one.flavour for one in judgements if one not in archival),
        "pdfa_failed_rules": len(failed),
        # Which rules, and on which pages, for whoever mends them.
        "pdfa_rules": " ".join(one.key for one in failed),
        "pdfa_pages": " ".join(map(str, sorted({page for one in failed for page in one.pages}))),
    }
    return ValidationResult(
        VeraPdf.name,
        Verdict.VALID if valid else Verdict.INVALID,
        Outcome.OK if valid else Outcome.INVALID,
        tuple(messages),
        properties,
        agents=agents,
        seconds=seconds,
    )


@lru_cache(maxsize=1)
def _version() -> str:
    return isolate.call(Pool.JVM, verapdf_engine.version)


VALIDATOR = VeraPdf()
