# SPDX-License-Identifier: AGPL-3.0-or-later
"""Parts of ZIP files as others make them, and as nobody should."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from random import Random

import pytest

from format_registry.fido.windows import Windows
from format_registry.fido.zip_parts import BrokenZipError, ZipParts

NAMES = [b"a.txt", b"folder/b.txt", b"folder/", b"mimetype"]
TEXT = b"what stands in it, " * 5000


def made(method: int = zipfile.ZIP_DEFLATED, **more: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("a.txt", TEXT)
        archive.writestr("folder/", b"")
        archive.writestr("folder/b.txt", b"short")
        for name, data in more.items():
            archive.writestr(name, data)
    return target.getvalue()


def parts(
    path: Path, data: bytes, names: list[bytes] = NAMES
) -> tuple[set[bytes], dict[bytes, bytes]]:
    """Return what the ZIP is said to have, and the first KiB of each part."""
    path.write_bytes(data)
    with path.open("rb") as stream:
        windows = Windows(stream.fileno(), len(data))
        found = ZipParts(stream.fileno(), len(data), windows.tail, set(names))
        return set(found.names), {name: found.read(name, 1024) for name in found.names}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_parts_are_read_as_far_as_asked(tmp_path: Path, method: int) -> None:
    names, data = parts(tmp_path / "a.zip", made(method))
    assert names == {b"a.txt", b"folder/b.txt", b"folder/"}
    assert data == {b"a.txt": TEXT[:1024], b"folder/b.txt": b"short", b"folder/": b""}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_parts_packed_otherwise_are_there_but_not_read(tmp_path: Path, method: int) -> None:
    names, data = parts(tmp_path / "a.zip", made(method))
    assert b"a.txt" in names
    assert data[b"a.txt"] == b""


@pytest.mark.parametrize("before", [b"MZ" + bytes(3000), made(mimetype=b"x"), b"\n"])
def test_bytes_before_a_zip_do_not_hide_its_parts(tmp_path: Path, before: bytes) -> None:
    names, data = parts(tmp_path / "a.exe", before + made())
    assert names == {b"a.txt", b"folder/b.txt", b"folder/"}
    assert data[b"a.txt"] == TEXT[:1024]


def test_a_comment_behind_the_directory_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made())
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"c" * 60_000 + b"PK\x05\x06"
    names, data = parts(path, path.read_bytes())
    assert data[b"a.txt"] == TEXT[:1024]
    assert len(names) == 3


def test_zip64_fields_of_an_entry_are_read(tmp_path: Path) -> None:
    # Size and place as a writer of very large archives gives them: in the extra field only.
    body = b"PK\x03\x04" + struct.pack("<5H3L2H", 45, 0, 0, 0, 0, 0, 5, 5, 1, 0) + b"a" + b"short"
    extra = struct.pack("<2H", 0x7075, 4) + b"skip" + struct.pack("<2H3Q", 1, 24, 5, 5, 0)
    wide = 0xFFFFFFFF
    entry = b"PK\x01\x02" + struct.pack(
        "<6H3L5H2L", 45, 45, 0, 0, 0, 0, 0, wide, wide, 1, len(extra), 0, 0, 0, 0, wide
    )
    entry += b"a" + extra
    end64 = b"PK\x06\x06" + struct.pack(
        "<Q2H2L4Q", 44, 45, 45, 0, 0, 1, 1, len(entry), len(body)
    )  # fmt: skip
    end64 += b"PK\x06\x07" + struct.pack("<LQL", 0, len(body) + len(entry), 1)
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, wide, wide, 0)
    for before in (b"", b"some bytes in front"):
        data = before + body + entry + end64 + end
        assert parts(tmp_path / "a.zip", data, [b"a"]) == ({b"a"}, {b"a": b"short"})


@pytest.mark.parametrize(
    "extra",
    [
        struct.pack("<2H", 1, 24),
        struct.pack("<2HQ", 1, 24, 5),
        struct.pack("<2H3Q", 1, 24, 5, 5, 2**64 - 1),
        struct.pack("<2H3Q", 1, 24, 2**63, 2**63, 2**63),
        struct.pack("<2H", 9, 65_535),
        b"\x01",
    ],
)
def test_zip64_fields_that_are_wrong_read_nothing(tmp_path: Path, extra: bytes) -> None:
    wide = 0xFFFFFFFF
    entry = b"PK\x01\x02" + struct.pack(
        "<6H3L5H2L", 45, 45, 0, 0, 0, 0, 0, wide, wide, 1, len(extra), 0, 0, 0, 0, wide
    )
    entry += b"a" + extra
    body = b"PK\x03\x04" + bytes(100)
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(entry), len(body), 0)
    assert parts(tmp_path / "a.zip", body + entry + end, [b"a"]) == ({b"a"}, {b"a": b""})


def test_damage_is_told_apart_or_read_as_nothing_but_never_raises(tmp_path: Path) -> None:
    random, whole = Random(6), made(mimetype=b"application/epub+zip")
    broken = read = 0
    for number in range(600):
        data = bytearray(whole)
        if number % 3 == 0:
            del data[random.randrange(len(data)) :]
        else:
            # Most of what can be wrong is in the directory, at the end.
            for _ in range(random.randint(1, 6)):
                data[-random.randint(1, min(len(data), 300))] = random.choice([0, 255, 1, 0x7F])
        try:
            read += bool(parts(tmp_path / "a.zip", bytes(data))[0])
        except BrokenZipError:
            broken += 1
    assert broken > 200
    assert read > 100
