# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compound files (OLE2): Word, Excel, PowerPoint 95-2003 and Outlook messages.

[MS-CFB] for the container; [MS-DOC] 2.5.2, [MS-XLS] 2.4.117, [MS-PPT] 2.3.2 and
[MS-OFFCRYPTO] for what says that a document is encrypted; [MS-OXMSG] for messages.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from validators import cfb_extent
from validators.findings import Findings, empty, packages

if TYPE_CHECKING:
    from olefile import OleFileIO

NAME = "ole"
_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAM = 2  # [MS-CFB] 2.6.1, object type
_BIFF_START = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")
_ERRORS = (
    OSError,
    ArithmeticError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    struct.error,
)
# What names of streams say of the document; the first that is there decides.
_KINDS = {
    "WordDocument": "word",
    "Workbook": "excel",
    "Book": "excel",
    "PowerPoint Document": "powerpoint",
    "PP40": "powerpoint",
    "__properties_version1.0": "message",
}
_EXTENSIONS = {
    ".doc": "word", ".dot": "word", ".xls": "excel", ".xlt": "excel", ".ppt": "powerpoint",
    ".pps": "powerpoint", ".pot": "powerpoint", ".msg": "message",
}  # fmt: skip
_PPT_ENCRYPTED = 0xF3D1C4DF  # headerToken of the CurrentUserAtom


