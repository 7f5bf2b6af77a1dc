# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is told of a digital signature: plain values, as in `pipeline.core.records`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SignatureStatus(StrEnum):
    """What is to be thought of a digital signature, best first."""

    VALID = "valid"  # intact, and its chain leads to the trust list
    INTACT_EXPIRED = "intact_expired"  # leads there, but expired, and no timestamp proves its age
    INTACT_UNTRUSTED = "intact_untrusted"  # intact, but whose it is cannot be trusted
    PARTIAL = "partial"  # what it covers is intact, but that is not the document
    CHANGED_AFTER = "changed_after"  # intact, but changed since by more than it permits
    UNREADABLE = "unreadable"  # it cannot be parsed, or the program does not know its kind
    ALTERED = "altered"  # what was signed, or the signature, is not what it was

    @property
    def intact(self) -> bool:
        """Whether what was signed is proven to be what it was, and the document is that."""
        return self in _INTACT

    @property
    def event(self) -> str:
        """The word of a PREMIS event for it: success, warning or failure."""
        if self is SignatureStatus.VALID:
            return "success"
        return "failure" if self in _FAILED else "warning"


_INTACT = frozenset(
    {SignatureStatus.VALID, SignatureStatus.INTACT_EXPIRED, SignatureStatus.INTACT_UNTRUSTED}
)
_FAILED = frozenset({SignatureStatus.UNREADABLE, SignatureStatus.ALTERED})


class SignatureTrust(StrEnum):
    """How a signer's chain of certificates stands to the operator's trust list."""

    TRUSTED = "trusted"
    EXPIRED = "expired"  # trusted at the time that is claimed, which nothing proves
    REVOKED = "revoked"
    UNTRUSTED = "untrusted"
    NO_LIST = "no_list"  # no trust list is configured
    UNKNOWN = "unknown"  # not asked: the signature is not intact, or there is no certificate


class SignatureTime(StrEnum):
    """Who says when it was signed."""

    TRUSTED = "timestamp"  # a timestamp whose authority is in the trust list
    UNTRUSTED = "timestamp_untrusted"
    CLAIMED = "claimed"  # the signer's own clock
    NONE = "none"


class SignatureCoverage(StrEnum):
    """What a signature's byte range covers."""

    FILE = "file"
    REVISION = "revision"  # the file as it was when signed; something was added since
    UNCLEAR = "unclear"  # neither: it leaves bytes of the document unsigned
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signature:
    """A digital signature within a file, and what was found of it.

    `kind` is signature or timestamp; `time` is ISO 8601 in UTC, "" where none is told.
    `intact`: the digest of what it covers is the one that was signed; `holds`: the
    signature fits the signer's key. `changes` names what later revisions do (none,
    lta_updates, form_filling, annotations, other; "" where not asked), `certification`
    what the author permits (DocMDP: no_changes, fill_forms, annotate; "" where nothing).
    """

    field: str
    kind: str
    status: SignatureStatus
    reason: str = ""
    signer: str = ""
    issuer: str = ""
    serial: str = ""
    time: str = ""
    time_source: SignatureTime = SignatureTime.NONE
    subfilter: str = ""
    digest_algorithm: str = ""
    algorithm: str = ""
    intact: bool | None = None
    holds: bool | None = None
    trust: SignatureTrust = SignatureTrust.UNKNOWN
    coverage: SignatureCoverage = SignatureCoverage.UNKNOWN
    changes: str = ""
    certification: str = ""
