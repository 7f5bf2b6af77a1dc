# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is read of a file, and that claims deep inside it are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from format_registry.fido.engine import Engine
from format_registry.fido.windows import DEEP_HEAD, DEEP_TAIL, NEAR, Windows
from pipeline.core.errors import ChangedError
from pipeline.core.records import Basis
from tests.format_registry.fido.conftest import Ask

MIB = 1 << 20


def numbered(path: Path, size: int) -> bytes:
    data = b"".join(b"%07x\n" % number for number in range(0, size + 8, 8))[:size]
    path.write_bytes(data)
    return data


@pytest.mark.parametrize("size", [0, 1, NEAR, 2 * NEAR, 2 * NEAR + 1, 3 * MIB])
def test_near_windows_are_the_ends_and_deep_is_all_of_a_small_file(
    tmp_path: Path, size: int
) -> None:
    data = numbered(tmp_path / "a", size)
    with (tmp_path / "a").open("rb") as stream:
        found = Windows(stream.fileno(), size)
        near = size if size <= 2 * NEAR else NEAR
        assert found.head == data[:near]
        assert found.tail == data[size - near :]
        assert found.deep == (data,)


@pytest.mark.parametrize(
    ("size", "count"),
    [(DEEP_HEAD + DEEP_TAIL, 1), (DEEP_HEAD + DEEP_TAIL + 1, 2), (8 * MIB, 2)],
)
def test_deep_windows_of_a_large_file_are_two(tmp_path: Path, size: int, count: int) -> None:
    data = numbered(tmp_path / "a", size)
    with (tmp_path / "a").open("rb") as stream:
        deep = Windows(stream.fileno(), size).deep
    assert len(deep) == count
    if count == 2:
        assert deep == (data[:DEEP_HEAD], data[-DEEP_TAIL:])
    else:
        assert deep == (data,)


def test_of_a_file_with_a_hole_of_a_tebibyte_no_more_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as stream:
        stream.truncate(1 << 40)
    with (tmp_path / "a").open("rb") as stream:
        found = Windows(stream.fileno(), 1 << 40)
        assert sum(len(one) for one in (found.head, found.tail, *found.deep)) < 6 * MIB


@pytest.mark.parametrize("size", [1000, NEAR * 3, 8 * MIB])
def test_a_file_that_becomes_shorter_is_told(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a"
    numbered(path, size)
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno()).st_size
        os.truncate(path, size - 1)
        with pytest.raises(ChangedError):
            Windows(stream.fileno(), before)


def test_a_file_that_becomes_shorter_later_is_told(tmp_path: Path, national: Engine) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(8 * MIB, MIB))
    with path.open("rb") as stream:
        found = Windows(stream.fileno(), 8 * MIB)
        os.truncate(path, 2 * MIB)
        with pytest.raises(ChangedError):
            national.ask(stream, found, "pdf")


CLAIM = (
    b"<rdf:Description xmlns:pdfaid='http://www.aiim.org/pdfa/ns/id/'>"
    b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>"
)


def pdf(size: int, claim: int | None, part: bytes = CLAIM) -> bytes:
    data = bytearray(b"%PDF-1.7\n".ljust(size - 8, b"."))
    if claim is not None:
        data[claim : claim + len(part)] = part
    return bytes(data[: size - 8]) + b"\n%%EOF\n\n"


@pytest.mark.parametrize(
    "place",
    [
        200, NEAR - 50, MIB, 39 * MIB // 10, 8 * MIB - DEEP_TAIL, 15 * MIB // 2, 8 * MIB - 300,
    ],
)  # fmt: skip
def test_a_claim_to_be_pdfa_is_found_wherever_it_is_looked_for(
    ask: Ask, tmp_path: Path, place: int
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(8 * MIB, place))
    answer = ask(path)
    assert [one.puid for one in answer.matches] == ["fmt/477"]
    assert answer.basis is Basis.SIGNATURE


def test_without_a_claim_or_with_one_out_of_reach_it_is_a_pdf(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    for place in (None, 5 * MIB):
        path.write_bytes(pdf(8 * MIB, place))
        assert [one.puid for one in ask(path).matches] == ["fmt/276"]
    # Of a file of at most 5 MiB all is searched.
    path.write_bytes(pdf(5 * MIB, 4 * MIB + 5))
    assert [one.puid for one in ask(path).matches] == ["fmt/477"]


def test_two_halves_of_a_claim_in_two_windows_are_put_together_in_order(
    ask: Ask, tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    half = CLAIM.index(b"<pdfaid:part>")
    for first, second, puid in ((MIB, 15 * MIB // 2, "fmt/477"), (15 * MIB // 2, MIB, "fmt/276")):
        data = bytearray(pdf(8 * MIB, None))
        data[first : first + half] = CLAIM[:half]
        data[second : second + len(CLAIM) - half] = CLAIM[half:]
        path.write_bytes(data)
        assert [one.puid for one in ask(path).matches] == [puid]
