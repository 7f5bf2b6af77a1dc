# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a font's name says: family and style, and whether free fonts of the same widths exist.

A PDF may name a font that it does not carry. `font_names.toml` says which families have a
substitute with the same advance widths, so that no line of text changes its length; for
the maker that embeds one, and for the judge that has to say whether anything was lost.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

_SUBSET = re.compile(r"^[A-Z]{6}\+")  # ISO 32000-1, 9.6.4
_BOLD = ("bold", "black", "heavy", "demi")
_ITALIC = ("italic", "oblique", "kursiv")
_REST = re.compile(r"(?:regular|normal|psmt|ps|mt|std|roman|book)+$")


@dataclass(frozen=True, slots=True)
class Family:
    """One entry of the table. `faces`: regular, bold, italic, bold italic.

    `equal`: the substitute's glyphs have the advance widths of the font that is named.
    """

    faces: tuple[str, ...]
    equal: bool
    symbolic: bool = False


@dataclass(frozen=True, slots=True)
class FontName:
    """A font's name, taken apart. `family` is "" for a name that says nothing."""

    family: str
    bold: bool
    italic: bool

    @property
    def style(self) -> int:
        """Index into `Family.faces`."""
        return int(self.bold) + 2 * int(self.italic)


def parse(name: str) -> FontName:
    """Return what a PostScript name such as "ABCDEF+TimesNewRomanPS-BoldMT" says."""
    plain = re.sub(r"[^a-z0-9]", "", _SUBSET.sub("", name).casefold())
    bold = any(word in plain for word in _BOLD)
    italic = any(word in plain for word in _ITALIC)
    for word in (*_BOLD, *_ITALIC):
        plain = plain.replace(word, "")
    return FontName(_REST.sub("", plain), bold, italic)


@lru_cache(maxsize=1)
def families() -> dict[str, Family]:
    """Return the table: family as `parse` gives it -> substitute."""
    text = files("pipeline.core").joinpath("font_names.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)["family"]
    return {
        name: Family(tuple(one["faces"]), one["equal"], one.get("symbolic", False))
        for one in table
        for name in one["names"]
    }


def has_equal(name: str) -> bool:
    """Whether a substitute of the same widths exists for the font of this name."""
    found = families().get(parse(name).family)
    return found is not None and found.equal
