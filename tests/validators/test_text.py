# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.records import Outcome, Severity, ValidationResult, Verdict
from validators.text import _BLOCK, VALIDATOR

MINUTES = "Kommunfullmäktiges sammanträde i Ängelholm\r\nÖvriga frågor på måndag\r\n"


def judge(tmp_path: Path, data: bytes, name: str = "a.txt") -> ValidationResult:
    path = tmp_path / name
    path.write_bytes(data)
    return VALIDATOR.validate(path)


def codes(result: ValidationResult) -> set[str]:
    return {message.code for message in result.messages}


@pytest.mark.parametrize(
    ("codec", "stated", "guessed", "mark"),
    [
        ("utf-8", "utf-8", False, False),
        ("utf-8-sig", "utf-8", False, True),
        ("utf-16", "utf-16-le", False, True),
        ("utf-16-be", "utf-16-be", True, False),
        ("iso-8859-1", "iso-8859-1", True, False),
        ("cp850", "cp850", True, False),
        ("cp437", "cp850", True, False),
    ],
)
def test_the_encoding_is_found(
    tmp_path: Path, codec: str, stated: str, guessed: bool, mark: bool
) -> None:
    result = judge(tmp_path, MINUTES.encode(codec))
    assert result.verdict is Verdict.VALID
    facts = result.properties
    assert (facts["encoding"], facts["guessed"], facts["bom"]) == (stated, guessed, mark)
    assert facts["utf8"] is (stated == "utf-8")
    assert ("text.encoding_guessed" in codes(result)) is guessed
    # Whatever it is called, it must read as what was written.
    assert MINUTES.encode(codec).decode(stated).lstrip("\ufeff") == MINUTES
    assert (facts["lines"], facts["line_ends"]) == (2, "crlf")


def test_windows_1252_by_its_own_signs(tmp_path: Path) -> None:
    result = judge(tmp_path, "Ärendet – ”återremitterat” – kostar 5 €\n".encode("cp1252"))
    assert result.properties["encoding"] == "cp1252"


def test_ascii_is_utf8(tmp_path: Path) -> None:
    facts = judge(tmp_path, b"plain\n").properties
    assert (facts["encoding"], facts["utf8"], facts["line_ends"]) == ("ascii", True, "lf")


@pytest.mark.parametrize(
    ("data", "ends", "lines"),
    [(b"a\nb", "lf", 2), (b"a\rb\r", "cr", 2), (b"a", "none", 1), (b"a\r\nb\n", "mixed", 2)],
)
def test_line_ends(tmp_path: Path, data: bytes, ends: str, lines: int) -> None:
    facts = judge(tmp_path, data).properties
    assert (facts["line_ends"], facts["lines"]) == (ends, lines)


def test_a_block_may_end_between_cr_and_lf_or_within_a_letter(tmp_path: Path) -> None:
    data = b"x" * (_BLOCK - 1) + b"\r\n" + b"y" * (_BLOCK - 2) + "å\r\n".encode()
    facts = judge(tmp_path, data).properties
    assert (facts["line_ends"], facts["lines"], facts["encoding"]) == ("crlf", 2, "utf-8")


def test_utf8_broken_far_into_the_file(tmp_path: Path) -> None:
    data = "råd\n".encode() * 400_000 + b"\xe5ng\n"
    result = judge(tmp_path, data)
    assert result.properties["utf8"] is False
    assert "text.encoding_guessed" in codes(result)


def test_a_truncated_file_with_a_mark_is_damaged(tmp_path: Path) -> None:
    result = judge(tmp_path, "hej".encode("utf-16")[:-1])
    assert (result.verdict, codes(result)) == (Verdict.INVALID, {"text.encoding"})


def test_what_is_not_text(tmp_path: Path) -> None:
    result = judge(tmp_path, bytes(range(256)) * 30)
    assert result.verdict is Verdict.INVALID
    assert "text.binary" in codes(result)
    result = judge(tmp_path, b"a page\n" * 100 + b"\0")
    assert result.verdict is Verdict.VALID
    assert codes(result) == {"text.control"}


def test_tables(tmp_path: Path) -> None:
    data = 'nr;namn;belopp\n1;"Ek; Alm";12,5\n2;Björk;3,0\n'.encode()
    result = judge(tmp_path, data, "a.csv")
    facts = result.properties
    assert (facts["delimiter"], facts["columns"], facts["rows"], facts["ragged"]) == (";", 3, 3, 0)
    assert result.messages == ()
    result = judge(tmp_path, data + b"3;Asp\n", "a.csv")
    assert (result.verdict, result.properties["ragged"]) == (Verdict.VALID, 1)
    assert codes(result) == {"text.csv_ragged"}
    assert result.messages[0].severity is Severity.WARNING


def test_json(tmp_path: Path) -> None:
    assert judge(tmp_path, b'{"a": [1, "\xc3\xa5"]}', "a.json").verdict is Verdict.VALID
    result = judge(tmp_path, b'{"a": [1, "\xc3', "a.json")
    assert result.verdict is Verdict.INVALID
    assert judge(tmp_path, b'{"a": [1', "a.json").outcome is Outcome.DAMAGED
    assert judge(tmp_path, b"[" * 200_000, "a.json").verdict is not Verdict.VALID


def test_empty(tmp_path: Path) -> None:
    assert judge(tmp_path, b"").outcome is Outcome.EMPTY
