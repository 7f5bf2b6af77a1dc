# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which fonts the styles in use ask for, read from an OpenDocument copy.

To ask LibreOffice for them style by style took more than a quarter of its time with 54
documents, 0.18 s each: there are 150 styles, and each question crosses to its process. Nor
did it call a default style used that sets a whole document: of 155 documents 50 had fonts
exchanged that nobody was told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_FO_SVG = "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
_DEPTH = 50  # parents of a style
# Attribute that names a style -> family; of others the element or its style tells.
_FAMILIES = {
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}style-name": "graphic",
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}text-style-name": "paragraph",
    "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}style-name": "presentation",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0}style-name": "table-cell",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0}default-cell-style-name": "table-cell",
}
_SHAPES = ("graphic", "presentation")
_OF_TEXT = {"span": "text", "a": "text", "p": "paragraph", "h": "paragraph"}


@dataclass(slots=True)
class Styles:
    """Styles of a document, as the parts of its copy are read one after the other.

    `frames`: whether a frame's own style sets the text within, as it does on slides.
    """

    frames: bool
    _faces: dict[str, str] = field(default_factory=dict)
    _parents: dict[tuple[str, str], str] = field(default_factory=dict)
    _fonts: dict[tuple[str, str], str] = field(default_factory=dict)
    _used: set[tuple[str, str]] = field(default_factory=set)

    def look(self, element: Element) -> None:
        """Take from an element, which is at its end, what it says of styles and fonts."""
        space, _, local = element.tag[1:].partition("}")
        if local == "font-face":
            name = element.get(f"{{{_STYLE}}}name", "")
            self._faces[name] = first(element.get(f"{{{_FO_SVG}}}font-family", ""))
        elif space == _STYLE and local in ("style", "default-style"):
            self._style(element)
        else:
            self._uses(element, space, local)

    def _style(self, element: Element) -> None:
        family = element.get(f"{{{_STYLE}}}family", "")
        key = family, element.get(f"{{{_STYLE}}}name", "")
        self._parents[key] = element.get(f"{{{_STYLE}}}parent-style-name", "")
        for one in element.iter(f"{{{_STYLE}}}text-properties"):
            self._fonts[key] = one.get(f"{{{_STYLE}}}font-name", "")

    def _uses(self, element: Element, space: str, local: str) -> None:
        for name, value in element.items():
            if name == f"{{{TEXT}}}style-name" and space == TEXT:
                self._used.add((_OF_TEXT.get(local, ""), value))
            elif name[1:] in _FAMILIES:
                family = _FAMILIES[name[1:]]
                if family not in _SHAPES or self._sets_text(element, local):
                    self._used.add((family, value))

    def _sets_text(self, element: Element, local: str) -> bool:
        """Whether there is text in a shape that its own style sets."""
        shown = self.frames or local != "frame"
        return shown and element.find(f".//{{{TEXT}}}p") is not None

    def fonts(self) -> Iterator[str]:
        """Yield the font of each style in use."""
        for family, name in self._used:
            font = self._font(family, name) if (family, name) in self._parents else ""
            if font:
                yield self._faces.get(font, font)

    def _line(self, family: str, name: str) -> Iterator[tuple[str, str]]:
        for _ in range(_DEPTH):
            if not name:
                return
            yield family, name
            name = self._parents.get((family, name), "")

    def _font(self, family: str, name: str) -> str:
        """Return the font that holds for a style: its own, a parent's, the family's."""
        for key in (*self._line(family, name), (family, "")):
            if self._fonts.get(key):
                return self._fonts[key]
        return ""


def first(names: str) -> str:
    """Return the first of the names that a font-family gives: `'Cambria', serif`."""
    quote = names[:1] if names[:1] in ("'", '"') else ""
    return names[1:].partition(quote)[0] if quote else names.partition(",")[0].strip()
