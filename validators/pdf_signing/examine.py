# SPDX-License-Identifier: AGPL-3.0-or-later
"""Examine every signature of a PDF with pyHanko; runs in the child that reads files.

Long-term validation in the small (ETSI EN 319 102-1, 5.6): the newest document timestamp
is judged by now; if it is trusted, what it covers existed at its time, and is judged by
that, and so on back to the first signature.
"""

from __future__ import annotations

import logging
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from pipeline.core.signed import (
    Signature,
    SignatureStatus,
    SignatureTime,
    SignatureTrust,
)
from validators.pdf_signing import byte_range, cms
from validators.pdf_signing.changes import compared
from validators.pdf_signing.fields import Found
from validators.pdf_signing.trust import SIGNING, STAMPING, Evidence, chain

# What pyHanko, asn1crypto and cryptography raise on values that are not what they should
# be. Whatever else there is ends the call, and the file's signatures are `unreadable`.
_UNREADABLE = (
    PdfError, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, LookupError,
    AttributeError, AssertionError, NotImplementedError, RecursionError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip
_TRUST_STATUS = {
    SignatureTrust.TRUSTED: SignatureStatus.VALID,
    SignatureTrust.EXPIRED: SignatureStatus.INTACT_EXPIRED,
}
_PERMITTED = {
    MDPPerm.NO_CHANGES: "no_changes",
    MDPPerm.FILL_FORMS: "fill_forms",
    MDPPerm.ANNOTATE: "annotate",
}
_TEXT = 300


def examine(path: Path, found: tuple[Found, ...], deadline: float) -> tuple[Signature, ...]:
    """Return what is to be thought of each signature, in the order of `found`.

    After `deadline`, on the monotonic clock, no more revisions are compared.
    """
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    with path.open("rb") as stream:
        try:
            reader = _opened(stream)
        except _UNREADABLE as error:
            return tuple(unreadable(one, _said(error)) for one in found)
        evidence, note = Evidence(), ""
        try:
            evidence = _stored(reader)
        except _UNREADABLE as error:
            note = f"the document security store cannot be read ({_said(error)})"
        return _Examination(reader, stream, evidence, note, deadline).all(found)


def unreadable(one: Found, reason: str) -> Signature:
    """Return a signature of which only the field is known."""
    return Signature(
        one.name, one.kind, SignatureStatus.UNREADABLE, reason, subfilter=one.subfilter
    )


def _opened(stream: BinaryIO) -> Any:
    reader = PdfFileReader(stream, strict=False)
    if reader.encrypted and reader.decrypt("").status is AuthStatus.FAILED:
        raise ValueError("the document is encrypted and its password is not empty")
    return reader


def _stored(reader: Any) -> Evidence:
    """Return what the document security store holds (ISO 32000-2, 12.8.4.3)."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return Evidence()
    held = store.as_validation_context({"trust_roots": []})
    manager = held.revinfo_manager
    return Evidence(
        tuple(store.load_certs()),
        tuple(manager.crls),
        tuple(manager.ocsps),
    )


class _Examination:
    """One document's signatures, the newest first; `moment` is the time to judge them by."""

    def __init__(
        self, reader: Any, stream: BinaryIO, evidence: Evidence, note: str, deadline: float
    ) -> None:
        self.reader = reader
        self.stream = stream
        self.evidence = evidence
        self.note = note
        self.deadline = deadline
        self.moment = datetime.now(UTC)

    def all(self, found: tuple[Found, ...]) -> tuple[Signature, ...]:
        results: dict[int, Signature] = {}
        parsed: list[tuple[int, Any]] = []
        for number, one in enumerate(found):
            try:
                if one.subfilter not in cms.KNOWN:
                    kind = one.subfilter or "(none)"
                    raise ValueError(f"pyHanko does not verify signatures of kind {kind}")
                parsed.append((number, self._embedded(one)))
            except _UNREADABLE as error:
                results[number] = unreadable(one, _said(error))
        for number, embedded in sorted(parsed, key=lambda item: -item[1].signed_revision):
            one = found[number]
            try:
                results[number] = self._one(one, embedded)
            except byte_range.ReachesBeyondError as error:
                results[number] = replace(
                    unreadable(one, str(error)), status=SignatureStatus.ALTERED, intact=False
                )
            except _UNREADABLE as error:
                results[number] = unreadable(one, _said(error))
        return tuple(results[number] for number in range(len(found)))

    def _embedded(self, one: Found) -> Any:
        if not one.value[0]:
            raise ValueError("the signature is no object of its own")
        if one.field[0]:
            field = self.reader.get_object(generic.Reference(*one.field, self.reader))
        else:
            value = generic.IndirectObject(*one.value, self.reader)
            field = generic.DictionaryObject({generic.pdf_name("/V"): value})
        return EmbeddedPdfSignature(self.reader, field, one.name)

    def _one(self, one: Found, embedded: Any) -> Signature:
        span = byte_range.numbers(embedded.byte_range)
        covers = byte_range.coverage(self.stream, span, embedded.pkcs7_content)
        if one.kind == "timestamp":
            signed = cms.timestamp(embedded.signed_data, embedded.compute_digest)
        else:
            signed = cms.signature(embedded.signed_data, one.subfilter, embedded.compute_digest)
        told = Signature(
            one.name,
            one.kind,
            SignatureStatus.ALTERED,
            signer=signed.signer[:_TEXT],
            issuer=signed.issuer[:_TEXT],
            serial=f"{signed.certificate.serial_number:x}"[:_TEXT],
            subfilter=one.subfilter,
            digest_algorithm=signed.digest_algorithm,
            algorithm=signed.algorithm,
            intact=signed.intact,
            holds=signed.holds,
            certification=_certification(embedded) if one.certified else "",
        )
        told = compared(told, embedded, covers, self.deadline)
        if one.kind == "timestamp":
            return self._stamped(told, signed)
        return self._trusted(told, signed, embedded)

    def _stamped(self, told: Signature, signed: cms.Signed) -> Signature:
        """Add trust and time of a document timestamp; a trusted one proves what is older."""
        stamp = _iso(signed.time)
        if told.status is not SignatureStatus.INTACT_UNTRUSTED:
            return replace(told, time=stamp, time_source=SignatureTime.UNTRUSTED)
        trust, why = self._chain(signed, self.moment, signed.time, STAMPING)
        proven = trust is SignatureTrust.TRUSTED
        if proven and signed.time is not None:
            self.moment = min(self.moment, signed.time)
        return replace(
            told,
            time=stamp,
            time_source=SignatureTime.TRUSTED if proven else SignatureTime.UNTRUSTED,
            trust=trust,
            status=_TRUST_STATUS.get(trust, told.status),
            reason=why,
        )

    def _trusted(self, told: Signature, signed: cms.Signed, embedded: Any) -> Signature:
        """Add trust and time of a signature, judged by the earliest time that is proven."""
        claimed = cms.utc(embedded.self_reported_timestamp)
        source = SignatureTime.CLAIMED if claimed else SignatureTime.NONE
        told = replace(told, time=_iso(claimed), time_source=source)
        moment = self.moment
        stamp = cms.stamp_of(embedded.signed_data)
        if stamp is not None and stamp.time is not None and stamp.intact and stamp.holds:
            evidence = self.evidence.also(stamp.evidence)
            by, _ = chain(stamp.certificate, evidence, moment, STAMPING)
            proven = by is SignatureTrust.TRUSTED
            source = SignatureTime.TRUSTED if proven else SignatureTime.UNTRUSTED
            told = replace(told, time=_iso(stamp.time), time_source=source)
            moment = min(moment, stamp.time) if proven else moment
        if told.status is not SignatureStatus.INTACT_UNTRUSTED:
            return told
        trust, why = self._chain(signed, moment, claimed, SIGNING)
        return replace(told, trust=trust, status=_TRUST_STATUS.get(trust, told.status), reason=why)

    def _chain(
        self, signed: cms.Signed, moment: datetime, claimed: datetime | None, usage: Any
    ) -> tuple[SignatureTrust, str]:
        """Return the trust at a moment; EXPIRED only if it held at the time that is claimed."""
        evidence = self.evidence.also(signed.evidence)
        trust, why = chain(signed.certificate, evidence, moment, usage)
        if trust is SignatureTrust.EXPIRED:
            then, reason = SignatureTrust.UNTRUSTED, why
            if claimed is not None:
                then, reason = chain(signed.certificate, evidence, claimed, usage)
            if then is SignatureTrust.EXPIRED:
                then = SignatureTrust.UNTRUSTED
            trust, why = (trust, why) if then is SignatureTrust.TRUSTED else (then, reason)
        return trust, "; ".join(part for part in (why, self.note) if part)


def _certification(embedded: Any) -> str:
    return _PERMITTED.get(embedded.docmdp_level, "")


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else ""


def _said(error: object) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:_TEXT]
