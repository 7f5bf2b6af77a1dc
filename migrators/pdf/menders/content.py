# SPDX-License-Identifier: AGPL-3.0-or-later
"""Content streams (ISO 19005-2, 6.1.10, 6.1.13, 6.2.2, 6.2.6): what no reader understands.

A stream is parsed and written anew only if something in it has to change; all other
operators keep their order and operands.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from migrators.pdf.codes import operator
from migrators.pdf.menders.base import Mending

# ISO 32000-1, annex A; the last is pikepdf's name for BI, ID and EI with what is between.
_OPERATORS = frozenset(
    {
        "b", "B", "b*", "B*", "BDC", "BI", "BMC", "BT", "BX", "c", "cm", "CS", "cs", "d", "d0",
        "d1", "Do", "DP", "EI", "EMC", "ET", "EX", "f", "F", "f*", "G", "g", "gs", "h", "i", "ID",
        "j", "J", "K", "k", "l", "m", "M", "MP", "n", "q", "Q", "re", "RG", "rg", "ri", "s", "S",
        "SC", "sc", "SCN", "scn", "sh", "T*", "Tc", "Td", "TD", "Tf", "Tj", "TJ", "TL", "Tm", "Tr",
        "Ts", "Tw", "Tz", "v", "w", "W", "W*", "y", "'", '"', "INLINE IMAGE",
    }
)  # fmt: skip
_INTENTS = frozenset(
    {"/RelativeColorimetric", "/AbsoluteColorimetric", "/Perceptual", "/Saturation"}
)
_SMALLEST = Decimal("1.175e-38")
_LARGEST = {1: Decimal(32767), 2: Decimal("3.403e38"), 3: Decimal("3.403e38")}
_INTEGER = 2147483647
_FEW = 5  # operators, or per cent of a stream's
_LONGEST = {1: 65535, 2: 32767, 3: 32767}

Change = Callable[[list[Any]], tuple[list[Any], int]]


def undefined_operators(mending: Mending) -> int:
    """Take out operators that ISO 32000-1 does not define; readers skip them (6.2.2)."""

    def change(instructions: list[Any]) -> tuple[list[Any], int]:
        kept = [one for one in instructions if operator(one) in _OPERATORS]
        removed = len(instructions) - len(kept)
        if removed > max(_FEW, len(instructions) * _FEW // 100):
            return instructions, 0  # not a slip but garbage: `sanitising` is for that
        return kept, removed

    count = _rewrite(mending, change)
    if count:
        mending.lost("pdfa.operators_removed", str(count))
    return count


def numbers(mending: Mending) -> int:
    """Bring numbers into the range that all readers have (6.1.13)."""
    largest = _LARGEST[mending.part]

    def change(instructions: list[Any]) -> tuple[list[Any], int]:
        return _operands(instructions, lambda value: _bounded(value, largest))

    return _rewrite(mending, change) + _objects(mending, largest)


def rendering_intents(mending: Mending) -> int:
    """Take out `ri` with an intent that nobody knows (6.2.6); readers use the default."""

    def change(instructions: list[Any]) -> tuple[list[Any], int]:
        kept = [
            one
            for one in instructions
            if operator(one) != "ri" or (one.operands and str(one.operands[0]) in _INTENTS)
        ]
        return kept, len(instructions) - len(kept)

    return _rewrite(mending, change)


def inline_images(mending: Mending) -> int:
    """Take smoothing out of inline images, and LZW (6.1.10, 6.2.8)."""
    import pikepdf

    def change(instructions: list[Any]) -> tuple[list[Any], int]:
        out: list[Any] = []
        changed = 0
        for one in instructions:
            if isinstance(one, pikepdf.ContentStreamInlineImage):
                data = _without_interpolation(bytes(one.iimage.unparse()))
                if data is not None:
                    out.append(_Raw(data))
                    changed += 1
                    continue
            out.append(one)
        return out, changed

    return _rewrite(mending, change)


def nesting(mending: Mending) -> int:
    """Take out q and Q that nothing stands between or that are never closed (6.1.13)."""

    def change(instructions: list[Any]) -> tuple[list[Any], int]:
        out: list[Any] = []
        for one in instructions:
            if operator(one) == "Q" and out and operator(out[-1]) == "q":
                out.pop()
            else:
                out.append(one)
        return out, len(instructions) - len(out)

    return _rewrite(mending, change)


class _Raw:
    """An inline image, written as it shall stand."""

    operator = "INLINE IMAGE"

    def __init__(self, data: bytes) -> None:
        self.data = data


def _without_interpolation(data: bytes) -> bytes | None:
    head, mark, rest = data.partition(b"ID")
    for key in (b"/Interpolate true", b"/I true"):
        if key in head:
            return head.replace(key, b"") + mark + rest
    return None


def _operands(
    instructions: list[Any], bound: Callable[[Any], tuple[Any, bool]]
) -> tuple[list[Any], int]:
    from pikepdf import Array, ContentStreamInstruction, Operator

    out: list[Any] = []
    changed = 0
    for one in instructions:
        if not isinstance(one, ContentStreamInstruction):
            out.append(one)
            continue
        values, touched = [], False
        for operand in one.operands:
            if isinstance(operand, Array):
                items = [bound(item) for item in operand]
                value, new = Array([item for item, _ in items]), any(flag for _, flag in items)
            else:
                value, new = bound(operand)
            values.append(value)
            touched = touched or new
        changed += touched
        out.append(ContentStreamInstruction(values, Operator(operator(one))) if touched else one)
    return out, changed


def _bounded(value: Any, largest: Decimal) -> tuple[Any, bool]:
    """Return (value in range, whether it was not)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return value, False
    if isinstance(value, int):
        if abs(value) <= _INTEGER:
            return value, False
        return (_INTEGER if value > 0 else -_INTEGER), True
    number = Decimal(value)
    if not number.is_finite() or (number != 0 and abs(number) < _SMALLEST):
        return Decimal(0), True
    if abs(number) > largest:
        return (largest if number > 0 else -largest).to_integral_value(), True
    return value, False


