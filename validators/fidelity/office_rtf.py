# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words of an RTF document, read without LibreOffice.

Rich Text Format Specification 1.9.1: groups, control words and destinations; characters as
bytes of the font's code page or as Unicode with a replacement to pass over.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from pathlib import Path

from validators.fidelity.office_reading import TEXT_LIMIT, Reading, UnreadableError, volatile

_LIMIT = 256 * 1024 * 1024  # bytes of a file; pictures stand in it as digits
_DEPTH = 5_000  # groups within each other
_TOKEN = re.compile(
    rb"([{}])|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([^\\{}\r\n]+)"
    rb"|[\r\n]+|\\"
)
_CHARSETS = {
    0: "cp1252", 2: "symbol", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab",
    134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255",
    178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 255: "cp437",
}  # fmt: skip
_WORDS = {
    "par": "\n", "line": "\n", "page": "\n", "sect": "\n", "column": "\n", "tab": "\t",
    "cell": "\x07", "nestcell": "\x07", "row": "\n", "nestrow": "\n", "emdash": "\u2014",
    "endash": "\u2013", "bullet": "\u2022", "lquote": "\u2018", "rquote": "\u2019",
    "ldblquote": "\u201c", "rdblquote": "\u201d", "emspace": " ", "enspace": " ", "qmspace": " ",
}  # fmt: skip
_SYMBOLS = {"~": "\xa0", "_": "\u2011", "-": "", "\\": "\\", "{": "{", "}": "}", "\n": "\n",
            "\r": "\n"}  # fmt: skip
