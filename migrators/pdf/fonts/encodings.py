# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which glyph a simple font's character codes name (ISO 32000-1, 9.6.6 and annex D)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_BULLET = "bullet"
_UNUSED = (0x7F, 0x81, 0x8D, 0x8F, 0x90, 0x9D)  # WinAnsi, annex D, footnote 3: bullets
# What Adobe's glyph list for new fonts leaves out or names otherwise than annex D.
_WINDOWS = {
    0xA0: "space", 0xAD: "hyphen", 0xAF: "macron", 0xB2: "twosuperior", 0xB3: "threesuperior",
    0xB5: "mu", 0xB7: "periodcentered", 0xB9: "onesuperior",
}  # fmt: skip


@lru_cache(maxsize=3)
def table(name: str) -> dict[int, str]:
    """Return code -> glyph name of "WinAnsi", "MacRoman" or "Standard"Encoding."""
    from fontTools import agl
    from fontTools.encodings.MacRoman import MacRoman
    from fontTools.encodings.StandardEncoding import StandardEncoding

    if name == "WinAnsiEncoding":
        made = dict.fromkeys(_UNUSED, _BULLET)
        for code in range(0x20, 0x100):
            if code in _UNUSED:
                continue
            character = bytes([code]).decode("cp1252")
            made[code] = _WINDOWS.get(code) or agl.UV2AGL[ord(character)]
        return made
    source = MacRoman if name == "MacRomanEncoding" else StandardEncoding
    return {
        code: ("space" if one == "nbspace" else one)
        for code, one in enumerate(source)
        if one != ".notdef" and code >= 0x20
    }


def of_font(font: Any, built_in: dict[int, str]) -> dict[int, str]:
    """Return code -> glyph name for a font dictionary.

    `built_in` is the encoding of the program that will be used, for a symbolic font that
    states none. A name that is not known counts for Standard, as readers take it.
    """
    from pikepdf import Array, Dictionary, Name

    encoding = font.get(Name.Encoding)
    default = "WinAnsiEncoding" if font.get(Name.Subtype) == Name.TrueType else "StandardEncoding"
    if isinstance(encoding, Name):
        return dict(built_in) if built_in else dict(table(_known(encoding)))
    if not isinstance(encoding, Dictionary):
        return dict(built_in or table(default))
    base = encoding.get(Name.BaseEncoding)
    if isinstance(base, Name) and not built_in:
        names = dict(table(_known(base)))
    else:
        names = dict(built_in or table("StandardEncoding"))
    code = 0
    for item in encoding.get(Name.Differences, Array([])):
        if isinstance(item, Name):
            names[code] = str(item)[1:]
            code += 1
        else:
            code = int(item)
    return names


def _known(name: Any) -> str:
    text = str(name)[1:]
    return text if text in ("WinAnsiEncoding", "MacRomanEncoding") else "StandardEncoding"
