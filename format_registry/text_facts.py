# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a file holds text, in which encoding and with which line ends, by its two ends.

The rules are those of `validators.text`, which reads the whole file; here each file pays,
so only its first and last bytes are looked at, with what Python does in C.
"""

from __future__ import annotations

import codecs
import io
import itertools
from dataclasses import dataclass

from pipeline.core import text_encoding
from pipeline.core.records import TextFacts
from pipeline.core.text_encoding import Encoding

_LOOK = 4096  # what a byte order mark and the NUL pattern of UTF-16 are looked for in
# Where there are letters above 127, so much is looked at: ten times as much takes 7 ms.
_SAMPLE = 4096
_PIECE = 128
# Controls that no text has; tab, line ends, form feed, DOS end of file and escape occur.
_CONTROLS = tuple(bytes([c]) for c in (*range(1, 9), *range(0x0E, 0x1A), *range(0x1C, 0x20)))
_CONTROLS_TOGETHER = b"".join(_CONTROLS)
_C1 = bytes(range(0x80, 0xA0))
_ALL_BUT_C1 = bytes(range(0x80)) + bytes(range(0xA0, 0x100))
_UNKNOWN = Encoding("unknown-8bit", guessed=True)
# How much of a text may be 80-9F: letters in code page 850 and on a Macintosh, elsewhere
# rare signs or undefined.
_C1_SHARE = {"cp850": 0.4, _UNKNOWN.name: 0.25}
_CONTINUATION = range(0x80, 0xC0)
_NAMES = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of the file, and whether it begins or ends in the middle of it."""

    data: bytes
    offset: int = 0
    more: bool = False


def text_facts(head: bytes, tail: bytes, size: int) -> TextFacts | None:
    """Return what kind of text a file holds; None for what is empty or not text.

    `head` and `tail` are its first and last bytes, at most 64 KiB each; they may overlap,
    and `tail` may be empty. `size` is the file's.
    """
    windows = _windows(head, tail, size)
    if not head:
        return None
    encoding = text_encoding.by_mark(head[:_LOOK])
    if encoding is not None:
        texts = _by_mark(windows, encoding)
    elif any(b"\0" in window.data for window in windows):
        return None
    else:
        body = b"".join(window.data for window in windows)
        if _controls(body):
            return None
        if (texts := _utf8(windows)) is not None:
            encoding = Encoding("ascii" if body.isascii() else "utf-8")
        elif (encoding := _single_byte(body)) is not None:
            # Line ends are the same bytes in all of these.
            texts = [window.data.decode("latin-1") for window in windows]
    if encoding is None or texts is None:
        return None
    return TextFacts(encoding.name, _line_ends(windows, texts), encoding.guessed, encoding.mark > 0)


def _windows(head: bytes, tail: bytes, size: int) -> list[_Window]:
    if size <= len(head):
        return [_Window(head)]
    overlap = len(head) + len(tail) - size
    if overlap >= 0:
        return [_Window(head + tail[overlap:])]
    windows = [_Window(head, more=True)]
    if tail:
        windows.append(_Window(tail, offset=size - len(tail)))
    return windows


def _any_control(data: bytes) -> bool:
    # To look for each takes half the time of counting them all.
    return any(control in data for control in _CONTROLS)


def _controls(data: bytes) -> bool:
    """Whether more than one in a hundred is a control character: a program or a picture."""
    if not _any_control(data):
        return False
    return (len(data) - len(data.translate(None, _CONTROLS_TOGETHER))) * 100 > len(data)


def _utf8(windows: list[_Window]) -> list[str] | None:
    """Return the texts of windows that are strict UTF-8 but for characters that a cut broke."""
    try:
        return [
            codecs.utf_8_decode(_from_character(window), "strict", not window.more)[0]
            for window in windows
        ]
    except UnicodeDecodeError:
        return None


def _from_character(window: _Window) -> bytes:
    """Return a window's data without the rest of a UTF-8 character that begins before it."""
    if not window.offset:
        return window.data
    start = 0
    while start < 3 and window.data[start : start + 1] and window.data[start] in _CONTINUATION:
        start += 1
    return window.data[start:]


def _by_mark(windows: list[_Window], encoding: Encoding) -> list[str] | None:
    """Return the texts in an encoding that the first bytes told, if they are text.

    A mark says what was meant: a stray bad character is damage, many are another format.
    """
    width = {"utf-16": 2, "utf-32": 4}.get(encoding.name[:6], 1)
    decoder = codecs.getincrementaldecoder(encoding.name)
    texts = []
    for window in windows:
        start = -window.offset % width if window.offset else encoding.mark
        data = _from_character(window) if width == 1 else window.data
        texts.append(decoder("replace").decode(data[start:], not window.more))
    # Half a character at the very end is a file cut short, in a text of any length.
    bad = sum(text.count("\ufffd") for text in texts) - texts[-1].endswith("\ufffd")
    plain = "".join(texts).encode("utf-8")
    if bad * 100 > sum(map(len, texts)) or b"\0" in plain or _controls(plain):
        return None
    return texts


def _single_byte(body: bytes) -> Encoding | None:
    """Return the likeliest encoding with one byte per character; None if that is no text."""
    pieces = (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))
    telling = (piece for piece in pieces if not piece.isascii())
    sample = b"\n".join(itertools.islice(telling, _SAMPLE // _PIECE))
    c1 = body.translate(None, _ALL_BUT_C1)
    # The bytes that tell Windows-1252 from ISO 8859-1 may come late in the text. Appended
    # side by side they have no letters for neighbours, and so count for nothing else.
    encoding = text_encoding.single_byte(sample + b"\n" + bytes(sorted(set(c1))))
    if encoding is None and not _any_control(body):
        encoding = _UNKNOWN
    if encoding is None or len(c1) > max(_C1_SHARE.get(encoding.name, 0.1) * len(body), 4):
        return None
    return encoding


def _line_ends(windows: list[_Window], texts: list[str]) -> str:
    seen: set[str] = set()
    for window, text in zip(windows, texts, strict=True):
        # What reads text files for Python also notes which line ends it met, faster than
        # they can be counted. CR at the end of a part, or LF at its beginning, may be half
        # of a CR LF that the cut divides.
        decoder = io.IncrementalNewlineDecoder(None, translate=False)
        decoder.decode(text[1:] if window.offset and text[:1] == "\n" else text, not window.more)
        met: str | tuple[str, ...] | None = decoder.newlines
        seen.update((met,) if isinstance(met, str) else met or ())
    if len(seen) > 1:
        return "mixed"
    return _NAMES[seen.pop()] if seen else "none"
