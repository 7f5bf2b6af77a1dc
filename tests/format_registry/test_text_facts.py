# SPDX-License-Identifier: AGPL-3.0-or-later
"""Encoding and line ends by a file's two ends, at the places where the cut falls badly."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format_registry.text_facts import text_facts
from pipeline.core.records import TextFacts, Verdict
from validators.text import VALIDATOR

WINDOW = 64 * 1024
MINUTES = "Kommunfullmäktiges sammanträde i Ängelholm\r\nÖvriga frågor på måndag\r\n"


def facts(data: bytes, window: int = WINDOW) -> TextFacts | None:
    """Look at a file's ends, as whoever reads it hands them over."""
    return text_facts(data[:window], data[-window:] if len(data) > window else b"", len(data))


@pytest.mark.parametrize(
    ("codec", "stated", "guessed", "mark"),
    [
        ("utf-8", "utf-8", False, False),
        ("utf-8-sig", "utf-8", False, True),
        ("utf-16", "utf-16-le", False, True),
        ("utf-16-le", "utf-16-le", True, False),
        ("utf-16-be", "utf-16-be", True, False),
        ("utf-32", "utf-32-le", False, True),
        ("iso-8859-1", "iso-8859-1", True, False),
        ("cp850", "cp850", True, False),
        ("cp437", "cp850", True, False),
    ],
)
@pytest.mark.parametrize("times", [1, 5000])
def test_the_encoding_is_found(
    codec: str, stated: str, guessed: bool, mark: bool, times: int
) -> None:
    data = (MINUTES * times).encode(codec)
    assert facts(data) == TextFacts(stated, "CRLF", guessed, mark)


def test_windows_1252_by_a_sign_that_comes_late() -> None:
    data = MINUTES.encode("cp1252") * 3000
    assert facts(data) == TextFacts("iso-8859-1", "CRLF", guessed=True)
    assert facts(data + "kostar 5 €\r\n".encode("cp1252")) == TextFacts(
        "cp1252", "CRLF", guessed=True
    )


def test_letters_in_one_endless_line() -> None:
    data = b"x" * 30_000 + "Ärendet återremitterades".encode("cp850") + b"y" * 30_000
    assert facts(data) == TextFacts("cp850", "none", guessed=True)


@pytest.mark.parametrize("codec", ["koi8-r", "mac_roman", "cp1253"])
def test_text_in_what_sweden_did_not_write(codec: str) -> None:
    text = {
        "koi8-r": "Привет, мир\n",
        "mac_roman": "Sammanträdet på måndag är inställt\n",
        "cp1253": "Καλημέρα\n",
    }
    assert facts(text[codec].encode(codec) * 50) == TextFacts("unknown-8bit", "LF", guessed=True)


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        (b"a\nb", "LF"),
        (b"a\rb\r", "CR"),
        (b"a", "none"),
        (b"a\r\nb\r\n", "CRLF"),
        (b"a\r\nb\n", "mixed"),
        (b"a\r\nb\r", "mixed"),
        (b"a\n\rb", "mixed"),
        (b"a\r\r\nb", "mixed"),
    ],
)
def test_line_ends(data: bytes, ends: str) -> None:
    assert facts(data) == TextFacts("ascii", ends)