# Destinations whose text no reader of the page sees, or that a program makes anew.
_PASSED = frozenset(
    {
        "fonttbl", "colortbl", "stylesheet", "info", "pict", "objdata", "header", "headerl",
        "headerr", "headerf", "footer", "footerl", "footerr", "footerf", "listtext", "pntext",
        "pntxta", "pntxtb", "nonshppict", "xe", "tc", "rxe", "bxe", "ixe", "txe", "filetbl",
        "revtbl", "themedata", "objclass", "objname", "sp", "private1", "comment", "ftnsep",
        "ftnsepc", "aftnsep", "nonesttables", "datafield", "ffname", "ffdeftext", "ffentrymcr",
    }
)  # fmt: skip
# Of the destinations that a reader may pass over (`\*`), those that hold text to be seen.
_STARRED = frozenset({"shpinst", "ud", "nesttableprops", "footnote", "cs", "ds", "fldinst"})


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits and gives back when it ends."""

    font: int = -1
    passed: bool = False
    hidden: bool = False
    skip: int = 1  # characters that stand for one of `\u`
    code: bool = False  # within the instruction of a field
    field: int = -1  # which field this is a part of


def read(path: Path) -> Reading:
    """Return text and cells of tables. Raises UnreadableError."""
    with path.open("rb") as stream:
        data = stream.read(_LIMIT + 1)
    start = data[:64].find(b"{\\rt")  # some writers put a byte order mark or spaces before it
    if start < 0 or len(data) > _LIMIT:
        raise UnreadableError("no RTF, or too large")
    text = _Reader(data[start:]).text()
    cells = [one.rpartition("\n")[2].strip() for one in text.split("\x07")[:-1]]
    cells = [one for one in cells if one]
    return Reading(
        "RTF reader", text.replace("\x07", "\n"), tables=(tuple(cells),) if cells else None
    )


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._state = _State()
        self._stack: list[_State] = []
        self._pieces: list[str] = []
        self._bytes = bytearray()  # of one font, not decoded yet
        self._size = 0
        self._codepage = "cp1252"
        self._fonts: dict[int, str] = {}
        self._table = -1  # depth of the font table while in it
        self._starred = False
        self._waiting = 0  # characters still to be passed over after `\u`
        self._codes: list[str] = []  # the instructions of fields

    def text(self) -> str:
        place, data = 0, self._data
        while place < len(data) and self._size < TEXT_LIMIT:
            match = _TOKEN.match(data, place)
            if match is None:
                break
            place = match.end()
            brace, word, number, digits, symbol, plain = match.groups()
            if plain is not None:
                self._plain(plain)
            elif digits is not None:
                self._plain(bytes([int(digits, 16)]))
            elif word is not None:
                value = int(number) if number else None
                name = word.decode("ascii")
                if name == "bin":
                    place += max(0, value or 0)
                else:
                    self._word(name, value)
            elif brace is not None:
                self._group(brace)
                if brace == b"}" and not self._stack:
                    break
            elif symbol is not None:
                self._symbol(symbol.decode("latin-1"))
        self._flush()
        # Two surrogates, written one after the other, are one character.
        whole = "".join(self._pieces).encode("utf-16-le", "surrogatepass")
        return whole.decode("utf-16-le", "replace")

    def _group(self, brace: bytes) -> None:
        self._flush()
        self._starred = False
        self._waiting = 0
        if brace == b"{":
            if len(self._stack) >= _DEPTH:
                raise UnreadableError(f"more than {_DEPTH} groups within each other")
            self._stack.append(self._state)
        elif self._stack:
            self._state = self._stack.pop()
            if len(self._stack) < self._table:
                self._table = -1

    def _word(self, name: str, value: int | None) -> None:
        starred, self._starred = self._starred, False
        if name == "u" and value is not None:
            self._unicode(value)
            return
        if name == "uc":
            self._state = replace(self._state, skip=min(max(value or 0, 0), 8))
            return
        self._flush()
        if starred and name not in _STARRED:
            self._state = replace(self._state, passed=True)
        if name == "fonttbl":
            self._table = len(self._stack)
        if name in _PASSED or (name == "upr"):
            # `\upr` holds the text twice; the group `\*\ud` in it is the Unicode one.
            self._state = replace(self._state, passed=True)
        elif name == "ud":
            self._state = replace(self._state, passed=False)
        elif name in _WORDS:
            self._add(_WORDS[name])
        else:
            self._property(name, value)

    def _property(self, name: str, value: int | None) -> None:
        state = self._state
        if name == "f" and value is not None:
            self._state = replace(state, font=value)
        elif name in ("v", "deleted"):
            self._state = replace(state, hidden=value != 0)
        elif name == "plain":
            self._state = replace(state, hidden=False)
        elif name == "field":
            self._codes.append("")
            self._state = replace(state, field=len(self._codes) - 1)
        elif name == "fldinst":
            self._state = replace(state, code=True)
        elif name == "fldrslt" and state.field >= 0 and volatile(self._codes[state.field]):
            self._state = replace(state, passed=True)
        else:
            self._encoding(name, value)

    def _encoding(self, name: str, value: int | None) -> None:
        if name == "fcharset" and value is not None and self._table >= 0:
            self._fonts[self._state.font] = _CHARSETS.get(value, "")
        elif name == "ansicpg" and value:
            self._codepage = _known(f"cp{value}") or self._codepage
        else:
            self._codepage = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}.get(
                name, self._codepage
            )

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._starred = True
        elif symbol in _SYMBOLS:
            self._flush()
            self._add(_SYMBOLS[symbol])

    def _unicode(self, value: int) -> None:
        self._flush()
        # Written as a signed number of 16 bits; beyond the BMP as two surrogates.
        self._add(chr(value & 0xFFFF))
        self._waiting = self._state.skip

    def _plain(self, data: bytes) -> None:
        passed = min(self._waiting, len(data))
        self._waiting -= passed
        self._bytes += data[passed:]

    def _flush(self) -> None:
        if not self._bytes:
            return
        page = self._fonts.get(self._state.font) or self._codepage
        # Letters of symbol fonts are pictures: no word can be made of them.
        text = "" if page == "symbol" else self._bytes.decode(_known(page) or "cp1252", "replace")
        self._bytes.clear()
        self._add(text)

    def _add(self, text: str) -> None:
        state = self._state
        if state.passed or self._table >= 0:
            return
        if state.code:
            if state.field >= 0 and len(self._codes[state.field]) < 200:
                self._codes[state.field] += text
        elif not state.hidden:
            self._size += len(text)
            self._pieces.append(text)


def _known(codec: str) -> str:
    try:
        return codecs.lookup(codec).name
    except LookupError:
        return ""
