# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write /ToUnicode: which text a font's codes stand for (ISO 32000-1, 9.10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST = 100  # entries in one block


def lacking(font: Any) -> bool:
    """Whether a font has no /ToUnicode stream."""
    from pikepdf import Stream

    return not isinstance(font.get("/ToUnicode"), Stream)


def state(document: Any, font: Any, text: Mapping[int, str], size: int = 1) -> None:
    """Give a font a /ToUnicode for these codes of `size` bytes; none where nothing is known."""
    if text:
        font.ToUnicode = document.make_stream(written(text, size))


def written(text: Mapping[int, str], size: int) -> bytes:
    """Return the CMap (Adobe Technical Note 5411) for codes of `size` bytes -> text."""
    digits = 2 * size
    entries = [
        f"<{code:0{digits}X}> <{characters.encode('utf-16-be').hex().upper()}>"
        for code, characters in sorted(text.items())
    ]
    return _cmap(size, entries, "char")


def identity() -> bytes:
    """Return the CMap for codes of two bytes that are Unicode values themselves."""
    entries = [f"<{high:02X}00> <{high:02X}FF> <{high:02X}00>" for high in range(256)]
    return _cmap(2, entries, "range")


def _cmap(size: int, entries: list[str], kind: str) -> bytes:
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        f"<{'00' * size}> <{'FF' * size}>",
        "endcodespacerange",
    ]
    for start in range(0, len(entries), _MOST):
        block = entries[start : start + _MOST]
        lines += [f"{len(block)} beginbf{kind}", *block, f"endbf{kind}"]
    lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end", ""]
    return "\n".join(lines).encode("ascii")
