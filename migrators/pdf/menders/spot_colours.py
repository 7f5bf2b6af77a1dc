# SPDX-License-Identifier: AGPL-3.0-or-later
"""Spot colours (ISO 19005-2, 6.2.4.4): each is described, and by one formula in all places.

A DeviceN space says how its colours look together. What one looks like alone follows from
that: the same formula with all others at nothing (ISO 32000-1, 8.6.6.5).
"""

from __future__ import annotations

from typing import Any

from migrators.pdf.menders.base import Mending

_PROCESS = frozenset({"/Cyan", "/Magenta", "/Yellow", "/Black", "/None", "/All"})


def describe(mending: Mending) -> int:
    """Describe each spot colour of a DeviceN space; a space of one colour is a Separation."""
    from pikepdf import Array, Dictionary, Name

    changed = 0
    for one in mending.document.objects:
        if not isinstance(one, Array) or len(one) < 4 or str(one[0]) != "/DeviceN":
            continue
        names = [str(name) for name in one[1]]
        if len(names) == 1:
            one[0], one[1] = Name.Separation, Name(names[0])
            del one[4:]
            changed += 1
            continue
        known = dict(one[4].get(Name.Colorants, {}).items()) if len(one) > 4 else {}
        for place, name in enumerate(names):
            if name in _PROCESS or name in known:
                continue
            alone = _alone(mending.document, one[3], place, len(names))
            if alone is not None:
                known[name] = Array([Name.Separation, Name(name), one[2], alone])
                changed += 1
        if len(one) < 5:
            one.append(Dictionary())
        one[4].Colorants = Dictionary(known)
    return changed


def _alone(document: Any, function: Any, place: int, inputs: int) -> Any:
    """Return the function of one colour with all others at 0; None where it cannot be had."""
    kind = int(function.get("/FunctionType", -1))
    if kind == 4:
        return _calculated(document, function, place, inputs)
    if kind == 0:
        return _sampled(document, function, place, inputs)
    return None


def _calculated(document: Any, function: Any, place: int, inputs: int) -> Any:
    body = function.read_bytes().strip()
    if not (body.startswith(b"{") and body.endswith(b"}")):
        return None
    before = "0 " * place + (f"{place + 1} -1 roll " if place else "")
    after = "0 " * (inputs - place - 1)
    made = document.make_stream(b"{ " + (before + after).encode() + body[1:])
    made.FunctionType, made.Domain, made.Range = 4, [0, 1], function.Range
    return made


def _sampled(document: Any, function: Any, place: int, inputs: int) -> Any:
    """Cut the line of one colour out of a table of samples (7.10.2)."""
    from pikepdf import Array

    sizes = [int(one) for one in function.Size]
    bits = int(function.BitsPerSample)
    if bits % 8 or len(sizes) != inputs:
        return None
    wide = len(list(function.Range)) // 2 * bits // 8  # bytes of one sample
    default = [value for size in sizes for value in (0, size - 1)]
    encode = [float(one) for one in function.get("/Encode", Array(default))]
    steps = [1]
    for size in sizes[:-1]:
        steps.append(steps[-1] * size)
    base = sum(
        steps[at] * min(max(round(encode[2 * at]), 0), sizes[at] - 1)
        for at in range(inputs)
        if at != place
    )
    data = function.read_bytes()
    line = b"".join(
        data[(base + steps[place] * number) * wide :][:wide] for number in range(sizes[place])
    )
    if len(line) != sizes[place] * wide:
        return None
    made = document.make_stream(line)
    made.FunctionType, made.Domain, made.Range = 0, [0, 1], function.Range
    made.Size, made.BitsPerSample = [sizes[place]], bits
    made.Encode = [encode[2 * place], encode[2 * place + 1]]
    if "/Decode" in function:
        made.Decode = function.Decode
    return made


def agree(mending: Mending) -> int:
    """Give spot colours of one name and different formulas names of their own (6.2.4.4).

    Made alike, one of them would change its colour on the page.
    """
    from pikepdf import Array, Name

    formulas: dict[str, list[bytes]] = {}
    changed = 0
    for one in mending.document.objects:
        if not isinstance(one, Array) or len(one) < 4 or str(one[0]) != "/Separation":
            continue
        name, formula = str(one[1]), _formula(one)
        known = formulas.setdefault(name, [])
        if formula not in known:
            known.append(formula)
        number = known.index(formula)
        if number:
            one[1] = Name(f"{name} {number + 1}")
            changed += 1
    if changed:
        mending.lost("pdfa.spot_colour_renamed", str(changed))
    return changed


def _formula(space: Any) -> bytes:
    from pikepdf import Stream

    parts = [space[2].unparse(resolved=True), space[3].unparse(resolved=True)]
    for one in (space[2], space[3]):
        if isinstance(one, Stream):
            parts.append(one.read_bytes())
    return b"\0".join(bytes(part) for part in parts)
