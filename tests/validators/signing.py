# SPDX-License-Identifier: AGPL-3.0-or-later
"""Signed PDFs for the tests: a small authority of our own, and pyHanko's signer."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from asn1crypto import crl, keys
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

from pipeline.core.records import Outcome, Signature, ValidationResult, Verdict
from pipeline.demo.signing import signed as demo_signed
from tests.contract.samples import pdf
from validators.pdf_signatures import VALIDATOR

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Party:
    """A key and its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def asn1(self) -> asn1.Certificate:
        return asn1.Certificate.load(self.der)

    @property
    def asn1_key(self) -> keys.PrivateKeyInfo:
        return keys.PrivateKeyInfo.load(
            self.key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def party(
    name: str, by: Party | None = None, *, kind: str = "signer",
    start: datetime = NOW - timedelta(days=3650), end: datetime = NOW + timedelta(days=3650),
    rsa_key: bool = False,
) -> Party:  # fmt: skip
    """Return a new key with a certificate by another, or by itself; kind: ca, signer, tsa."""
    key: Any = ec.generate_private_key(ec.SECP256R1())
    if kind == "tsa" or rsa_key:
        # The only kind that pyHanko's timestamper for tests can sign with.
        key = rsa.generate_private_key(65537, 2048)
    called = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ängelholms kommun"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(by.certificate.subject if by else called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=kind == "ca", path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=kind != "ca", content_commitment=kind == "signer",
                key_encipherment=False, data_encipherment=False, key_agreement=False,
                key_cert_sign=kind == "ca", crl_sign=kind == "ca", encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
    if kind == "tsa":
        use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(use, critical=True)
    return Party(key, builder.sign((by or Party(key, None)).key, hashes.SHA256()))  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def authority() -> Party:
    return party("Ängelholms rot", kind="ca")


@lru_cache(maxsize=1)
def clerk() -> Party:
    return party("Åsa Öst", authority())


@lru_cache(maxsize=1)
def expired() -> Party:
    return party(
        "Gammal Nämnd", authority(), start=NOW - timedelta(days=900),
        end=NOW - timedelta(days=300),
    )  # fmt: skip


@lru_cache(maxsize=1)
def clock() -> Party:
    return party("Tidsstämplaren", authority(), kind="tsa")


def stamper(when: datetime | None = None) -> DummyTimeStamper:
    one = clock()
    store = SimpleCertificateStore.from_certs([authority().asn1])
    return DummyTimeStamper(one.asn1, one.asn1_key, store, fixed_dt=when)


class Pen(signers.PdfSigner):
    """Signs with a clock that may be wrong."""

    claimed: datetime | None = None

    def init_signing_session(self, *args: Any, **named: Any) -> Any:
        session = super().init_signing_session(*args, **named)
        session.system_time = self.claimed or session.system_time
        return session


def sign(
    data: bytes,
    field: str = "Underskrift",
    *,
    by: Party | None = None,
    subfilter: SigSeedSubFilter = SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
    stamped: DummyTimeStamper | None = None,
    certify: fields.MDPPerm | None = None,
    password: str | None = None,
    claimed: datetime | None = None,
) -> bytes:
    """Return a PDF with one more signature, as an incremental update; `claimed`: its time."""
    who = by or clerk()
    signer = signers.SimpleSigner(
        who.asn1, who.asn1_key, SimpleCertificateStore.from_certs([authority().asn1])
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    if password is not None:
        writer.encrypt(password)
    asked = signers.PdfSignatureMetadata(
        field_name=field,
        subfilter=subfilter,
        certify=certify is not None,
        docmdp_permissions=certify or fields.MDPPerm.FILL_FORMS,
    )
    out = io.BytesIO()
    pen = Pen(asked, signer, timestamper=stamped)
    pen.claimed = claimed
    pen.sign_pdf(writer, output=out)
    return out.getvalue()


def stamp(data: bytes, when: datetime | None = None) -> bytes:
    """Return a PDF with a document timestamp."""
    out = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    signers.PdfTimeStamper(stamper(when)).timestamp_pdf(writer, "sha256", output=out)
    return out.getvalue()


def sha1_signed() -> bytes:
    """Return a PDF signed the old way: the value holds the SHA-1 digest of the range."""
    data = demo_signed(pdf()).replace(b"/adbe.pkcs7.detached", b"/adbe.pkcs7.sha1    ")
    (old,) = re.findall(rb"<([0-9a-f]{1000,})>", data)
    start = data.index(old)
    span = hashlib.sha1(data[: start - 1] + data[start + len(old) + 1 :]).digest()
    one = party("Gammalt Program", authority(), rsa_key=True)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(span)
    made = builder.add_signer(one.certificate, one.key, hashes.SHA256()).sign(
        serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary]
    )
    return data.replace(old, made.hex().encode().ljust(len(old), b"0"))


def revoking(one: Party, since: datetime, by: Party | None = None) -> bytes:
    """Return a revocation list of the authority, or of another, as DER."""
    who = by or authority()
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(one.certificate.serial_number)
        .revocation_date(since)
        .build()
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(who.certificate.subject)
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + timedelta(days=30))
        .add_revoked_certificate(entry)
    )
    return builder.sign(who.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def with_list(data: bytes, revoked: bytes) -> bytes:
    """Return a PDF with a revocation list in its document security store."""
    held = crl.CertificateList.load(revoked)

    def store(writer: IncrementalPdfFileWriter) -> None:
        DocumentSecurityStore.supply_dss_in_writer(writer, None, crls=[held])

    return updated(data, store)


def updated(data: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """Return a PDF after an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def trust(folder: Path, *parties: Party) -> Path:
    """Write a trust list; return its folder."""
    folder.mkdir(exist_ok=True)
    for number, one in enumerate(parties):
        (folder / f"{number}.pem").write_bytes(one.pem)
    return folder


def signed() -> bytes:
    """Return a PDF with one signature by the clerk."""
    return sign(pdf())


def judge(tmp_path: Path, data: bytes) -> ValidationResult:
    """Return the judgement of a file that is left alone and never barred."""
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    before = (hashlib.sha256(data).hexdigest(), path.stat().st_mtime_ns)
    result = VALIDATOR.validate(path)
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
    # Whatever is found: a signature never bars its file.
    assert result.outcome is Outcome.OK
    assert result.verdict is not Verdict.INVALID
    return result


def one(tmp_path: Path, data: bytes) -> Signature:
    """Return the one signature of a file."""
    (found,) = judge(tmp_path, data).signatures
    return found
