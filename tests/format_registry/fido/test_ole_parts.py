# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compound files of Office, whole and broken."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from random import Random
from typing import IO

import olefile
import pytest

from format_registry.fido.engine import Engine
from format_registry.fido.ole_parts import BrokenOleError, OleParts
from format_registry.fido.windows import Windows
from pipeline.core.records import Basis
from tests.format_registry.fido.conftest import Ask

OLE2 = "fmt/111"


def opened(stream: IO[bytes]) -> OleParts:
    size = os.fstat(stream.fileno()).st_size
    return OleParts(stream.fileno(), Windows(stream.fileno(), size))


def test_the_same_streams_with_the_same_bytes_as_olefile_reads(corpus_files: list[Path]) -> None:
    compared = streams = 0
    for path in corpus_files:
        if not olefile.isOleFile(path):
            continue
        try:
            theirs = olefile.OleFileIO(path)
            listed = theirs.listdir(streams=True, storages=True)
        except Exception:
            continue  # what olefile cannot read is the other tests' business
        with theirs, path.open("rb") as stream:
            ours = opened(stream)
            assert {"/".join(one) for one in listed} <= ours.names, path
            compared += 1
            for one in theirs.listdir():
                name = "/".join(one)
                try:
                    expected = theirs.openstream(one).read()
                except Exception:
                    continue
                streams += 1
                assert ours.read(name, 1 << 30) == expected, (path, name)
                assert ours.read(name, 100) == expected[:100], (path, name)
    assert compared > 80
    assert streams > 800


@pytest.mark.parametrize("megabytes", [1, 9])
def test_large_files_are_read_from_the_disk(tmp_path: Path, corpus: Path, megabytes: int) -> None:
    data = bytearray((corpus / "format-corpus/text_only.doc").read_bytes())
    path = tmp_path / "large.doc"
    path.write_bytes(data + bytes(megabytes << 20))
    with (corpus / "format-corpus/text_only.doc").open("rb") as one, path.open("rb") as two:
        small, large = opened(one), opened(two)
        assert small.names == large.names
        for name in small.names:
            assert small.read(name, 1 << 20) == large.read(name, 1 << 20)


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
        found = opened(stream)
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
        opened(stream)
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


def large_compound_file(body: bytes) -> bytes:
    """Return a file of one stream whose tables need a chain of their own ([MS-CFB] 2.5)."""
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    data = -(-len(body) // 512)
    tables = 1
    while tables * 128 < data + 1 + tables + 8:
        tables += 1
    lists = max(0, -(-(tables - 109) // 127))
    # In order: tables, lists of tables, directory, stream.
    places = list(range(tables))
    first_list, directory, first = tables, tables + lists, tables + lists + 1
    chain = [0xFFFFFFFD] * tables + [0xFFFFFFFC] * lists + [end]
    chain += [*range(first + 1, first + data), end]
    chain += [free] * (tables * 128 - len(chain))
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<5H", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    numbers = (tables, directory, 0, 4096, end, 0, first_list if lists else end, lists)
    struct.pack_into("<8L", header, 44, *numbers)
    struct.pack_into("<109L", header, 76, *(places + [free] * 109)[:109])
    more = b""
    for number in range(lists):
        part = (places[109 + number * 127 :] + [free] * 127)[:127]
        following = first_list + number + 1 if number + 1 < lists else end
        more += struct.pack("<128L", *part, following)

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        raw = (name + "\0").encode("utf-16-le")
        head = raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1)
        return head + struct.pack("<3L36x2L4x", free, free, child, start, size)

    folder = entry("Root Entry", 5, 1, end, 0) + entry("Big", 2, free, first, len(body))
    folder += bytes(128) * 2
    return bytes(header) + struct.pack(f"<{len(chain)}L", *chain) + more + folder + body


@pytest.mark.parametrize("megabytes", [1, 8, 30])
def test_more_tables_than_the_header_has_room_for(tmp_path: Path, megabytes: int) -> None:
    body = Random(megabytes).randbytes(megabytes << 20)
    path = tmp_path / "large.doc"
    path.write_bytes(large_compound_file(body))
    with olefile.OleFileIO(path) as theirs:
        assert theirs.openstream("Big").read() == body
    with path.open("rb") as stream:
        ours = opened(stream)
        assert ours.names == {"Big"}
        assert ours.read("Big", 1 << 30) == body
        assert ours.read("Big", 1000) == body[:1000]
