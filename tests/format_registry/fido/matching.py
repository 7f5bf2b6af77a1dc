# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bytes that an expression matches, made by walking its parse tree."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from format_registry.fido.literals import op, parser
from format_registry.fido.model import SignatureSet

_LONGEST = 40


def expressions(*sets: SignatureSet) -> list[bytes]:
    """Return every expression of some sets, of signatures and inner files."""
    patterns = {one for each in sets for sig in each.signatures for one in sig.patterns}
    for each in sets:
        files = (file for container in each.containers for file in container.files)
        patterns |= {one for file in files for some in file.signatures for one in some}
    return sorted({step.expression for one in patterns for step in one.steps})


def matching(expression: bytes, random: Random) -> bytes | None:
    """Return bytes that an expression matches in full, None where none were found."""
    tree = parser.parse(expression.decode("latin-1"), re.DOTALL)
    whole = re.compile(expression, re.DOTALL)
    for _ in range(50):
        found = _walk(tree, random)
        if whole.fullmatch(found):
            return found
    return None


def _walk(tree: Any, random: Random) -> bytes:
    return b"".join(_one(code, value, random) for code, value in tree)


def _one(code: Any, value: Any, random: Random) -> bytes:
    if code is op.LITERAL:
        return bytes([value])
    if code is op.NOT_LITERAL:
        return bytes([random.choice([byte for byte in range(256) if byte != value])])
    if code is op.ANY:
        return random.randbytes(1)
    if code is op.IN:
        return bytes([random.choice(_members(value))])
    if code is op.SUBPATTERN:
        return _walk(value[3], random)
    if code is op.BRANCH:
        return _walk(random.choice(value[1]), random)
    if code in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, tree = value
        times = random.choice([least, min(int(most), int(least) + random.randrange(_LONGEST))])
        return b"".join(_walk(tree, random) for _ in range(times))
    assert code is op.ASSERT_NOT, code
    return b""


def _members(value: Any) -> list[int]:
    found: set[int] = set()
    negated = False
    for code, one in value:
        if code is op.NEGATE:
            negated = True
        elif code is op.LITERAL:
            found.add(one)
        else:
            assert code is op.RANGE, code
            found.update(range(one[0], one[1] + 1))
    return sorted(set(range(256)) - found if negated else found)
