# SPDX-License-Identifier: AGPL-3.0-or-later
"""Does a certificate's chain lead to the operator's trust list? RFC 5280, offline.

Nothing is fetched: certificates, revocation lists and OCSP answers are those that the
file itself carries (ISO 32000-2, 12.8.4.3; ETSI EN 319 142-1).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from asn1crypto import x509
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    CRLValidationError,
    ExpiredError,
    InsufficientRevinfoError,
    OCSPValidationError,
    PathError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from pipeline.config import trust
from pipeline.core.signed import SignatureTrust

VARIABLE = "SKANEARKIV_SIGNATURE_TRUST"
# Either says that the key may sign documents; many an authority sets only the first.
SIGNING = KeyUsageConstraints(key_usage=frozenset({"digital_signature", "non_repudiation"}))
STAMPING = KeyUsageConstraints(extd_key_usage=frozenset({"time_stamping"}))
_IF_NAMED = RevocationCheckingRule.CHECK_IF_DECLARED_SOFT
_DEMANDED = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file carries for the judgement of its signers: asn1crypto's objects."""

    certificates: tuple[Any, ...] = ()
    crls: tuple[Any, ...] = ()
    ocsps: tuple[Any, ...] = ()

    def also(self, other: Evidence) -> Evidence:
        """Return both together."""
        return Evidence(
            self.certificates + other.certificates,
            self.crls + other.crls,
            self.ocsps + other.ocsps,
        )


def anchors() -> tuple[Any, ...]:
    """Return the certificates of the trust list. Raises ConfigError."""
    return _anchors(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=2)
def _anchors(value: str) -> tuple[Any, ...]:
    ders = trust.load(json.loads(value)) if value else ()
    return tuple(x509.Certificate.load(one) for one in ders)


def description() -> str:
    """Return the trust list in a few words that tell it from any other. Raises ConfigError."""
    ders = sorted(one.dump() for one in anchors())
    if not ders:
        return "none"
    return f"{len(ders)} certificates, SHA-256 {hashlib.sha256(b''.join(ders)).hexdigest()}"


def chain(
    certificate: Any, evidence: Evidence, moment: datetime, usage: KeyUsageConstraints
) -> tuple[SignatureTrust, str]:
    """Return how a certificate stands to the trust list at a moment, and why not better."""
    if not anchors():
        return SignatureTrust.NO_LIST, "no trust list is configured"
    try:
        usage.validate(certificate)
        asyncio.run(_validate(certificate, evidence, moment, _IF_NAMED))
        _look_for_revocation(certificate, evidence, moment)
    except RevokedError as error:
        return SignatureTrust.REVOKED, _said(error)
    except ExpiredError as error:
        return SignatureTrust.EXPIRED, _said(error)
    except (PathError, ValidationError, CRLValidationError, OCSPValidationError) as error:
        return SignatureTrust.UNTRUSTED, _said(error)
    return SignatureTrust.TRUSTED, ""


def _look_for_revocation(certificate: Any, evidence: Evidence, moment: datetime) -> None:
    """Raise RevokedError where the file carries it of a signer whose certificate names no source.

    Without an address of a list or of an OCSP responder in the certificate, what the file
    carries is only looked at if an answer is demanded; that there is none is no fault.
    """
    if evidence.crls or evidence.ocsps:
        with suppress(InsufficientRevinfoError):
            asyncio.run(_validate(certificate, evidence, moment, _DEMANDED))


async def _validate(
    certificate: Any, evidence: Evidence, moment: datetime, rule: RevocationCheckingRule
) -> None:
    # What the file does not carry cannot be asked for; what it carries counts, also where
    # it was issued after the moment, as it always is where it was added later.
    policy = RevocationCheckingPolicy(rule, _IF_NAMED)
    context = ValidationContext(
        trust_roots=list(anchors()),
        other_certs=evidence.certificates,
        crls=evidence.crls,
        ocsps=evidence.ocsps,
        moment=moment,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(policy, retroactive_revinfo=True),
    )
    await CertificateValidator(certificate, validation_context=context).async_validate_path()


def _said(error: Exception) -> str:
    parts: Sequence[object] = error.args[:1] or (type(error).__name__,)
    return " ".join(str(parts[0]).split())[:300]
