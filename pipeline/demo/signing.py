# SPDX-License-Identifier: AGPL-3.0-or-later
"""A PDF signature (ISO 32000-1, 12.8) by a key that is made from a phrase.

The key protects nothing; it is the same each time so that the delivery is. The signature
is a real one: PKCS #7, detached, over the file's byte range.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

_ROOM = 4096  # bytes kept for the signature
_RANGE = 1111111111  # a number as wide as any that will stand in its place


def signed(data: bytes) -> bytes:
    """Return a PDF with one signature over all of it."""
    out = BytesIO()
    with pikepdf.open(BytesIO(data)) as document:
        signature = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Sig,
                Filter=pikepdf.Name("/Adobe.PPKLite"),
                SubFilter=pikepdf.Name("/adbe.pkcs7.detached"),
                Name=pikepdf.String("Exempelkommun"),
                M=pikepdf.String("D:20240314093000Z"),
                ByteRange=pikepdf.Array([0, _RANGE, _RANGE, _RANGE]),
                Contents=pikepdf.String(b"\0" * _ROOM),
            )
        )
        field = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Widget,
                FT=pikepdf.Name.Sig,
                T=pikepdf.String("Underskrift"),
                V=signature,
                F=132,
                Rect=pikepdf.Array([0, 0, 0, 0]),
                P=document.pages[0].obj,
            )
        )
        page = document.pages[0].obj
        page.Annots = pikepdf.Array([*page.get(pikepdf.Name.Annots, []), field])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]), SigFlags=3)
        modes = {"object_stream_mode": pikepdf.ObjectStreamMode.disable}
        document.save(out, deterministic_id=True, **modes)
    return _filled(out.getvalue())


def _filled(data: bytes) -> bytes:
    """Put byte range and signature where room was left for them."""
    zeros = b"<" + b"00" * _ROOM + b">"
    start = data.index(zeros)
    end = start + len(zeros)
    old = b"0 %d %d %d" % (_RANGE, _RANGE, _RANGE)
    new = b"0 %d %d %d" % (start, end, len(data) - end)
    data = data.replace(old, new.ljust(len(old)), 1)
    key, certificate = _identity()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data[:start] + data[end:])
    # Without attributes there is no time of signing, which would be that of the run.
    made = builder.add_signer(certificate, key, hashes.SHA256()).sign(
        serialization.Encoding.DER,
        [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.NoAttributes,
         pkcs7.PKCS7Options.Binary],
    )  # fmt: skip
    value = b"<" + made.hex().encode().ljust(2 * _ROOM, b"0") + b">"
    return data[:start] + value + data[end:]


@lru_cache(maxsize=1)
def _identity() -> tuple[Any, Any]:
    """Return a key and a certificate that it signs itself."""
    p, q = _prime("first"), _prime("second")
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    key = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public
    ).private_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Exempelkommun, demo")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2034, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _prime(phrase: str) -> int:
    """Return the first probable prime of 1024 bits from a number made of a phrase."""
    parts = (hashlib.sha512(f"{phrase} {n}".encode()).digest() for n in range(2))
    number = int.from_bytes(b"".join(parts), "big") | (3 << 1022) | 1
    while any(pow(base, number - 1, number) != 1 for base in (2, 3, 5, 7)):
        number += 2
    return number
