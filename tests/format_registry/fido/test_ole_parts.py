# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compound files of Office, whole and broken."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

import pytest

from format_registry.fido.engine import Engine
from format_registry.fido.ole_parts import BrokenOleError, OleParts
from pipeline.core.records import Basis
from tests.format_registry.fido.conftest import Ask

OLE2 = "fmt/111"


def test_office_files_are_not_just_containers(
    ask: Ask, corpus: Path, manifest: list[dict[str, str]]
) -> None:
    wrong, asked = [], 0
    for row in manifest:
        known = row["siegfried_puid_v125"]
        if row["path"].endswith((".doc", ".msg", ".xls", ".ppt")) and "container" in row["basis"]:
            answer = ask(corpus / row["path"])
            asked += 1
            if [one.puid for one in answer.matches] != [known]:
                wrong.append((row["path"], known, answer))
            assert answer.basis is Basis.CONTAINER
    assert wrong == []
    assert asked > 50


def test_streams_are_known_with_and_without_their_control_character(corpus: Path) -> None:
    with (corpus / "format-corpus/text_only.doc").open("rb") as stream:
        found = OleParts(stream)
        assert {"CompObj", "\x01CompObj", "WordDocument"} <= found.names
        assert found.read("CompObj", 9) == found.read("\x01CompObj", 9) != b""
        assert len(found.read("WordDocument", 100)) == 100
        assert found.read("WordDocument", 2) == b"\xec\xa5"


@pytest.mark.parametrize("length", [0, 7, 8, 100, 511, 512, 513, 1024, 1536])
def test_a_cut_compound_file_is_broken_or_holds_less(
    corpus: Path, tmp_path: Path, ask: Ask, length: int
) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes((corpus / "format-corpus/text_only.doc").read_bytes()[:length])
    with path.open("rb") as stream, pytest.raises(BrokenOleError):
        OleParts(stream)
    assert ask(path).basis is not Basis.CONTAINER


def test_tables_that_run_in_circles_end(corpus: Path, tmp_path: Path, ask: Ask) -> None:
    data = bytearray((corpus / "format-corpus/text_only.doc").read_bytes())
    (sector,) = struct.unpack_from("<L", data, 76)
    at = 512 + sector * 512
    path = tmp_path / "a.bin"
    for following in (0, 1, 5, 0x7FFFFFF0):
        # Every sector is followed by itself, by one and the same, or by one far outside.
        table = [number if following == 5 else following for number in range(128)]
        data[at : at + 512] = struct.pack("<128L", *table)
        path.write_bytes(data)
        # At most the names of its streams are found: Word of some version.
        assert [one.puid for one in ask(path).matches] in ([OLE2], ["fmt/609"])


def test_two_hundred_kinds_of_damage_never_raise(
    corpus: Path, tmp_path: Path, national: Engine
) -> None:
    random, path = Random(2), tmp_path / "a.doc"
    sources = [
        (corpus / name).read_bytes()
        for name in ("format-corpus/text_only.doc", "poi/simple_test_msg.msg", "poi/Bug60942.doc")
    ]
    bases = set()
    for number in range(210):
        data = bytearray(sources[number % 3])
        if number % 7 == 0:
            del data[random.randrange(8, len(data)) :]
        else:
            # Half of the damage to the header, whose numbers say where everything is.
            for _ in range(random.randint(1, 30)):
                at = random.randrange(24, 512) if number % 2 else random.randrange(512, len(data))
                data[at : at + 1] = random.choice([b"\0", b"\xff", b"\xfe", b"\x7f"])
        path.write_bytes(data)
        with path.open("rb") as stream:
            answer = national.open(stream, "a.doc")
        bases.add(answer.basis)
        assert answer.matches
    assert {Basis.CONTAINER, Basis.SIGNATURE} <= bases