@pytest.mark.parametrize("codec", ["ascii", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("shift", range(8))
def test_a_cut_between_cr_and_lf_is_no_other_line_end(codec: str, shift: int) -> None:
    text = "x" * shift + "\r\n" * 200 + "y" * (7 - shift) + "\r\n"
    data = text.encode(codec)
    for window in (16, 64, len(data) // 2, len(data) - 1):
        found = facts(data, window)
        assert found is not None
        assert found.line_ends == "CRLF"


@pytest.mark.parametrize("letter", ["å", "→", "𝄞"])
@pytest.mark.parametrize("shift", range(4))
def test_a_cut_within_a_letter_is_no_error(letter: str, shift: int) -> None:
    data = ("x" * shift + letter * 400).encode()
    for window in range(40, 48):
        assert facts(data, window) == TextFacts("utf-8", "none")


def test_a_letter_cut_at_the_end_of_the_file_is_an_error() -> None:
    data = "En rad om vägen\n".encode() + "å".encode()[:1]
    assert facts(data) == TextFacts("unknown-8bit", "LF", guessed=True)
    data = b"x" * 200 + b"\xc3"
    assert facts(data, 64) == TextFacts("unknown-8bit", "none", guessed=True)


def test_ends_that_overlap_are_one_text() -> None:
    data = ("å" * 31 + "\r\n").encode() * 20
    for window in range(len(data) // 2, len(data) + 1):
        assert facts(data, window) == TextFacts("utf-8", "CRLF")


def test_a_head_without_a_tail() -> None:
    data = MINUTES.encode() * 3000
    assert text_facts(data[:WINDOW], b"", len(data)) == TextFacts("utf-8", "CRLF")


def test_a_marked_text_that_is_cut_short() -> None:
    assert facts(MINUTES.encode("utf-16")[:-3]) == TextFacts("utf-16-le", "CRLF", mark=True)
    assert facts(b"\xef\xbb\xbf") == TextFacts("utf-8", "none", mark=True)


def test_a_stray_control_character_leaves_a_text_a_text() -> None:
    assert facts(b"a page\x01\n" * 3 + b"a page\n" * 100) == TextFacts("ascii", "LF")
    assert facts(b"\x1b[1mbold\x1b[0m\x0c\r\n\x1a") == TextFacts("ascii", "CRLF")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"a page\n" * 1000 + b"\0",
        b"\x01\x02\x03 a page",
        bytes(range(256)),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        b"PK\x03\x04\x14\0\x06\0",
        # A table of small numbers, which has the NUL pattern of UTF-16.
        b"".join(number.to_bytes(2, "little") for number in range(1, 30)) * 10,
        # The grey values of a picture: no control character, and yet no text.
        bytes(random.Random(5).choices(range(0x60, 0xA0), k=5000)),
        b"\xff\xfe" + random.Random(6).randbytes(5000),
        b"\xef\xbb\xbf" + random.Random(7).randbytes(5000),
    ],
)
def test_what_is_not_text(data: bytes) -> None:
    assert facts(data) is None


def test_random_bytes_are_no_text() -> None:
    chance = random.Random(8)
    assert all(facts(chance.randbytes(chance.randint(200, 9000))) is None for _ in range(1000))


@given(st.binary(max_size=300), st.integers(min_value=1, max_value=300))
def test_any_bytes_get_an_answer(data: bytes, window: int) -> None:
    found = facts(data, window)
    assert found is None or found.line_ends in {"LF", "CRLF", "CR", "mixed", "none"}


@given(
    st.text(
        st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=("Cs",)),
        min_size=1,
    ),
    st.integers(min_value=8, max_value=40),
)
def test_any_utf8_is_utf8_wherever_it_is_cut(text: str, window: int) -> None:
    found = facts(("text: " + text).encode(), window)
    assert found is not None
    # What lies between the two ends is not seen.
    assert found.encoding in {"utf-8", "ascii"}
    assert not found.guessed


def test_real_texts_as_the_validator_judges_them(
    corpus: Path, manifest: list[dict[str, str]]
) -> None:
    """The validator reads all of a file; its two ends must not tell another story."""
    different = []
    judged = 0
    for row in manifest:
        if row["siegfried_puid_v125"] not in VALIDATOR.puids or row["bytes"] == "0":
            continue
        path = corpus / row["path"]
        result = VALIDATOR.validate(path)
        found = facts(path.read_bytes())
        said = result.properties
        judged += 1
        if result.verdict is not Verdict.VALID and found is None:
            continue
        if found is None or (
            (found.encoding, found.line_ends.lower(), found.guessed, found.mark)
            != (said["encoding"], said["line_ends"], said["guessed"], said["bom"])
            and not (found.encoding == "unknown-8bit" and said["guessed"])
        ):
            different.append((row["path"], found, said))
    assert judged >= 20
    assert different == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("word", ["måndag den", "vardag den"])
def test_it_costs_next_to_nothing(word: str, end: str) -> None:
    data = (f"Sammanträde på {word} 12 maj om vägen{end}" * 4000).encode()[:WINDOW]
    times = []
    for _ in range(200):
        start = time.perf_counter()
        text_facts(data, b"", len(data))
        times.append(time.perf_counter() - start)
    # 0.04 to 0.12 ms; the rest is for a busy machine.
    assert min(times) < 0.001
