# SPDX-License-Identifier: AGPL-3.0-or-later
"""A Type 1 font program gets another number, and nothing else."""

from __future__ import annotations

from migrators.libreoffice.type1 import _decrypted, _encrypted, numbered

TRAILER = b"0" * 512 + b"cleartomark"


def program(number: int) -> tuple[bytes, int, int]:
    head = b"%%!FontType1-1.0: Test\n/UniqueID %d def\ncurrentfile eexec\n" % number
    body = _encrypted(b"RND!dup /Private 8 dict\n/UniqueID %d def\n/Subrs 5 array" % number)
    return head + body + TRAILER, len(head), len(body)


def test_two_counts_become_one() -> None:
    first = numbered(*program(4_100_003), 0)
    assert first == numbered(*program(4_100_017), 0)
    assert first != numbered(*program(4_100_003), 1)


def test_the_rest_stays() -> None:
    data, clear, encrypted = program(4_100_003)
    settled = numbered(data, clear, encrypted, 7)
    assert len(settled) == len(data)
    assert settled.endswith(TRAILER)
    body = _decrypted(settled[clear : clear + encrypted])
    assert body == b"RND!dup /Private 8 dict\n/UniqueID 4100007 def\n/Subrs 5 array"
    assert numbered(data, clear, encrypted, 4) == numbered(settled, clear, encrypted, 4)


def test_a_font_without_a_number_is_left_alone() -> None:
    assert numbered(b"no such font", 5, 7, 1) == b"no such font"
