# SPDX-License-Identifier: AGPL-3.0-or-later
"""PRONOM's notation for byte sequences, read into expressions and steps."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from format_registry.fido import sequences
from format_registry.fido.model import Step
from format_registry.fido.sequences import SequenceError


def takes(text: str, data: bytes) -> bool:
    return re.fullmatch(sequences.expression(text), data, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("25504446", [b"%PDF"], [b"%PDf", b"%PD", b"%PDF-"]),
        ("25 50\n44\t46", [b"%PDF"], [b"%P DF"]),
        ("c0Ff", [b"\xc0\xff"], [b"c0Ff"]),
        ("2A2E5B5C", [b"*.[\\"], [b"aaa[\\"]),
        ("'a.b*'", [b"a.b*"], [b"axb*", b"a.bb"]),
        ('"it\'s"', [b"it's"], [b"its"]),
        ("'a\"b'", [b'a"b'], [b"ab"]),
        ("'å'", ["å".encode()], [b"\xe5"]),
        ("'PK' 03 04", [b"PK\x03\x04"], [b"PK 03 04"]),
        ("[30:39]", [b"0", b"5", b"9"], [b"/", b":", b"00", b""]),
        ("[30-39]", [b"0", b"9"], [b"/", b":"]),
        ("['a'-'c']", [b"a", b"b", b"c"], [b"d", b"-", b"A"]),
        ("['a':'c''x' 2D]", [b"b", b"x", b"-"], [b"d", b" "]),
        ("[']' 'b']", [b"]", b"b"], [b"'"]),
        ("['abc']", [b"a", b"b", b"c"], [b"abc", b"d"]),
        ("[!41]", [b"B", b"\x00", b"\n", b"\xff"], [b"A", b""]),
        ("[^41]", [b"B"], [b"A"]),
        ("[!41:43]", [b"@", b"D"], [b"A", b"B", b"C"]),
        ("[!&01]", [b"\x00", b"\x02"], [b"\x01", b"\xff"]),
        ("[!4001C8]", [b"\x40\x01\xc9", b"abc", b"\n\n\n"], [b"\x40\x01\xc8", b"ab", b"abcd"]),
        ("[!0100:02FF]", [b"\x00\xff", b"\x03\x00"], [b"\x01\x00", b"\x02\x80", b"\x02\xff"]),
        ("[0100:02FF]", [b"\x01\x00", b"\x01\xff", b"\x02\xff"], [b"\x00\xff", b"\x03\x00"]),
        ("&81", [b"\x81", b"\xff"], [b"\x80", b"\x01", b"\x00"]),
        ("~81", [b"\x81", b"\x80", b"\x01", b"\xff"], [b"\x00", b"\x7e"]),
        ("[&80 20]", [b"\x80", b"\xff", b" "], [b"\x7f"]),
        ("(41|4243)", [b"A", b"BC"], [b"AC", b"B", b"ABC"]),
        ("('a'|('b'|'cd')??)", [b"a", b"bx", b"cdx"], [b"b", b"cd", b"ax"]),
        ("('('|'|'|')')", [b"(", b"|", b")"], [b"()"]),
        ("41(42{1-2}43|44)45", [b"AB.CE", b"AB..CE", b"ADE"], [b"ABCE", b"AB...CE"]),
        ("??41", [b"\nA", b"xA"], [b"A", b"xxA"]),
        ("{3}41", [b"\n\r\xffA"], [b"xxA", b"xxxxA"]),
        ("41{0}42", [b"AB"], [b"A.B"]),
        ("41{2}42", [b"A..B"], [b"A.B", b"A...B"]),
        ("41{1-3}42", [b"A.B", b"A\n\n\nB"], [b"AB", b"A....B"]),
        ("41{ 1 - 3 }42", [b"A.B"], [b"AB"]),
        ("41{2}", [b"A.."], [b"A", b"A."]),
    ],
)  # fmt: skip
def test_a_sequence_matches_what_its_notation_says(
    text: str, yes: list[bytes], no: list[bytes]
) -> None:
    assert [one for one in yes if not takes(text, one)] == []
    assert [one for one in no if takes(text, one)] == []


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("41*42", [Step(0, 0, b"A"), Step(0, None, b"B")]),
        ("41{4-*}42", [Step(0, 0, b"A"), Step(4, None, b"B")]),
        ("41{0-4}42", [Step(0, 0, b"A"), Step(0, 4, b"B")]),
        ("41{4}42", [Step(0, 0, b"A.{4}B")]),
        ("41{1-2}{3}42*43", [Step(0, 0, b"A"), Step(1, 2, b".{3}B"), Step(0, None, b"C")]),
    ],
)
def test_only_gaps_that_vary_make_a_new_step(text: str, steps: list[Step]) -> None:
    assert sequences.steps(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "4", "414", "4G", "xyz", "4 1",
        "[41", "[", "[]", "[!]", "[41:]", "[:41]", "[43:41]", "[41:4243]", "[!00:FF]", "~00",
        "[4143:4142]", "[0100:02FF 41]", "[41 0100:02FF]",
        "'abc", '"abc', "'", "(41", "(41|", "(41|)", "()", "(41*42)",
        "?", "41?42", "41]", "41)", "41|42",
        "{5-2}", "41{5-2}42", "41{}42", "41{a}42", "41{2", "41{-2}42", "41{99999999999}42",
        "*", "*41", "41*", "{1-2}41", "41{1-2}", "41{0-*}", "&", "&4", "~G1",
    ],
)  # fmt: skip
def test_what_does_not_follow_the_notation_is_refused(text: str) -> None:
    with pytest.raises(SequenceError):
        sequences.steps(text)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 3))
def test_a_range_of_several_bytes_takes_the_numbers_in_it(data: st.DataObject, size: int) -> None:
    top = 256**size - 1
    low, high = sorted([data.draw(st.integers(0, top)), data.draw(st.integers(0, top))])
    text = f"{low:0{2 * size}X}:{high:0{2 * size}X}"
    inside = re.compile(sequences.expression(f"[{text}]"), re.DOTALL)
    near = {low + by for by in (-257, -256, -1, 0, 1, 255, 256)}
    near |= {high + by for by in (-256, -255, -1, 0, 1, 256, 257)}
    near |= {data.draw(st.integers(0, top)) for _ in range(20)}
    for number in sorted(one for one in near if 0 <= one <= top):
        found = inside.fullmatch(number.to_bytes(size, "big")) is not None
        assert found == (low <= number <= high), (text, number)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_a_range_of_two_bytes_is_right_for_every_number(one: int, two: int) -> None:
    low, high = sorted([one, two])
    inside = re.compile(sequences.expression(f"[{low:04X}:{high:04X}]"), re.DOTALL)
    taken = [n for n in range(0x10000) if inside.fullmatch(n.to_bytes(2, "big"))]
    assert taken == list(range(low, high + 1))
    if (low, high) != (0, 0xFFFF):
        outside = re.compile(sequences.expression(f"[!{low:04X}:{high:04X}]"), re.DOTALL)
        left = [n for n in range(0x10000) if outside.fullmatch(n.to_bytes(2, "big"))]
        assert len(left) + len(taken) == 0x10000
        assert not set(left) & set(taken)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="4A'\"[](){}|!:-*?&~ 0123", max_size=16))
def test_any_text_is_either_refused_or_compiles(text: str) -> None:
    try:
        steps = sequences.steps(text)
    except SequenceError:
        return
    assert steps
    for one in steps:
        re.compile(one.expression, re.DOTALL)
