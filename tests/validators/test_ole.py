# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from pipeline.core.records import Outcome, Severity, ValidationResult, Verdict
from validators.ole import VALIDATOR
from validators.ooxml import VALIDATOR as OOXML

FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: dict[str, bytes], storages: tuple[str, ...] = ()) -> bytes:
    """Build a compound file: [MS-CFB], version 3, every stream in sectors of 512 bytes."""
    fat: list[int] = []
    body = b""
    starts = {}
    for name, data in streams.items():
        padded = data.ljust(4096, b"\0")  # below 4096 bytes a stream lies in the mini stream
        padded += b"\0" * (-len(padded) % 512)
        count = len(padded) // 512
        starts[name] = (len(fat), max(len(data), 4096))
        fat += [*range(len(fat) + 1, len(fat) + count), END]
        body += padded
    entries = [("Root Entry", 5, END, 0)]
    entries += [(name, 2, *starts[name]) for name in streams]
    entries += [(name, 1, 0, 0) for name in storages]
    records = b""
    for number, (name, kind, start, size) in enumerate(entries):
        encoded = name.encode("utf-16-le") + b"\0\0"
        # A list to the right: readers do not ask for a balanced tree.
        right = number + 1 if 0 < number < len(entries) - 1 else FREE
        child = 1 if number == 0 and len(entries) > 1 else FREE
        records += encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1)
        records += struct.pack("<III", FREE, right, child) + bytes(36)
        records += struct.pack("<IQ", start, size)
    records += b"\0" * (-len(records) % 512)
    directory = len(fat)
    count = len(records) // 512
    fat += [*range(directory + 1, directory + count), END]
    table = len(fat)
    tables = -(-(table + 1) // 128)
    while -(-(table + tables) // 128) > tables:
        tables += 1
    fat += [TABLE] * tables
    fat += [FREE] * (128 * tables - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, directory, 0, 4096)
    header += struct.pack("<IIII", END, 0, END, 0)
    difat = [*range(table, table + tables)]
    header += struct.pack("<109I", *difat, *[FREE] * (109 - tables))
    return header + body + records + struct.pack(f"<{len(fat)}I", *fat)


def word(flags: int = 0) -> dict[str, bytes]:
    fib = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0, 0, flags) + os.urandom(9000)
    return {"WordDocument": fib, "0Table": os.urandom(5000), "1Table": os.urandom(5000)}


def records(*kinds: int) -> bytes:
    return b"".join(struct.pack("<HH", kind, 16) + bytes(16) for kind in kinds)


def judge(tmp_path: Path, data: bytes, name: str = "a.doc") -> ValidationResult:
    path = tmp_path / name
    path.write_bytes(data)
    return VALIDATOR.validate(path)


def codes(result: ValidationResult) -> set[str]:
    return {message.code for message in result.messages if message.severity is Severity.ERROR}


WHOLE = {
    "a.doc": word(),
    "a.xls": {"Workbook": records(0x0809, 0x0042, 0x000A)},
    "b.xls": {"WORKBOOK": records(0x0809, 0x0042, 0x000A)},
    "a.ppt": {
        "PowerPoint Document": os.urandom(6000),
        "Current User": struct.pack("<IIII", 0, 0, 20, 0xE391C05F),
    },
    "a.msg": {"__properties_version1.0": bytes(64)},
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files(tmp_path: Path, name: str) -> None:
    result = judge(tmp_path, compound(WHOLE[name]), name)
    assert (result.verdict, result.messages) == (Verdict.VALID, ())
    assert result.properties["encrypted"] is False


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("keep", [0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, -20, -1])
def test_truncated_files_are_never_valid(tmp_path: Path, name: str, keep: float) -> None:
    data = compound(WHOLE[name])
    cut = data[: int(len(data) * keep)] if keep > 0 else data[: int(keep)]
    result = judge(tmp_path, cut, name)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.DAMAGED)


@pytest.mark.parametrize(
    ("name", "streams"),
    [
        ("a.doc", word(flags=0x0100)),
        ("a.xls", {"Workbook": records(0x0809, 0x002F, 0x000A)}),
        ("b.xls", {"Book": records(0x0809, 0x002F, 0x000A)}),
        (
            "a.ppt",
            {
                "PowerPoint Document": os.urandom(6000),
                "Current User": struct.pack("<IIII", 0, 0, 20, 0xF3D1C4DF),
            },
        ),
    ],
)
def test_encrypted(tmp_path: Path, name: str, streams: dict[str, bytes]) -> None:
    result = judge(tmp_path, compound(streams), name)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.PASSWORD)
    assert result.properties["encrypted"] is True


def test_the_table_that_the_document_names_must_be_there(tmp_path: Path) -> None:
    streams = word(flags=0x0200)
    del streams["1Table"]
    assert codes(judge(tmp_path, compound(streams))) == {"ole.missing_stream"}
    streams = word()
    del streams["1Table"]
    assert judge(tmp_path, compound(streams)).verdict is Verdict.VALID


def test_a_compound_file_of_something_else(tmp_path: Path) -> None:
    data = compound({"Contents": b"x"})
    assert codes(judge(tmp_path, data, "a.xls")) == {"ole.missing_stream"}
    assert judge(tmp_path, data, "a.pub").verdict is Verdict.VALID


def test_records_that_do_not_end(tmp_path: Path) -> None:
    stream = struct.pack("<HH", 0x0809, 16) + bytes(16) + struct.pack("<HH", 0x42, 60_000)
    result = judge(tmp_path, compound({"Workbook": stream}), "a.xls")
    assert codes(result) == {"ole.truncated"}


def test_macros_are_told(tmp_path: Path) -> None:
    result = judge(tmp_path, compound(word(), storages=("_VBA_PROJECT_CUR",)))
    assert (result.verdict, result.properties["macros"]) == (Verdict.VALID, True)
    assert {message.code for message in result.messages} == {"package.macros"}


def test_old_worksheets_without_a_container(tmp_path: Path) -> None:
    data = records(0x0009, 0x0042, 0x0000, 0x000A)
    assert judge(tmp_path, data, "a.xls").verdict is Verdict.VALID
    assert judge(tmp_path, data[:-3], "a.xls").outcome is Outcome.DAMAGED
    assert judge(tmp_path, data[: len(data) // 2], "a.xls").outcome is Outcome.DAMAGED


def test_a_chain_in_a_circle_ends(tmp_path: Path) -> None:
    data = bytearray(compound(word()))
    place = data.rfind(struct.pack("<III", 1, 2, 3))
    struct.pack_into("<I", data, place + 4, 0)
    result = judge(tmp_path, bytes(data))
    assert (result.outcome, codes(result)) == (Outcome.DAMAGED, {"ole.stream"})


def test_empty_and_other(tmp_path: Path) -> None:
    assert judge(tmp_path, b"").outcome is Outcome.EMPTY
    assert judge(tmp_path, b"plain text").outcome is Outcome.DAMAGED


def test_an_encrypted_package_of_office_2007(tmp_path: Path) -> None:
    whole = struct.pack("<Q", 6000) + os.urandom(6000)
    path = tmp_path / "a.docx"
    path.write_bytes(compound({"EncryptedPackage": whole, "EncryptionInfo": b"x"}))
    assert OOXML.validate(path).outcome is Outcome.PASSWORD
    path.write_bytes(compound({"EncryptedPackage": whole[:5000], "EncryptionInfo": b"x"}))
    assert OOXML.validate(path).outcome is Outcome.DAMAGED
