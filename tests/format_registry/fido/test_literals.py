# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `literals` and `width` say of an expression holds for whatever it matches.

A literal that a match need not contain would make the prefilter pass over signatures.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from format_registry.fido import sequences
from format_registry.fido.engine import Engine
from format_registry.fido.literals import Literal, literals, width
from tests.format_registry.fido.matching import expressions, matching

EACH = 4
# opf-fido's x-fmt/150 asks for a byte that is and is not zero.
NEVER = rb"(?!\x00)\x00(?!\x00)\x00\xff\xff\xff\xff\xff\xff\xff\xff"


@pytest.fixture(scope="module")
def samples(both: tuple[Engine, Engine]) -> list[tuple[bytes, list[bytes]]]:
    random = Random(118)
    every = expressions(*(one.set for one in both))
    assert len(every) > 4000
    found = [(one, [matching(one, random) for _ in range(EACH)]) for one in every]
    assert [one for one, some in found if None in some] == [NEVER]
    return [(one, [data for data in some if data is not None]) for one, some in found]


def lacking(expression: bytes, data: bytes) -> list[Literal]:
    return [one for one in literals(expression) if not stands(one, data)]


def stands(one: Literal, data: bytes) -> bool:
    last = len(data) if one.high is None else one.high
    return any(
        data.startswith(variant, at) for at in range(one.low, last + 1) for variant in one.variants
    )


def test_every_match_contains_the_literals_where_they_are_said_to_be(
    samples: list[tuple[bytes, list[bytes]]],
) -> None:
    wrong = [
        (expression[:80], data[:80], lacking(expression, data))
        for expression, some in samples
        for data in some
        if lacking(expression, data)
    ]
    assert wrong == []
    # The account is complete enough to be of use: nearly all expressions have a literal.
    some = sum(bool(literals(expression)) for expression, _ in samples)
    assert some / len(samples) > 0.95


def test_every_match_is_as_long_as_its_width_says(
    samples: list[tuple[bytes, list[bytes]]],
) -> None:
    wrong = []
    for expression, some in samples:
        least, most = width(expression)
        assert most is not None, expression
        wrong += [(expression, data) for data in some if not least <= len(data) <= most]
    assert wrong == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_matches_that_hypothesis_finds_contain_them_too(
    both: tuple[Engine, Engine], data: st.DataObject
) -> None:
    every = [one for one in expressions(*(one.set for one in both)) if len(one) < 200]
    expression = data.draw(st.sampled_from(every))
    found = data.draw(st.from_regex(rb"(?s)\A(?:" + expression + rb")\Z", fullmatch=True))
    assert lacking(expression, found) == []


PARTS = st.recursive(
    st.sampled_from(["41", "4243", "??", "[41:43]", "[!41]", "{2}", "'ab'", "[!4142]", "~03"]),
    lambda inner: st.lists(st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=3).map(
        lambda choices: "(" + "|".join("".join(one) for one in choices) + ")"
    ),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_nested_alternatives_are_accounted_for(parts: list[str], random: Random) -> None:
    expression = sequences.expression("".join(parts))
    least, most = width(expression)
    for _ in range(3):
        data = matching(expression, random)
        assert data is not None
        assert lacking(expression, data) == []
        assert least <= len(data) <= (most or 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("414243", [Literal(0, 0, (b"ABC",))]),
        ("41??4243", [Literal(0, 0, (b"A",)), Literal(2, 2, (b"BC",))]),
        ("(41|4243)44", [Literal(0, 0, (b"AD", b"BCD"))]),
        ("(41|42{1-2}43)4445", [Literal(1, 4, (b"DE",))]),
        ("[!414243]44", [Literal(3, 3, (b"D",))]),
        ("41{300}42", [Literal(0, 0, (b"A",)), Literal(301, 301, (b"B",))]),
        ("??", []),
    ],
)
def test_literals_and_their_places(text: str, expected: list[Literal]) -> None:
    assert list(literals(sequences.expression(text))) == expected
