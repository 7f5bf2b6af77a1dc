# SPDX-License-Identifier: AGPL-3.0-or-later
"""With opf-fido's own signatures, the answers of its own matching: file for file.

Two differences are meant, and shown here: a format that another match has priority over
is dropped even where a third one dropped that other first, and what lies deeper than
128 KiB is seen.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from format_registry.fido import fido_file
from format_registry.fido.engine import Engine
from format_registry.fido.model import SignatureSet
from format_registry.fido.windows import Windows
from tests.format_registry.fido.matching import matching
from tests.format_registry.fido.test_prefilter import mutant

# What stock FIDO reads of either end of a file, if not told otherwise.
BUFFER = 128 * 1024


def stock_fido(**arguments: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is written for Python 2 and 3
        from fido.fido import Fido
    return Fido(quiet=True, nocontainer=True, handle_matches=print, **arguments)


@pytest.fixture(scope="module")
def stock() -> Iterator[Any]:
    cache = re._MAXCACHE  # type: ignore[attr-defined]
    found = stock_fido(format_files=[fido_file.shipped()[1].name])
    yield found
    re._MAXCACHE = cache  # type: ignore[attr-defined]


def by_stock(stock: Any, data: bytes, most: int = 1 << 30) -> set[str]:
    return {stock.get_puid(one) for one, _ in stock.match_formats(data[:most], data[-most:])}


def by_ours(engine: Engine, data: bytes) -> set[str]:
    found = engine.signatures(Windows.of(data))
    return {one.puid for one in engine._superior(found)}


def test_the_same_formats_for_files_and_for_damaged_ones(
    stock: Any, shipped: Engine, skeleton_files: list[Path], corpus_files: list[Path]
) -> None:
    random = Random(109)
    skeletons = [path.read_bytes() for path in skeleton_files]
    small = [one for one in skeletons if len(one) < 20_000]
    real = [path for path in corpus_files if path.stat().st_size <= BUFFER]
    several = [
        *skeletons[::12],
        *(path.read_bytes() for path in real[::12]),
        *(mutant(random, small) for _ in range(120)),
    ]
    wrong, named = [], 0
    for number, data in enumerate(several):
        theirs, ours = by_stock(stock, data), by_ours(shipped, data)
        named += bool(theirs)
        if ours != theirs:
            wrong.append((number, data[:16], sorted(theirs - ours), sorted(ours - theirs)))
    assert wrong == []
    assert named > 150


WAVE = b"RIFF\x24\0\0\0WAVEfmt %b" + b"\x01\0\x01\0" + b"\x40\x1f\0\0" * 2 + b"\x01\0\x08\0"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # `fmt (?!\x10)`: what stands behind the last byte of the step decides.
        (WAVE % b"\x10\0\0\0" + b"data" + bytes(40), {"fmt/141"}),
        (WAVE % b"\x12\0\0\0" + b"\0\0data" + bytes(40), {"fmt/142"}),
        (b"\x19\x91\x40\x01\xc8" + bytes(9), set()),
        (b"\x19\x91\x40\x01\xc9" + bytes(9), {"x-fmt/223"}),
    ],
)
def test_an_exclusion_at_the_end_of_a_part_looks_at_what_follows(
    stock: Any, shipped: Engine, data: bytes, expected: set[str]
) -> None:
    assert by_stock(stock, data) == expected
    assert by_ours(shipped, data) == expected


def test_bytes_that_must_follow_the_last_part_are_asked_for(stock: Any, shipped: Engine) -> None:
    random, asked = Random(45), 0
    for one in shipped.set.signatures:
        steps = one.patterns[0].steps
        if not re.search(rb"\.\{\d+\}$", steps[-1].expression) or len(one.patterns) > 1:
            continue
        asked += 1
        parts = [bytes(step.low) + (matching(step.expression, random) or b"") for step in steps]
        whole = b"".join(parts)
        assert one.puid in by_ours(shipped, whole) & by_stock(stock, whole)
        # Such as MPEG audio: one byte less, and the last frame is too short.
        assert by_ours(shipped, whole[:-1]) == by_stock(stock, whole[:-1])
        assert one.puid not in by_ours(shipped, whole[:-1])
    assert asked == 8


THREE = "".join(
    f"""<format><puid>{puid}</puid><name>{puid}</name>
    <signature><name>{puid}</name><pattern><position>BOF</position>
    <regex>(?s)\\A{text}</regex></pattern></signature>
    {f"<has_priority_over>{over}</has_priority_over>" if over else ""}</format>"""
    for puid, text, over in (
        ("fmt/1", "abc", "fmt/2"),
        ("fmt/2", "ab", "fmt/3"),
        ("fmt/3", "a", ""),
    )
)


def test_difference_a_dropped_format_still_counts_against_others(tmp_path: Path) -> None:
    path = tmp_path / "three.xml"
    path.write_text(f"<formats>{THREE}</formats>")
    stock = stock_fido(conf_dir=str(tmp_path), format_files=["three.xml"])
    formats, signatures = fido_file.parse(path)
    engine = Engine(SignatureSet("three", 1, (), formats, signatures, ()))
    # fmt/1 over fmt/2 over fmt/3. Stock drops fmt/2 before it could drop fmt/3.
    assert by_stock(stock, b"abc") == {"fmt/1", "fmt/3"}
    assert by_ours(engine, b"abc") == {"fmt/1"}
    assert by_ours(engine, b"ab") == by_stock(stock, b"ab") == {"fmt/2"}


def test_difference_a_pdfa_claim_beyond_128_kib_is_seen(stock: Any, shipped: Engine) -> None:
    claim = b"<x xmlns:pdfaid='http://www.aiim.org/pdfa/ns/id/'><pdfaid:part>1</pdfaid:part>"
    claim += b"<pdfaid:conformance>B</pdfaid:conformance></x>"
    for depth, theirs in ((1000, {"fmt/354"}), (300_000, {"fmt/18"})):
        data = b"%PDF-1.4\n" + b"." * depth + claim + b"." * 200_000 + b"\n%%EOF\n"
        assert by_stock(stock, data, BUFFER) == theirs
        assert by_ours(shipped, data) == {"fmt/354"}