class OleValidator:
    """Reads every stream of a compound file and asks the document whether it is encrypted."""

    name = NAME
    puids = frozenset(
        {
            "fmt/39", "fmt/40", "fmt/55", "fmt/56", "fmt/57", "fmt/58", "fmt/59", "fmt/60",
            "fmt/61", "fmt/62", "fmt/111", "fmt/125", "fmt/126", "fmt/609", "fmt/754",
            "fmt/755", "x-fmt/17", "x-fmt/45", "x-fmt/84", "x-fmt/87", "x-fmt/430",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return the reader. Raises ToolMissingError."""
        return packages("olefile")

    def validate(self, path: Path) -> ValidationResult:
        """Judge a compound file, or a bare Excel 2-4 worksheet."""
        return isolate.call(Pool.LIBRARIES, _judge, path)


def _judge(path: Path) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    with path.open("rb") as stream:
        head = stream.read(8)
    if head[:2] in _BIFF_START:
        found.properties["kind"] = "excel"
        _records(path.read_bytes(), found, whole=True)
        return found.result()
    if head != _MAGIC:
        found.error("ole.damaged", "no compound file header")
        return found.result()
    import olefile

    try:
        with olefile.OleFileIO(path) as compound:
            _Compound(compound, found, path).check()
    except _ERRORS as error:
        found.error("ole.damaged", f"{type(error).__name__}: {error}")
    return found.result()


class _Compound:
    def __init__(self, compound: OleFileIO, found: Findings, path: Path) -> None:
        self._compound = compound
        self._found = found
        self._path = path
        self._entries = compound.listdir(streams=True, storages=True)
        # Names compare without regard to case ([MS-CFB] 2.6.4), and a few writers rely on it.
        known = {name.lower(): name for name in (*_KINDS, "0Table", "1Table")}
        tops = {parts[0] for parts in self._entries if len(parts) == 1}
        self._top = {known.get(name.lower(), name) for name in tops}

    def check(self) -> None:
        """Note everything about the file."""
        kind = next((kind for name, kind in _KINDS.items() if name in self._top), "other")
        self._found.properties["kind"] = kind
        self._describe()
        self._extent(kind)
        self._circles()
        for parts in self._compound.listdir():
            self._read(parts)
        if self._found.failed:
            return
        expected = _EXTENSIONS.get(self._path.suffix.lower(), kind)
        if kind == "other" and expected != kind and "EncryptedPackage" not in self._top:
            self._found.error("ole.missing_stream", f"nothing of {expected} in {sorted(self._top)}")
        elif self._encrypted(kind):
            self._found.properties["encrypted"] = True
            self._found.error("package.password", kind, Outcome.PASSWORD)

    def _extent(self, kind: str) -> None:
        """Compare the file's length with what its allocation table speaks of.

        olefile cuts the table to the file, and so a cut file looks whole to it.
        """
        size = self._path.stat().st_size
        extent = cfb_extent.read(self._path)
        if size < extent.needed:
            self._found.error("ole.truncated", f"{size} of at least {extent.needed} bytes")
        elif size < extent.full and kind != "other":
            # At most padding is lost, but Office writes whole sectors: the file was cut.
            self._found.error("ole.truncated", f"{size} of {extent.full} bytes")
        elif size < extent.full:
            # Other programs leave padding out; each stream is counted below.
            self._found.warn("ole.short", f"{size} of {extent.full} bytes")

    def _circles(self) -> None:
        """Find streams whose sectors come round again, which olefile reads twice."""
        for entry in self._compound.direntries:
            if entry is None or not entry.size or entry.entry_type != _STREAM or entry.is_minifat:
                continue
            have = len(cfb_extent.chain(self._compound.fat, entry.isectStart))
            if have * self._compound.sector_size < entry.size:
                self._found.error("ole.stream", f"{entry.name}: {have} sectors for {entry.size}")

    def _read(self, parts: list[str]) -> None:
        size = self._compound.get_size(parts)
        have = len(self._compound.openstream(parts).read())
        if have < size:
            self._found.error("ole.stream", f"{'/'.join(parts)}: {have} of {size} bytes")

    def _encrypted(self, kind: str) -> bool:
        if "EncryptedPackage" in self._top or "EncryptedSummary" in self._top:
            return True
        if kind == "word":
            return self._word()
        if kind == "excel":
            name = "Workbook" if "Workbook" in self._top else "Book"
            return _records(self._compound.openstream(name).read(), self._found, whole=False)
        if kind == "powerpoint" and "Current User" in self._top:
            atom = self._compound.openstream("Current User").read()
            return len(atom) >= 16 and struct.unpack("<I", atom[12:16])[0] == _PPT_ENCRYPTED
        return False

    def _word(self) -> bool:
        block = self._compound.openstream("WordDocument").read(0x20)
        if len(block) < 0x20:
            self._found.error("ole.stream", f"WordDocument: {len(block)} bytes")
            return False
        magic, flags = struct.unpack("<H8xH", block[:12])
        table = "1Table" if flags & 0x0200 else "0Table"
        # Since Word 97 the formatting stands in a stream of its own.
        if magic == 0xA5EC and table not in self._top:
            self._found.error("ole.missing_stream", table)
        elif magic not in (0xA5EC, 0xA5DC):
            self._found.warn("ole.header", f"WordDocument begins with {magic:04X}")
        return bool(flags & 0x0100)

    def _describe(self) -> None:
        names = {parts[-1] for parts in self._entries}
        macros = bool(names & {"VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR"})
        embedded = sum(
            1 for parts in self._entries
            if (len(parts) == 2 and parts[0] == "ObjectPool")
            or (len(parts) == 1 and parts[0].startswith(("MBD", "__attach_version1.0_")))
        )  # fmt: skip
        self._found.properties.update(macros=macros, embedded=embedded, encrypted=False)
        if macros:
            self._found.warn("package.macros")
        if embedded:
            self._found.inform("package.embedded", str(embedded))


def _records(data: bytes, found: Findings, *, whole: bool) -> bool:
    """Walk BIFF records up to the first EOF; return whether one of them is FILEPASS.

    `whole`: the records are the file itself (Excel 2-4), so all must be there.
    """
    place = depth = 0
    while place + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, place)
        place += 4 + size
        if kind == 0x2F:
            if whole:
                found.error("package.password", "FILEPASS", Outcome.PASSWORD)
            return True
        if kind & 0xF0FF == 0x0009:
            depth += 1
        elif kind == 0x0A:
            depth -= 1
            if depth <= 0 and place <= len(data):
                return False
    found.error("ole.truncated", f"the records end at {place} of {len(data)} bytes")
    return False


VALIDATOR = OleValidator()
