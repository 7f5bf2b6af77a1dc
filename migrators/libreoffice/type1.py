# SPDX-License-Identifier: AGPL-3.0-or-later
"""Number LibreOffice's Type 1 subsets by their place in the document.

LibreOffice gives each subset that it makes of an OpenType (CFF) font the next /UniqueID of
a counter that runs as long as the program: the same document got other bytes according
to what had been converted before. The number stands twice, the second time in the
encrypted part. Adobe Type 1 Font Format, chapters 5.3 (UniqueID) and 7.3 (eexec).
"""

from __future__ import annotations

import re

_FIRST = 4_100_000  # of the range that LibreOffice counts in: always seven digits
_NUMBER = re.compile(rb"(?<=/UniqueID )\d{7}(?= )")
_KEY, _C1, _C2 = 55665, 52845, 22719


def numbered(program: bytes, clear: int, encrypted: int, place: int) -> bytes:
    """Return a Type 1 font program of the same length, its UniqueID set by `place`.

    `clear` and `encrypted` are the lengths of its first two parts (/Length1, /Length2).
    What has no UniqueID is returned as it is.
    """
    head, body = program[:clear], program[clear : clear + encrypted]
    if not _NUMBER.search(head):
        return program
    number = str(_FIRST + place).encode()
    settled = _encrypted(_NUMBER.sub(number, _decrypted(body)))
    return _NUMBER.sub(number, head) + settled + program[clear + encrypted :]


def _decrypted(data: bytes) -> bytes:
    key, clear = _KEY, bytearray()
    for byte in data:
        clear.append(byte ^ (key >> 8))
        key = ((byte + key) * _C1 + _C2) & 0xFFFF
    return bytes(clear)


def _encrypted(data: bytes) -> bytes:
    key, cipher = _KEY, bytearray()
    for byte in data:
        coded = byte ^ (key >> 8)
        cipher.append(coded)
        key = ((coded + key) * _C1 + _C2) & 0xFFFF
    return bytes(cipher)
