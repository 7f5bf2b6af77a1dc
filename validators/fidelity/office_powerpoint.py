# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words on the slides of PowerPoint 97 to 2003, read without LibreOffice.

[MS-PPT]: the Current User stream names the last edit (2.3.2), the edits name where each
object stands now (2.3.3 to 2.3.5); what earlier edits left in the stream is not shown. A
slide's text stands in its shapes, or in the document's list and is only named there
(2.4.14.3, 2.9.76 OutlineTextRefAtom). Masters and notes are not slides.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from validators.fidelity import office_compound
from validators.fidelity.office_reading import TEXT_LIMIT, Reading, UnreadableError

_DOCUMENT, _SLIDE, _LIST, _PLACE = 1000, 1006, 4080, 1011
_EDIT, _DIRECTORY, _ENCRYPTED = 4085, 6002, 0xF3D1C4DF
_HEADER, _CHARS, _BYTES, _REFERENCE = 3999, 4000, 4008, 3998
_DEPTH = 40
_RECORDS = 2_000_000


@dataclass(frozen=True, slots=True)
class _Record:
    kind: int
    instance: int
    start: int  # of what it holds
    end: int
    holds: bool  # other records


def read(path: Path) -> Reading:
    """Return the text of the slides. Raises UnreadableError."""
    parts = office_compound.streams(path, ("powerpoint document", "current user"))
    data, user = parts.get("powerpoint document", b""), parts.get("current user", b"")
    if not data or len(user) < 20:
        raise UnreadableError("no PowerPoint Document stream")
    token, last = struct.unpack_from("<II", user, 12)
    if token == _ENCRYPTED:
        raise UnreadableError("encrypted")
    try:
        return Reading("PowerPoint 97-2003 reader", "\n".join(_Show(data, last).slides()))
    except struct.error as error:
        raise UnreadableError(f"an offset lies outside of the file: {error}") from error


class _Show:
    def __init__(self, data: bytes, last: int) -> None:
        self._data = data
        self._seen = 0
        self._places, document = self._directory(last)
        self._document = self._record(self._places.get(document, len(data)))
        if self._document.kind != _DOCUMENT:
            raise UnreadableError("the last edit leads to no document")

    def slides(self) -> Iterator[str]:
        size = 0
        for one in self._children(self._document):
            if one.kind != _LIST or one.instance != 0:
                continue
            for identifier, outline in self._listed(one):
                start = self._places.get(identifier)
                if start is None:
                    continue
                slide = self._record(start)
                if slide.kind != _SLIDE:
                    continue
                for text in self._texts(slide, outline, 0):
                    size += len(text)
                    if size > TEXT_LIMIT:
                        return
                    yield text

    def _directory(self, last: int) -> tuple[dict[int, int], int]:
        """Return where each object stands by its identifier, and the document's identifier."""
        places: dict[int, int] = {}
        document, offset, passed = 0, last, set[int]()
        while offset and offset not in passed:
            passed.add(offset)
            edit = self._record(offset)
            if edit.kind != _EDIT:
                raise UnreadableError("no edit where one is named")
            earlier, directory, reference = struct.unpack_from("<8xIII", self._data, edit.start)
            document = document or reference
            listed = self._record(directory)
            if listed.kind != _DIRECTORY:
                raise UnreadableError("no directory where one is named")
            place = listed.start
            while place + 4 <= listed.end:
                head = struct.unpack_from("<I", self._data, place)[0]
                first, count = head & 0xFFFFF, head >> 20
                offsets = struct.unpack_from(f"<{count}I", self._data, place + 4)
                for number, stands in enumerate(offsets):
                    places.setdefault(first + number, stands)
                place += 4 + 4 * count
            offset = earlier
        return places, document

    def _listed(self, container: _Record) -> list[tuple[int, list[str]]]:
        """Return each slide's identifier with its texts in the document's list, in order."""
        found: list[tuple[int, list[str]]] = []
        for one in self._children(container):
            if one.kind == _PLACE:
                found.append((struct.unpack_from("<I", self._data, one.start)[0], []))
            elif one.kind == _HEADER and found:
                found[-1][1].append("")
            elif one.kind in (_CHARS, _BYTES) and found and found[-1][1]:
                found[-1][1][-1] = self._text(one)
        return found

    def _texts(self, container: _Record, outline: list[str], depth: int) -> Iterator[str]:
        for one in self._children(container):
            if one.kind in (_CHARS, _BYTES):
                yield self._text(one)
            elif one.kind == _REFERENCE:
                number = struct.unpack_from("<I", self._data, one.start)[0]
                if number < len(outline):
                    yield outline[number]
            elif one.holds and depth < _DEPTH:
                yield from self._texts(one, outline, depth + 1)

    def _text(self, atom: _Record) -> str:
        raw = self._data[atom.start : atom.end]
        text = raw.decode("utf-16-le" if atom.kind == _CHARS else "latin-1", "replace")
        return text.replace("\r", "\n").replace("\v", "\n")

    def _children(self, container: _Record) -> Iterator[_Record]:
        place = container.start
        while place + 8 <= container.end:
            one = self._record(place)
            yield one
            place = one.end

    def _record(self, offset: int) -> _Record:
        self._seen += 1
        if self._seen > _RECORDS:
            raise UnreadableError(f"more than {_RECORDS} records")
        head, kind, size = struct.unpack_from("<HHI", self._data, offset)
        end = min(offset + 8 + size, len(self._data))
        return _Record(kind, head >> 4, offset + 8, end, head & 0xF == 0xF)
