# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the value of a signature says: who, with which algorithms, and whether it holds.

CMS (RFC 5652), timestamps by RFC 3161; the encodings of ISO 32000-2, 12.8.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto import core, tsp
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.general import (
    MultivaluedAttributeError,
    NonexistentAttributeError,
    extract_certificate_info,
    extract_signer_info,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter, validate_sig_integrity
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from validators.pdf_signing.trust import Evidence

DETACHED = frozenset({"adbe.pkcs7.detached", "ETSI.CAdES.detached", "PBAD.PAdES"})
SHA1 = "adbe.pkcs7.sha1"
STAMP = "ETSI.RFC3161"
KNOWN = DETACHED | {SHA1, STAMP}
_SHORT = {
    "common_name": "CN", "organization_name": "O", "organizational_unit_name": "OU",
    "country_name": "C", "locality_name": "L", "state_or_province_name": "ST",
    "serial_number": "serialNumber", "given_name": "GN", "surname": "SN",
    "email_address": "E",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signed:
    """A CMS value: its signer, and whether digest (`intact`) and signature (`holds`) fit."""

    certificate: Any
    evidence: Evidence
    digest_algorithm: str
    algorithm: str
    intact: bool
    holds: bool
    time: datetime | None = None

    @property
    def issuer(self) -> str:
        """The name of who issued the signer's certificate."""
        return _named(self.certificate.issuer)

    @property
    def signer(self) -> str:
        """The name of the signer's certificate."""
        return _named(self.certificate.subject)


def signature(data: Any, subfilter: str, digest: Callable[[str], bytes]) -> Signed:
    """Return what a signature says; `digest` gives that of the byte range by an algorithm.

    `data` is asn1crypto's SignedData. Raises ValueError, and what pyHanko raises for a
    value that is not as RFC 5652 wants it.
    """
    content = data["encap_content_info"]
    present = content["content"] is not core.VOID
    signer_info = extract_signer_info(data)
    algorithm = signer_info["digest_algorithm"]["algorithm"].native
    if subfilter == SHA1:
        # The value holds the SHA-1 digest of the range and signs that.
        held = content["content"].native if present else b""
        same = held == digest("sha1")
        return _signed(data, _hash(algorithm, held), same)
    if present:
        raise ValueError("a detached signature that holds content of its own")
    return _signed(data, digest(algorithm), True)


def timestamp(data: Any, digest: Callable[[str], bytes]) -> Signed:
    """Return what a timestamp token says; `digest` gives that of what it stamps."""
    content = data["encap_content_info"]["content"]
    info = content.parsed if isinstance(content, core.ParsableOctetString) else None
    if not isinstance(info, tsp.TSTInfo):
        raise TypeError("a timestamp without TSTInfo")
    imprint = info["message_imprint"]
    same = digest(imprint["hash_algorithm"]["algorithm"].native) == imprint["hashed_message"].native
    algorithm = extract_signer_info(data)["digest_algorithm"]["algorithm"].native
    found = _signed(data, _hash(algorithm, bytes(content)), same)
    return Signed(
        found.certificate, found.evidence, found.digest_algorithm, found.algorithm, found.intact,
        found.holds, utc(info["gen_time"].native),
    )  # fmt: skip


def stamp_of(data: Any) -> Signed | None:
    """Return the timestamp upon a signature (RFC 3161, appendix A), None without one."""
    signer_info = extract_signer_info(data)
    value = signer_info["signature"].native
    for token in extract_tst_data_iter(signer_info, signed=False):
        return timestamp(token, lambda algorithm: _hash(algorithm, value))
    return None


def utc(moment: datetime | None) -> datetime | None:
    """Return a time in UTC; one that names no zone is taken as UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _named(name: Any) -> str:
    """Return a distinguished name as RFC 4514 writes it, in the certificate's order."""
    parts = []
    for key, value in name.native.items():
        for one in value if isinstance(value, list) else [value]:
            parts.append(f"{_SHORT.get(key, key)}={one}")
    return ", ".join(parts)


def _signed(data: Any, digest: bytes, same: bool) -> Signed:
    parts = extract_certificate_info(data)
    signer_info = extract_signer_info(data)
    kind = data["encap_content_info"]["content_type"].native
    intact, holds = validate_sig_integrity(signer_info, parts.signer_cert, kind, digest)
    return Signed(
        parts.signer_cert,
        Evidence(tuple(parts.other_certs)).also(_archived(signer_info)),
        str(signer_info["digest_algorithm"]["algorithm"].native),
        str(signer_info["signature_algorithm"]["algorithm"].native),
        same and intact,
        holds,
    )


def _archived(signer_info: Any) -> Evidence:
    """Return the revocation information among the signed attributes (12.8.3.3.2)."""
    try:
        held = find_unique_cms_attribute(
            signer_info["signed_attrs"], "adobe_revocation_info_archival"
        )
    except (NonexistentAttributeError, MultivaluedAttributeError):
        return Evidence()
    return Evidence((), tuple(held["crl"] or ()), tuple(held["ocsp"] or ()))


def _hash(algorithm: str, data: bytes) -> bytes:
    running = hashes.Hash(get_pyca_cryptography_hash(algorithm))
    running.update(data)
    return running.finalize()
