# SPDX-License-Identifier: AGPL-3.0-or-later
"""PRONOM's notation for byte sequences, to regular expressions over bytes.

The notation is that of DROID's two signature files (The National Archives, "Automatic
Format Identification Using PRONOM and DROID", section 3; byteseek's syntax for what the
container file adds): hex bytes, 'text', [a:b] and [!a] sets, &bits and ~bits masks,
(a|b) alternatives, ?? any byte, {n} and {n-m} gaps, * any distance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from format_registry.fido.model import Step

_HEX = re.compile(r"[0-9A-Fa-f]{2}")
_GAP = re.compile(r"\{\s*(\d+)\s*(?:-\s*(\d+|\*)\s*)?\}")
# Python's own bound on a repetition is 2**32 - 1; no window is larger than this.
LONGEST_GAP = 1 << 31


class SequenceError(ValueError):
    """A byte sequence that does not follow the notation."""


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at] if self.at < len(self.text) else ""

    def until(self, end: str) -> str:
        """Return what stands between the present character and `end`, and step over both."""
        stop = self.text.find(end, self.at + 1)
        if stop < 0:
            raise SequenceError(f"no closing {end} in {self.text[:80]!r}")
        found = self.text[self.at + 1 : stop]
        self.at = stop + 1
        return found

    def byte(self) -> int:
        match = _HEX.match(self.text, self.at)
        if match is None:
            raise SequenceError(f"no byte at {self.at} of {self.text[:80]!r}")
        self.at = match.end()
        return int(match.group(), 16)


def exactly(count: int) -> bytes:
    """Return the expression for any `count` bytes."""
    return b"" if not count else b"." if count == 1 else b".{%d}" % count


def checked(low: int, high: int | None) -> tuple[int, int | None]:
    """Return the bounds of a gap. Raises SequenceError where they cannot be."""
    if low < 0 or (high is not None and high < low) or max(low, high or 0) > LONGEST_GAP:
        raise SequenceError(f"a gap of {low} to {high} bytes")
    return low, high


def join(left: Sequence[Step], low: int, high: int | None, right: Sequence[Step]) -> list[Step]:
    """Return two sequences as one, `low` to `high` bytes apart; the bounds of `right` go."""
    low, high = checked(low, high)
    first = right[0]
    if low == high and left:
        middle = left[-1].expression + exactly(low) + first.expression
        return [*left[:-1], Step(left[-1].low, left[-1].high, middle), *right[1:]]
    return [*left, Step(low, high, first.expression), *right[1:]]


def steps(text: str) -> list[Step]:
    """Return a sequence as steps, the first of which begins where the sequence does.

    Raises SequenceError.
    """
    reader = _Reader(text)
    found: list[Step] = []
    low: int = 0
    high: int | None = 0
    body = b""
    while symbol := reader.peek():
        if symbol not in "*{":
            body += _element(reader, symbol)
            continue
        least, most = _gap(reader, symbol)
        if least == most:
            body += exactly(least)
            continue
        if not body:
            raise SequenceError(f"nothing before a gap in {text[:80]!r}")
        found.append(Step(low, high, body))
        low, high, body = least, most, b""
    if not body:
        raise SequenceError(f"nothing to look for in {text[:80]!r}")
    return [*found, Step(low, high, body)]


def _gap(reader: _Reader, symbol: str) -> tuple[int, int | None]:
    if symbol == "*":
        reader.at += 1
        return 0, None
    match = _GAP.match(reader.text, reader.at)
    if match is None:
        raise SequenceError(f"no gap at {reader.at} of {reader.text[:80]!r}")
    reader.at = match.end()
    low, high = int(match[1]), match[2]
    return checked(low, None if high == "*" else low if high is None else int(high))


def expression(text: str) -> bytes:
    """Return a sequence that has no `*` as one expression. Raises SequenceError."""
    found = steps(text)
    body = found[0].expression
    for one in found[1:]:
        if one.high is None:
            raise SequenceError(f"a * where none may be: {text[:80]!r}")
        body += b".{%d,%d}?" % (one.low, one.high) + one.expression
    return body


def _element(reader: _Reader, symbol: str) -> bytes:
    if symbol in "'\"":
        return re.escape(reader.until(symbol).encode("utf-8"))
    if symbol == "[":
        return _set(_bracketed(reader))
    if symbol == "(":
        return b"(?:" + b"|".join(expression(one) for one in _choices(reader)) + b")"
    if symbol == "?":
        if not reader.text.startswith("??", reader.at):
            raise SequenceError(f"a single ? in {reader.text[:80]!r}")
        reader.at += 2
        return b"."
    if symbol in "&~":
        reader.at += 1
        return _one_of(_mask(symbol, reader.byte()))
    return re.escape(bytes([reader.byte()]))


def _bracketed(reader: _Reader) -> str:
    """Return the inside of [ ], within which a quoted text may hold a bracket."""
    quoted, start = False, reader.at + 1
    for at in range(start, len(reader.text)):
        symbol = reader.text[at]
        if symbol == "'":
            quoted = not quoted
        elif symbol == "]" and not quoted:
            reader.at = at + 1
            return reader.text[start:at]
    raise SequenceError(f"no closing ] in {reader.text[:80]!r}")


def _choices(reader: _Reader) -> list[str]:
    """Return the alternatives between ( and its ), which may hold further ones."""
    depth, quoted, start, found = 0, False, reader.at + 1, []
    for at in range(reader.at, len(reader.text)):
        symbol = reader.text[at]
        if symbol == "'":
            quoted = not quoted
        if quoted:
            continue
        depth += (symbol == "(") - (symbol == ")")
        if depth == 0 or (depth == 1 and symbol == "|"):
            found.append(reader.text[start:at])
            start = at + 1
        if depth == 0:
            reader.at = at + 1
            return found
    raise SequenceError(f"no closing ) in {reader.text[:80]!r}")


def _set(inside: str) -> bytes:
    """Return one byte of a set, or for longer values a range or exclusion of those."""
    text = inside.strip()
    negated = text[:1] in ("!", "^")
    if negated:
        text = text[1:].strip()
    reader = _Reader(text)
    values: set[int] = set()
    while symbol := reader.peek():
        if symbol in "&~":
            reader.at += 1
            values |= _mask(symbol, reader.byte())
            continue
        low = _value(reader, symbol)
        if (mark := reader.peek()) and mark in ":-":
            reader.at += 1
            high = _value(reader, reader.peek())
            if len(low) != len(high) or low > high:
                raise SequenceError(f"a range from {low.hex()} to {high.hex()}")
            if len(low) == 1:
                values |= set(range(low[0], high[0] + 1))
            elif reader.peek() or values:
                raise SequenceError(f"a range of several bytes beside others: {inside[:80]!r}")
            else:
                return _wide(_between(low, high), len(low), negated=negated)
        elif negated and len(low) > 1 and not values and not reader.peek():
            return _wide(re.escape(low), len(low), negated=True)
        else:
            values |= set(low)
    if not values:
        raise SequenceError("an empty set")
    return _one_of(set(range(256)) - values if negated else values)


def _wide(body: bytes, width: int, *, negated: bool) -> bytes:
    return b"(?!" + body + b")" + exactly(width) if negated else b"(?:" + body + b")"


def _value(reader: _Reader, symbol: str) -> bytes:
    if symbol in ("'", '"'):
        return reader.until(symbol).encode("utf-8")
    found = bytearray([reader.byte()])
    while _HEX.match(reader.text, reader.at):
        found.append(reader.byte())
    return bytes(found)


def _between(low: bytes, high: bytes) -> bytes:
    """Return the values from `low` to `high` of the same length, first byte most significant."""
    if len(low) == 1:
        return _one_of(set(range(low[0], high[0] + 1)))
    first = re.escape(low[:1])
    if low[0] == high[0]:
        return first + b"(?:" + _between(low[1:], high[1:]) + b")"
    rest = len(low) - 1
    choices = [first + b"(?:" + _between(low[1:], b"\xff" * rest) + b")"]
    if high[0] - low[0] > 1:
        choices.append(_one_of(set(range(low[0] + 1, high[0]))) + exactly(rest))
    choices.append(re.escape(high[:1]) + b"(?:" + _between(b"\0" * rest, high[1:]) + b")")
    return b"|".join(choices)


def _mask(symbol: str, bits: int) -> set[int]:
    if symbol == "&":
        return {byte for byte in range(256) if byte & bits == bits}
    return {byte for byte in range(256) if byte & bits}


def _one_of(values: set[int]) -> bytes:
    if not values:
        raise SequenceError("a set that no byte is in")
    ranges: list[list[int]] = []
    for value in sorted(values):
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    texts = (b"\\x%02x" % a if a == b else b"\\x%02x-\\x%02x" % (a, b) for a, b in ranges)
    return b"[" + b"".join(texts) + b"]"
