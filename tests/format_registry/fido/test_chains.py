# SPDX-License-Identifier: AGPL-3.0-or-later
"""Chains give the answer that one expression for the whole pattern gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from format_registry.fido import chains, steps
from format_registry.fido.chains import Chains
from format_registry.fido.model import Pattern, Place, Step
from format_registry.fido.windows import Windows

# Alternatives of different length, sets, any byte, exclusions, plain bytes with padding:
# all over four bytes.
EXPRESSIONS = [
    b"a", b"b", b"ab", b"aab", b".", b"[ab]", b"[^a]", b"c.c", b"a.{2}b",
    b"(?:a|ab)", b"(?:ab|a)", b"(?:b|aab|ca)", b"(?:a.{0,2}?b|c)", b"(?:a(?:b|bc)|c)a",
    b"\\x00aab\\x00", b"\\x00\\x00", b"(?!ab).{2}", b"a(?!b)",
]  # fmt: skip

gaps = st.one_of(
    st.integers(0, 3).map(lambda low: (low, low)),
    st.tuples(st.integers(0, 3), st.integers(0, 4)).map(lambda p: (p[0], p[0] + p[1])),
    st.integers(0, 2).map(lambda low: (low, None)),
)
bounded = gaps.filter(lambda gap: gap[1] is not None)


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    place = draw(st.sampled_from(Place))
    first = draw(bounded) if place is Place.BOF else (draw(st.integers(0, 2)), None)
    several = [Step(*first, draw(st.sampled_from(EXPRESSIONS)))]
    for _ in range(draw(st.integers(0, 3))):
        several.append(Step(*draw(gaps), draw(st.sampled_from(EXPRESSIONS))))
    rest = draw(gaps) if place is Place.EOF else (0, None)
    return Pattern(place, tuple(several), rest)


def whole(pattern: Pattern) -> re.Pattern[bytes]:
    """Return a pattern as one expression, as FIDO would write it."""
    body = b"".join(
        _gap(one.low, one.high) + b"(?:" + one.expression + b")" for one in pattern.steps
    )
    end = _gap(*pattern.rest) + rb"\Z" if pattern.place is Place.EOF else b""
    return re.compile(rb"\A" + body + end, re.DOTALL)


def _gap(low: int, high: int | None) -> bytes:
    return b".{%d,}" % low if high is None else b".{%d,%d}" % (low, high)


def matches(pattern: Pattern, data: bytes) -> bool:
    return Chains({}).matcher([pattern]).matches(Windows.of(data))


pieces = st.sampled_from([b"a", b"b", b"c", b"ab", b"aab", b"\0", b"\0aab\0", b"\0\0"])
buffers = st.lists(pieces, max_size=14).map(b"".join)


@settings(max_examples=3000, deadline=None)
@given(patterns(), st.lists(buffers, min_size=1, max_size=4))
@example(  # the first alternative that matches is not the one that ends earliest
    Pattern(Place.VAR, (Step(0, None, b"(?:ab|a)"), Step(0, None, b"b"))), [b"ab", b"abb"]
)
@example(  # a lookahead at the end of a step sees the bytes behind it
    Pattern(Place.BOF, (Step(0, 0, b"a(?!b)"), Step(1, 1, b"c"))), [b"abc", b"acc"]
)
@example(Pattern(Place.EOF, (Step(0, None, b"a(?!b)"),), (1, 1)), [b"ab", b"ac"])
def test_a_chain_answers_as_one_expression_for_the_whole(
    pattern: Pattern, several: list[bytes]
) -> None:
    expression = whole(pattern)
    for data in several:
        assert matches(pattern, data) == bool(expression.search(data)), (pattern, data)


@settings(max_examples=200, deadline=None)
@given(patterns(), st.integers(0, 200), buffers, buffers)
def test_nothing_changes_with_short_stretches_and_few_tries(
    pattern: Pattern, padding: int, front: bytes, back: bytes
) -> None:
    data = front + b"c" * padding + back
    kept = chains._STRETCH, steps._TRIES
    chains._STRETCH, steps._TRIES = 3, 1
    try:
        assert matches(pattern, data) == bool(whole(pattern).search(data)), (pattern, data)
    finally:
        chains._STRETCH, steps._TRIES = kept


def test_all_patterns_of_a_signature_must_match() -> None:
    one = Pattern(Place.BOF, (Step(0, 0, b"ab"),))
    two = Pattern(Place.EOF, (Step(0, None, b"yz"),), (0, 0))
    matcher = Chains({}).matcher([one, two])
    assert matcher.matches(Windows.of(b"ab..yz"))
    assert not matcher.matches(Windows.of(b"ab..y"))
    assert not matcher.matches(Windows.of(b"b..yz"))
    assert matcher.strength(Windows.of(b"ab..y")) == 2


@pytest.mark.parametrize("data", [b"", b"a", b"ab"])
def test_a_file_shorter_than_its_pattern_does_not_match(data: bytes) -> None:
    for place in Place:
        first = 0 if place is Place.BOF else None
        pattern = Pattern(place, (Step(0, first, b"ab"), Step(0, 9, b"c")), (0, None))
        assert not matches(pattern, data)


HOSTILE = """
import sys
from pathlib import Path
from format_registry.fido import droid_file
from format_registry.fido.engine import Engine
from format_registry.fido.model import SignatureSet
from format_registry.fido.windows import Windows

version, formats, signatures = droid_file.parse(Path(sys.argv[1]))
engine = Engine(SignatureSet("v118", version, (), formats, signatures, ()))
for unit in (b"\\xff\\xfb\\x90", b"\\xff\\xfb\\x90\\x00" * 9 + b"\\xff", b"\\x00",
             b"\\x47" + b"\\0" * 187, b"%PDF-1.4<rdf:RDF", b"{\\\\rtf1", b"\\x0c\\x02", b"ab\\n"):
    window = Windows.of((unit * (160 * 1024 // len(unit) + 1))[: 160 * 1024])
    assert engine.signatures(window) == engine.exhaustive(window), unit
print("same")
"""


def test_buffers_made_to_be_slow_are_answered_all_the_same(
    droid_files: tuple[Path, Path],
) -> None:
    # `re` takes minutes for the first of them: MPEG frames at any of 1,700 distances, eight deep.
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, str(droid_files[0])],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "same\n", done.stderr
