# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words of Word 6 to 2003 documents, read without LibreOffice.

[MS-DOC]: the FIB (2.5) says where text stands, the piece table (2.8.35, 2.9.38) in which
order, character properties (2.9.32 ChpxFkp) what is hidden or deleted. Word 6 and 95 have
the same plan with other offsets (Word 6.0 binary file format; nFib 101 to 104).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from validators.fidelity import office_compound
from validators.fidelity.office_reading import TEXT_LIMIT, Reading, UnreadableError, volatile

_WORD97, _WORD6 = 0xA5EC, 0xA5DC
_ENCRYPTED, _SECOND_TABLE, _COMPLEX = 0x0100, 0x0200, 0x0004
_PAGE = 512  # bytes of a formatted disk page
_VANISH, _DELETED = 0x083C, 0x0800  # sprmCFVanish, sprmCFRMarkDel
_OPERANDS = (1, 1, 2, 4, 2, 2, -1, 3)  # bytes by the sprm's spra (2.2.5.1); -1: told by the first
_CELL, _PARAGRAPH, _BEGIN, _SEPARATOR, _END = "\x07", "\r", "\x13", "\x14", "\x15"
# Page breaks, columns, tabs; pictures and drawn objects; hyphens that show only at a line's end.
_PLAIN = {0x0B: "\n", 0x0C: "\n", 0x0E: "\n", 0x01: "", 0x08: "", 0x02: "", 0x03: "", 0x04: "",
          0x05: "", 0x1E: "-", 0x1F: "", 0x00: ""}  # fmt: skip


def read(path: Path) -> Reading:
    """Return text and cells of tables. Raises UnreadableError."""
    parts = office_compound.streams(path, ("worddocument", "0table", "1table"))
    data = parts.get("worddocument", b"")
    if len(data) < 0x1AA:
        raise UnreadableError("no WordDocument stream")
    magic, version = struct.unpack_from("<HH", data)
    flags = struct.unpack_from("<H", data, 0x0A)[0]
    if flags & _ENCRYPTED:
        raise UnreadableError("encrypted")
    try:
        if magic == _WORD97:
            table = parts.get("1table" if flags & _SECOND_TABLE else "0table", b"")
            text, seen = _word97(data, table)
            name = "Word 97-2003"
        elif magic == _WORD6 and 101 <= version <= 105:
            text, seen = _word6(data, bool(flags & _COMPLEX))
            name = "Word 6/95"
        else:
            raise UnreadableError(f"WordDocument begins with {magic:04X}, version {version}")
    except struct.error as error:
        raise UnreadableError(f"an offset lies outside of the file: {error}") from error
    shown = _shown(text, seen)
    return Reading(f"{name} reader", _settled(shown), tables=_tables(shown))


def _word97(data: bytes, table: bytes) -> tuple[str, str]:
    """Return the text of the document's parts, and for each character "1" when it is seen."""
    lengths = struct.unpack_from("<8i", data, 0x4C)
    main, notes, headers, macros, comments, ends, boxes, _ = lengths
    place, size = struct.unpack_from("<II", data, 0x1A2)
    pieces = list(_pieces(table[place : place + size], data))
    hidden = _hidden(data, table)
    text, seen = _joined(pieces, data, hidden)
    # The parts follow each other: main text, footnotes, headers, comments, endnotes, boxes.
    begin_ends = main + notes + headers + macros + comments
    spans = ((0, main + notes), (begin_ends, begin_ends + max(ends, 0) + max(boxes, 0)))
    if min(lengths) < 0 or main > len(text):
        raise UnreadableError("the lengths in the FIB are not those of the text")
    return ("\r".join(text[a:b] for a, b in spans), "1".join(seen[a:b] for a, b in spans))


