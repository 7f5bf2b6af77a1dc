# SPDX-License-Identifier: AGPL-3.0-or-later
"""Certificates for a cluster: an authority of its own, and a certificate for each node.

Dask proves both sides of a connection by the authority, not by host name: whoever holds a
key that this authority signed belongs to the cluster (docs.dask.org, "TLS/SSL"). So the
authority's own key signs once and is best kept away from the nodes.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipeline.core.errors import ConfigError

NODE = "node"  # name of the certificate that a machine uses, in the folder it is given
_CA = "ca"
_EARLIER = timedelta(hours=1)  # clocks of nodes differ


def make(folder: Path, nodes: tuple[str, ...] = (), days: int = 825) -> list[Path]:
    """Make an authority and certificates in `folder`; return the files made.

    Without `nodes` one pair, `node.pem`, for all machines; else `NAME/` for each, with its
    own pair and the authority's certificate, to be copied to that machine. What exists is
    kept: called again, the same authority signs further nodes. Raises ConfigError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made: list[Path] = []
        if not (folder / f"{_CA}.pem").exists():
            made += _authority(folder, days)
        places = [folder / name for name in nodes] or [folder]
        for place in places:
            if (place / f"{NODE}.pem").exists():
                continue
            place.mkdir(mode=0o700, exist_ok=True)
            made += _node(folder, place, days)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}") from error
    return made


def _authority(folder: Path, days: int) -> list[Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("SkånEarkiv cluster authority")
    public = key.public_key()
    certificate = (
        _builder(name, name, public, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return [_write_key(folder / f"{_CA}-key.pem", key), _write(folder / f"{_CA}.pem", certificate)]


def _node(folder: Path, place: Path, days: int) -> list[Path]:
    try:
        authority = x509.load_pem_x509_certificate((folder / f"{_CA}.pem").read_bytes())
        signing = serialization.load_pem_private_key(
            (folder / f"{_CA}-key.pem").read_bytes(), password=None
        )
    except ValueError as error:
        raise ConfigError(f"{folder}: the authority cannot be read: {error}") from error
    if not isinstance(signing, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{folder / f'{_CA}-key.pem'} is not a key that this command made")
    key = ec.generate_private_key(ec.SECP256R1())
    title = place.name if place != folder else "node"
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        _builder(_name(title), authority.subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_ascii(title))]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
            critical=False,
        )
        .sign(signing, hashes.SHA256())
    )
    made = [
        _write_key(place / f"{NODE}-key.pem", key),
        _write(place / f"{NODE}.pem", certificate),
    ]
    if place != folder:
        made.append(_write(place / f"{_CA}.pem", authority))
    return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _ascii(text: str) -> str:
    return text.encode("idna").decode() if not text.isascii() else text


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates,
        crl_sign=signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Never readable by others, not even for the moment between making and chmod.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    return path


def _write(path: Path, certificate: x509.Certificate) -> Path:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path