def _objects(mending: Mending, largest: Decimal) -> int:
    """Bring the numbers of dictionaries and arrays into range."""
    from pikepdf import Array, Dictionary, Stream

    changed = 0
    stack: list[Any] = list(mending.document.objects)
    while stack:
        one = stack.pop()
        if isinstance(one, Stream):
            one = one.stream_dict if hasattr(one, "stream_dict") else one
        if isinstance(one, Array):
            places: Any = range(len(one))
        elif isinstance(one, Dictionary):
            places = list(one.keys())
        else:
            continue
        for place in places:
            value = one[place]
            if isinstance(value, (Array, Dictionary)) and not value.is_indirect:
                stack.append(value)
                continue
            bounded, wrong = _bounded(value, largest)
            if wrong:
                one[place] = bounded
                changed += 1
    return changed


def _rewrite(mending: Mending, change: Change) -> int:
    """Apply `change` to every content stream; write those in which something changed."""
    import pikepdf

    total = 0
    done: set[tuple[int, int]] = set()
    for scope in mending.document.content_scopes():
        if scope.content.is_indirect:
            if scope.content.objgen in done:
                continue
            done.add(scope.content.objgen)
        try:
            instructions = list(pikepdf.parse_content_stream(scope.content))
        except (pikepdf.PdfError, TypeError, ValueError):
            continue  # the validator names what cannot be parsed
        changed, count = change(instructions)
        if not count:
            continue
        data = b"\n".join(
            one.data if isinstance(one, _Raw) else pikepdf.unparse_content_stream([one])
            for one in changed
        )
        if scope.kind == "page":
            scope.content.Contents = mending.document.make_stream(data)
        else:
            scope.content.write(data)
        total += count
    return total
