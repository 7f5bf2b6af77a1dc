# SPDX-License-Identifier: AGPL-3.0-or-later
"""A document that is a ZIP archive: every member read in full, with a limit, and checked.

APPNOTE.TXT 6.3.3, as ISO/IEC 21320-1 profiles it for documents. Memory: one block.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from pipeline.core.records import Outcome
from validators import xml_safe
from validators.findings import Findings
from validators.xml_safe import Reading, Start

MIB = 1024 * 1024
MEMBER_LIMIT = 512 * MIB
TOTAL_LIMIT = 2048 * MIB
MEMBERS_LIMIT = 100_000
# Deflate reaches 1:1030 on nothing but repetition; sheets of numbers reach 1:50.
_BOMB_RATIO = 300
_BOMB_SIZE = 64 * MIB
_BLOCK = MIB
_END_SEARCH = 22 + 65535  # the last record and its comment
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, struct.error,
    ValueError, RuntimeError,
)  # fmt: skip


@contextmanager
def opened(path: Path, found: Findings) -> Iterator[ZipFile | None]:
    """Open a package and read every member of it; None when it cannot be gone on with."""
    try:
        archive = ZipFile(path)
    except _BROKEN as error:
        found.error("zip.damaged", str(error))
        yield None
        return
    with archive:
        _check_ends(path, archive, found)
        _check(archive, found)
        yield archive if found.open else None


def _check_ends(path: Path, archive: ZipFile, found: Findings) -> None:
    """Make sure that the archive is this file, not one embedded in what is left of it.

    A directory is looked for from the end of the file; that of a truncated document may be
    gone, and one of a spreadsheet stored within it be found instead.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(4)
        stream.seek(max(size - _END_SEARCH, 0))
        tail = stream.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or place + 22 > len(tail):
        found.error("zip.damaged", "no end of the central directory")
        return
    left = len(tail) - place - 22 - struct.unpack_from("<H", tail, place + 20)[0]
    if left < 0:
        found.error("zip.damaged", "the end of the central directory is cut off")
    elif left:
        found.warn("zip.trailing", f"{left} bytes after the archive")
    start = min((member.header_offset for member in archive.infolist()), default=0)
    if start and head == b"PK\3\4":
        found.error("zip.damaged", f"{start} bytes of another archive, or of a part of this")
    elif start:
        found.warn("zip.leading", f"{start} bytes before the archive")


def _check(archive: ZipFile, found: Findings) -> None:
    members = archive.infolist()
    if not members:
        found.error("zip.damaged", "the archive has no members")
        return
    if any(member.flag_bits & 0x41 for member in members):
        found.error("zip.encrypted", members[0].filename, Outcome.PASSWORD)
        return
    for name, count in Counter(archive.namelist()).items():
        if count > 1:
            found.warn("zip.duplicate", f"{name}: {count} times")
        if name.startswith("/") or ".." in name.replace("\\", "/").split("/"):
            found.warn("zip.names", name)
    too_large = _too_large(members)
    if too_large:
        # By the headers: nothing has been inflated yet.
        found.undecided("zip.too_large", too_large, Outcome.TOO_LARGE)
        return
    for member in members:
        _read(archive, member, found)


def _too_large(members: list[ZipInfo]) -> str:
    if len(members) > MEMBERS_LIMIT:
        return f"{len(members)} members"
    for member in members:
        if member.file_size > MEMBER_LIMIT:
            return f"{member.filename}: {member.file_size} bytes"
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > _BOMB_SIZE and ratio > _BOMB_RATIO:
            return f"{member.filename}: {member.file_size} bytes from {member.compress_size}"
    total = sum(member.file_size for member in members)
    return f"{total} bytes in all" if total > TOTAL_LIMIT else ""


def _read(archive: ZipFile, member: ZipInfo, found: Findings) -> None:
    """Inflate a member to its end, where zipfile compares the checksum."""
    try:
        with archive.open(member) as stream:
            size = 0
            # The header may lie about the size; zipfile then stops there and the
            # checksum does not agree.
            while block := stream.read(_BLOCK):
                size += len(block)
        if size != member.file_size:
            found.error("zip.member", f"{member.filename}: {size} of {member.file_size} bytes")
    except _BROKEN as error:
        found.error("zip.member", f"{member.filename}: {error}")


def read_xml(
    archive: ZipFile, name: str, found: Findings, on_start: Start | None = None
) -> Reading:
    """Read one XML part; note what is wrong with it."""
    with archive.open(name) as stream:
        reading = xml_safe.read(stream, on_start)
    detail = f"{name}: {reading.detail}"
    if reading.problem == "xml.too_large":
        found.undecided(reading.problem, detail, Outcome.TOO_LARGE)
    elif reading.problem and name.lower().endswith(".vml"):
        # Office wrote unclosed <br> into drawings for years, and reads them back.
        found.warn(reading.problem, detail)
    elif reading.problem:
        found.error(reading.problem, detail)
    return reading
