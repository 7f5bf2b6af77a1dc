# SPDX-License-Identifier: AGPL-3.0-or-later
"""Digital signatures of PDFs, verified by pyHanko: who, when, what, and whether it holds.

Asked as a follow-up by `pdf` where that found a signature; never over the network. A
signature that is broken never bars its file: it is told, with its status.
ISO 32000-2, 12.8; ETSI EN 319 142 (PAdES); docs/archivist.md says what a status means.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import isolate
from pipeline.core.budget import budget, memory, remaining
from pipeline.core.codec import register
from pipeline.core.errors import DamagedError, EmptyError, FileError, PasswordError
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
from pipeline.core.signed import Signature, SignatureStatus, SignatureTime
from pipeline.core.versions import wheel_agent
from validators import pdf
from validators.pdf_signing.fields import Found, signature_fields

# More than anybody signs: the register of a whole council has some dozens.
_MOST = 500
_CODES = {
    SignatureStatus.VALID: "signature.valid",
    SignatureStatus.INTACT_EXPIRED: "signature.intact_expired",
    SignatureStatus.INTACT_UNTRUSTED: "signature.intact_untrusted",
    SignatureStatus.PARTIAL: "signature.partial",
    SignatureStatus.CHANGED_AFTER: "signature.changed_after",
    SignatureStatus.UNREADABLE: "signature.unreadable",
    SignatureStatus.ALTERED: "signature.altered",
}


class PdfSignatures:
    """Judges the signatures of a PDF that another validator found to be readable."""

    name = "pdf_signatures"
    # No format is signed as such: `pdf` says which files to ask about.
    puids: frozenset[str] = frozenset()

    def agents(self) -> tuple[Agent, ...]:
        """Return the libraries used."""
        return (
            wheel_agent("pyhanko", "PDF signatures"),
            wheel_agent("pyhanko-certvalidator", "X.509 paths"),
        )

    def validate(self, path: Path) -> ValidationResult:
        """Judge every signature; VALID where all are intact, else UNDECIDED, never a bar."""
        started = time.monotonic()
        try:
            report = _examined(path)
        except (DamagedError, EmptyError, PasswordError) as error:
            return ValidationResult(
                self.name,
                Verdict.INVALID,
                error.outcome,
                (Message(error.code, Severity.ERROR, error.detail),),
                agents=self.agents(),
                seconds=time.monotonic() - started,
            )
        signatures = report.signatures
        good = bool(signatures) and all(one.status.intact for one in signatures)
        return ValidationResult(
            self.name,
            Verdict.VALID if good else Verdict.UNDECIDED,
            Outcome.OK,
            tuple(_message(one) for one in signatures),
            {**_facts(signatures), "signatures_trust_list": report.trust_list},
            agents=self.agents(),
            seconds=time.monotonic() - started,
            signatures=signatures,
        )


@register
@dataclass(frozen=True, slots=True)
class Report:
    """A file's signatures, and by which trust list they were judged."""

    signatures: tuple[Signature, ...]
    trust_list: str


def listed(path: Path) -> tuple[Found, ...]:
    """Return the signatures of a file. In the child. Raises FileError for one that is no PDF."""
    import pikepdf

    if path.stat().st_size == 0:
        raise EmptyError("0 bytes", "pdf.empty")
    try:
        with pikepdf.open(path, suppress_warnings=True) as document:
            found = tuple(signature_fields(document))
    except pikepdf.PasswordError as error:
        raise PasswordError(str(error)[-300:], "pdf.password") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError) as error:
        raise DamagedError(str(error)[-300:], "pdf.damaged") from error
    if pdf.cut_off(path):
        raise DamagedError("no end of file marker", "pdf.truncated")
    return found


def examined(path: Path, seconds: float) -> Report:
    """Return what pyHanko says of each signature. In the child. Raises as `listed`.

    After `seconds` no more revisions are compared: on 3,000 pages each takes 10 s.
    """
    from validators.pdf_signing import trust
    from validators.pdf_signing.examine import examine

    deadline = time.monotonic() + seconds
    found = listed(path)
    reason = f"only the first {_MOST} signatures of a file are examined"
    rest = tuple(_unread(one, reason) for one in found[_MOST:])
    return Report(examine(path, found[:_MOST], deadline) + rest, trust.description())


def _examined(path: Path) -> Report:
    """Ask the child; what it cannot answer in time, or dies of, is `unreadable`."""
    try:
        # Half of what is left, so that there is time to tell of signatures that took it all.
        with budget(remaining() / 2, memory()):
            return isolate.call(Pool.LIBRARIES, examined, path, remaining() / 2)
    except (DamagedError, EmptyError, PasswordError):
        raise
    except FileError as error:
        reason = f"not examined: {error.detail}"
    found = isolate.call(Pool.LIBRARIES, listed, path)
    return Report(tuple(_unread(one, reason) for one in found), "unknown")


def _unread(one: Found, reason: str) -> Signature:
    return Signature(
        one.name, one.kind, SignatureStatus.UNREADABLE, reason, subfilter=one.subfilter
    )


def _facts(signatures: tuple[Signature, ...]) -> dict[str, Scalar]:
    """Return the facts that a policy may ask for; `signatures` itself is told by `pdf`."""
    counts = Counter(one.status for one in signatures)
    return {
        "signatures_valid": counts[SignatureStatus.VALID],
        "signatures_intact": sum(one.status.intact for one in signatures),
        "signatures_altered": counts[SignatureStatus.ALTERED],
        "signatures_changed_after": counts[SignatureStatus.CHANGED_AFTER],
        "signatures_partial": counts[SignatureStatus.PARTIAL],
        "signatures_unreadable": counts[SignatureStatus.UNREADABLE],
    }


def _message(one: Signature) -> Message:
    good = one.status is SignatureStatus.VALID
    return Message(_CODES[one.status], Severity.INFO if good else Severity.WARNING, shown(one))


_TIMES = {
    SignatureTime.TRUSTED: "by a trusted timestamp",
    SignatureTime.UNTRUSTED: "by a timestamp that is not trusted",
    SignatureTime.CLAIMED: "as the signer claims",
}


def shown(one: Signature) -> str:
    """Return a signature in one line of English, for events and the command line."""
    parts = [f"{one.kind} {one.field!r}: {one.status.value}"]
    if one.signer:
        parts.append(f"by {one.signer}")
    if one.time:
        parts.append(f"{one.time} {_TIMES.get(one.time_source, '')}".rstrip())
    if one.coverage.value != "unknown":
        later = f", later changes: {one.changes}" if one.changes not in ("", "none") else ""
        parts.append(f"covers: {one.coverage.value}{later}")
    parts.append(f"chain: {one.trust.value}")
    if one.digest_algorithm:
        parts.append(f"{one.subfilter}, {one.digest_algorithm}, {one.algorithm}")
    if one.certification:
        parts.append(f"certified, permits: {one.certification}")
    if one.reason:
        parts.append(one.reason)
    return "; ".join(parts)


VALIDATOR = PdfSignatures()