def _pieces(clx: bytes, data: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield (offset in the stream, characters, whether of one byte each) of the piece table."""
    place = 0
    while place < len(clx) and clx[place] == 1:  # Prc: properties, passed over
        place += 3 + struct.unpack_from("<H", clx, place + 1)[0]
    if place >= len(clx) or clx[place] != 2:
        raise UnreadableError("no piece table")
    size = struct.unpack_from("<I", clx, place + 1)[0]
    plc = clx[place + 5 : place + 5 + size]
    count = max(0, (len(plc) - 4) // 12)
    starts = struct.unpack_from(f"<{count + 1}I", plc)
    total = 0
    for number in range(count):
        stands = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * number + 2)[0]
        narrow = bool(stands & 0x40000000)
        offset = (stands & 0x3FFFFFFF) // 2 if narrow else stands & 0x3FFFFFFF
        length = starts[number + 1] - starts[number]
        total += length
        if length < 0 or total > TEXT_LIMIT or offset > len(data):
            raise UnreadableError("the piece table leads out of the file")
        yield offset, length, narrow


def _word6(data: bytes, is_complex: bool) -> tuple[str, str]:
    start, _ = struct.unpack_from("<II", data, 0x18)
    main, notes = struct.unpack_from("<ii", data, 0x34)
    place, size = struct.unpack_from("<II", data, 0x160)
    if min(main, notes) < 0 or main > TEXT_LIMIT:
        raise UnreadableError("a negative length")
    if not is_complex or not size:
        text = data[start : start + main + notes].decode("cp1252", "replace")
        return text, "1" * len(text)
    # In Word 6 the pieces' offsets are plain and each character is one byte.
    clx = data[place : place + size]
    pieces = [(offset, length, True) for offset, length, _ in _pieces(clx, data)]
    text, seen = _joined(pieces, data, [])
    return text[: main + notes], seen[: main + notes]


def _joined(
    pieces: list[tuple[int, int, bool]], data: bytes, hidden: list[tuple[int, int]]
) -> tuple[str, str]:
    starts = [start for start, _ in hidden]
    text, seen = [], []
    for offset, length, narrow in pieces:
        width = 1 if narrow else 2
        raw = data[offset : offset + length * width]
        # utf-16 pairs of surrogates are two characters of the file: decoded one by one.
        whole = raw.decode("cp1252", "replace") if narrow else raw.decode("utf-16-le", "replace")
        if len(whole) != length:
            units = struct.unpack(f"<{len(raw) // 2}H", raw[: len(raw) // 2 * 2])
            whole = raw.decode("latin-1") if narrow else "".join(map(chr, units))
        flags = bytearray(b"1" * len(whole))
        first = max(0, bisect_right(starts, offset) - 1)
        for begin, end in hidden[first:]:
            if begin >= offset + length * width:
                break
            low = max(0, (begin - offset) // width)
            high = min(len(whole), (end - offset) // width)
            if high > low:
                flags[low:high] = b"0" * (high - low)
        text.append(whole)
        seen.append(flags.decode("ascii"))
    return "".join(text), "".join(seen)


def _hidden(data: bytes, table: bytes) -> list[tuple[int, int]]:
    """Return the stretches of the WordDocument stream that are hidden or marked as deleted."""
    place, size = struct.unpack_from("<II", data, 0xFA)  # PlcBteChpx
    count = max(0, (min(size, len(table) - place) - 4) // 8)
    found: list[tuple[int, int]] = []
    for number in range(count):
        page = struct.unpack_from("<I", table, place + 4 * (count + 1) + 4 * number)[0] & 0x3FFFFF
        block = data[page * _PAGE : (page + 1) * _PAGE]
        if len(block) < _PAGE:
            continue
        runs = block[_PAGE - 1]
        if runs * 5 + 4 > _PAGE - 1:
            continue
        bounds = struct.unpack_from(f"<{runs + 1}I", block)
        for run in range(runs):
            at = 2 * block[4 * (runs + 1) + run]
            if at and _unseen(block[at + 1 : at + 1 + block[at]]):
                found.append((bounds[run], bounds[run + 1]))
    return sorted(found)


def _unseen(properties: bytes) -> bool:
    """Return whether a list of sprms (2.6.1) hides its characters or marks them deleted."""
    place, state = 0, {_VANISH: 0, _DELETED: 0}
    while place + 3 <= len(properties):
        sprm = struct.unpack_from("<H", properties, place)[0]
        size = _OPERANDS[sprm >> 13]
        if sprm in state:
            state[sprm] = properties[place + 2]
        place += 2 + (size if size > 0 else 1 + properties[place + 2])
    # 0x80: as the style has it; 0x81: the opposite of that.
    return any(value in (1, 0x81) for value in state.values())


def _shown(text: str, seen: str) -> str:
    """Return what is seen: no code of a field, no result that is calculated anew."""
    pieces: list[str] = []
    codes: list[list[str]] = []  # of each field that is open: its code so far
    quiet = [False]  # for each, whether what comes is not shown
    for character, flag in zip(text, seen, strict=True):
        if character == _BEGIN:
            codes.append([])
            quiet.append(True)
        elif character == _SEPARATOR and codes:
            quiet[-1] = quiet[-2] or volatile("".join(codes[-1]))
        elif character == _END and codes:
            codes.pop()
            quiet.pop()
        elif quiet[-1]:
            if codes and len(codes[-1]) < 200:
                codes[-1].append(character)
        elif flag == "1" or character in (_CELL, _PARAGRAPH):
            pieces.append(character)
    return "".join(pieces).translate(_PLAIN)


def _settled(text: str) -> str:
    return text.replace(_CELL, "\n").replace(_PARAGRAPH, "\n")


def _tables(text: str) -> tuple[tuple[str, ...], ...] | None:
    """Return the cells with text, as of one table: the mark of a cell ends each."""
    cells = [one.rpartition(_PARAGRAPH)[2].strip() for one in text.split(_CELL)[:-1]]
    cells = [one for one in cells if one]
    return (tuple(cells),) if cells else None
