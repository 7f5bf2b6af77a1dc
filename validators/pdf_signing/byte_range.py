# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a signature's byte range covers, read from the file's bytes (ISO 32000-2, 12.8.1).

The range must leave out the signature's own value and nothing else. pyHanko compares
lengths; here the gap itself is read, since whoever can make a gap larger than the value,
or place the value elsewhere, has room for content that nobody signed (Mladenov et al.,
"1 Trillion Dollar Refund: How To Spoof PDF Signatures", CCS 2019).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO

from pipeline.core.signed import SignatureCoverage

_HEX = frozenset(b"0123456789abcdefABCDEF")
_SPACE = b"\0\t\n\f\r "
_MOST = 4 << 20  # bytes of a gap: a signature with all of its revocation lists has some 100 KiB


class ReachesBeyondError(ValueError):
    """A byte range names bytes that the file does not have."""


def numbers(value: object) -> tuple[int, ...]:
    """Return a byte range as offsets and lengths in bytes. Raises ValueError, TypeError."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise TypeError("ByteRange is no array")
    if len(value) < 2 or len(value) % 2 or len(value) > 64:
        raise ValueError(f"ByteRange has {len(value)} numbers")
    if not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in value):
        raise ValueError("ByteRange holds what is no positive whole number")
    return tuple(int(one) for one in value)


def coverage(stream: BinaryIO, span: Sequence[int], contents: bytes) -> SignatureCoverage:
    """Return FILE, REVISION (from the first byte to where something was added) or UNCLEAR.

    `span` as from `numbers`, `contents` the signature's value. Raises ReachesBeyondError.
    """
    size = stream.seek(0, os.SEEK_END)
    for start, length in zip(span[::2], span[1::2], strict=True):
        if start + length > size:
            raise ReachesBeyondError(f"ByteRange ends at {start + length}, the file at {size}")
    if len(span) != 4 or span[0] != 0:
        return SignatureCoverage.UNCLEAR
    _, before, start, length = span
    if not 2 <= start - before <= _MOST or not before or not length:
        return SignatureCoverage.UNCLEAR
    stream.seek(before)
    gap = stream.read(start - before)
    if not _is_value(gap, contents):
        return SignatureCoverage.UNCLEAR
    return SignatureCoverage.FILE if start + length == size else SignatureCoverage.REVISION


def _is_value(gap: bytes, contents: bytes) -> bool:
    """Whether a gap is that value as a hexadecimal string (7.3.4.3) and nothing else."""
    if gap[:1] != b"<" or gap[-1:] != b">":
        return False
    digits = gap[1:-1].translate(None, _SPACE)
    if not set(digits) <= _HEX:
        return False
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii")) == contents
