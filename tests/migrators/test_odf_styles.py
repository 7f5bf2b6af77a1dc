# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fonts of the styles in use, read from a document's copy."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from migrators.libreoffice.odf_styles import Styles, first

_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for name, long in (
        ("office", "office"), ("style", "style"), ("text", "text"), ("draw", "drawing"),
        ("svg", "svg-compatible"), ("presentation", "presentation"),
    )
)  # fmt: skip
_DEFINED = (
    '<style:font-face style:name="Cambria1" svg:font-family="Cambria"/>'
    '<style:font-face style:name="Arial Narrow1" svg:font-family="\'Arial Narrow\', sans"/>'
    '<style:default-style style:family="paragraph">'
    '<style:text-properties style:font-name="Cambria1"/></style:default-style>'
    '<style:default-style style:family="graphic">'
    '<style:text-properties style:font-name="Shapes"/></style:default-style>'
    '<style:style style:name="Standard" style:family="paragraph"/>'
    '<style:style style:name="Heading" style:family="paragraph"'
    ' style:parent-style-name="Standard"><style:text-properties style:font-name="Arial Narrow1"/>'
    "</style:style>"
    '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Heading"/>'
    '<style:style style:name="Strong" style:family="text">'
    '<style:text-properties style:font-name="Bold One"/></style:style>'
    '<style:style style:name="gr1" style:family="graphic"/>'
)


def fonts(body: str, *, frames: bool = True) -> set[str]:
    xml = f"<office:document {_SPACES}>{_DEFINED}{body}</office:document>"
    styles = Styles(frames=frames)
    parser = ElementTree.XMLPullParser()
    parser.feed(xml)
    for _, element in parser.read_events():
        styles.look(element)
    return set(styles.fonts())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", set()),
        ('<text:p text:style-name="Standard">a</text:p>', {"Cambria"}),
        ('<text:p text:style-name="P1">a</text:p>', {"Arial Narrow"}),
        ('<text:h text:style-name="Heading">a</text:h>', {"Arial Narrow"}),
        ('<text:p><text:span text:style-name="Strong">a</text:span></text:p>', {"Bold One"}),
        ('<text:p text:style-name="Strong">a</text:p>', set()),  # another family's name
        ('<text:p text:style-name="Not there">a</text:p>', set()),
        ('<draw:rect draw:style-name="gr1"><text:p>a</text:p></draw:rect>', {"Shapes"}),
        ('<draw:rect draw:style-name="gr1"/>', set()),  # nothing in it to set
        ('<draw:rect draw:text-style-name="P1"/>', {"Arial Narrow"}),
    ],
)
def test_fonts_are_those_of_styles_in_use(body: str, expected: set[str]) -> None:
    assert fonts(body) == expected


def test_a_frame_of_a_text_sets_nothing_in_it() -> None:
    body = '<draw:frame draw:style-name="gr1"><text:p text:style-name="P1">a</text:p></draw:frame>'
    assert fonts(body, frames=False) == {"Arial Narrow"}
    assert fonts(body) == {"Arial Narrow", "Shapes"}


def test_a_style_that_follows_itself_ends() -> None:
    loop = '<style:style style:name="L" style:family="text" style:parent-style-name="L"/>'
    assert fonts(f'{loop}<text:span text:style-name="L">a</text:span>') == set()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Cambria", "Cambria"),
        ("Cambria, serif", "Cambria"),
        ("'Times New Roman', serif", "Times New Roman"),
        ('"A, B"', "A, B"),
        ("", ""),
    ],
)
def test_the_first_of_a_family(given: str, expected: str) -> None:
    assert first(given) == expected
