# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words, tables and headings of Word and PowerPoint files of ISO/IEC 29500 (OOXML).

Only what a reader of the document sees is taken: no comments, notes, deletions, hidden
text, nor fields that are calculated anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO, Any
from zipfile import ZipFile

from validators.fidelity import office_ooxml_sheets
from validators.fidelity.office_package import attribute, events, member, pictures
from validators.fidelity.office_reading import TEXT_LIMIT, Reading, volatile

_WORD = re.compile(r"word/(?:document|footnotes|endnotes)\d*\.xml$")
_SLIDE = re.compile(r"ppt/slides/slide(\d+)\.xml$")
_HEADING = re.compile(r"heading \d$", re.IGNORECASE)
_BODY = "9"  # w:outlineLvl of a paragraph that is no heading (17.3.1.20)
_STYLES = "word/styles.xml"


def read(archive: ZipFile, names: list[str]) -> Reading | None:
    """Return what the package holds, None for one of another kind. Raises DamagedError."""
    parts = sorted(name for name in names if _WORD.match(name))
    if parts:
        return _text(archive, parts, names)
    parts = [name for name in names if _SLIDE.match(name)]
    if parts:
        return _slides(archive, parts)
    return office_ooxml_sheets.read(archive, names)


def _text(archive: ZipFile, parts: list[str], names: list[str]) -> Reading:
    headings, language = _styles(archive) if _STYLES in names else (frozenset(), "")
    found = _Words(frozenset(headings))
    for name in parts:
        with member(archive, name) as stream:
            found.read(stream)
        found.add("\n")
    return Reading(
        "OOXML reader",
        "".join(found.pieces),
        pictures=len(pictures(archive, parts)),
        tables=tuple(tuple(one) for one in found.tables if one),
        headings=tuple(found.headings),
        language=language,
    )


def _styles(archive: ZipFile) -> tuple[frozenset[str], str]:
    """Return the identifiers of heading styles and the document's default language."""
    based: dict[str, str] = {}
    level: dict[str, bool] = {}
    language = ""
    with member(archive, _STYLES) as stream:
        for event, element, _, local in events(stream):
            if event != "end":
                continue
            if local == "rPrDefault":
                language = next((attribute(one, "val") for one in element.iter("{*}lang")), "")
            elif local == "style":
                if attribute(element, "type") == "paragraph" and _on(element, "default"):
                    # The default paragraph style has the last word (17.7.2).
                    stated = (attribute(one, "val") for one in element.iter("{*}lang"))
                    language = next((one for one in stated if one), language)
                style = attribute(element, "styleId")
                name = next((attribute(one, "val") for one in element.iter("{*}name")), "")
                based[style] = next(
                    (attribute(one, "val") for one in element.iter("{*}basedOn")), ""
                )
                levels = [attribute(one, "val") for one in element.iter("{*}outlineLvl")]
                if levels or _HEADING.match(name):
                    level[style] = _BODY not in levels
                element.clear()
    found = set()
    for style in based:
        at, passed = style, set[str]()
        while at and at not in passed and at not in level:
            passed.add(at)
            at = based.get(at, "")
        if level.get(at):
            found.add(style)
    return frozenset(found), language


def _on(element: Any, name: str) -> bool:
    return attribute(element, name) in ("1", "true", "on")


@dataclass(slots=True)
class _Words:
    """Gathers the words of one or several parts."""

    styles: frozenset[str]
    pieces: list[str] = field(default_factory=list)
    tables: list[list[str]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    size: int = 0
    _open: list[list[str]] = field(default_factory=list)  # the tables that are open
    _cells: list[list[str]] = field(default_factory=list)  # their cells, and what they say
    _vanished: bool = False
    _fallback: int = 0
    _heading: list[str] | None = None
    _fields: list[tuple[list[str], bool]] = field(default_factory=list)  # code, result shown

    def add(self, text: str) -> None:
        self.size += len(text)
        self.pieces.append(text)
        if self._cells:
            self._cells[-1].append(text)
        if self._heading is not None:
            self._heading.append(text)

    def read(self, stream: IO[bytes]) -> None:
        for event, element, namespace, local in events(stream):
            if local == "Fallback":
                self._fallback += 1 if event == "start" else -1
            if "wordprocessingml" not in namespace:
                continue
            if self.size > TEXT_LIMIT:
                return
            if event == "start":
                self._start(element, local)
            else:
                self._end(element, local)

    def _start(self, element: Any, local: str) -> None:
        if local == "r":
            self._vanished = False
        elif local == "vanish":
            self._vanished = attribute(element, "val") not in ("0", "false", "off")
        elif local == "p":
            self._heading = None
        elif local in ("pStyle", "outlineLvl"):
            value = attribute(element, "val")
            if (value in self.styles) if local == "pStyle" else value != _BODY:
                self._heading = []
            elif local == "outlineLvl":
                self._heading = None
        elif local == "tbl" and not self._fallback:
            self._open.append([])
        elif local == "tc" and not self._fallback:
            self._cells.append([])
        elif local == "fldSimple":
            self._fields.append(([], not volatile(attribute(element, "instr"))))

    def _end(self, element: Any, local: str) -> None:
        if local == "t":
            shown = all(shown for _, shown in self._fields)
            if not self._vanished and not self._fallback and shown:
                self.add(element.text or "")
        elif local in ("fldChar", "instrText", "fldSimple"):
            self._field(element, local)
        elif local in ("tab", "br", "cr", "noBreakHyphen"):
            self.add("-" if local == "noBreakHyphen" else " ")
        elif local == "p":
            self._paragraph(element)
        elif local == "tc" and self._cells and not self._fallback:
            text = "".join(self._cells.pop()).strip()
            if text and self._open:
                self._open[-1].append(text)
        elif local == "tbl" and self._open and not self._fallback:
            self.tables.append(self._open.pop())

    def _field(self, element: Any, local: str) -> None:
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            self._fields.append(([], False))
        elif not self._fields:
            return
        elif local == "instrText":
            self._fields[-1][0].append(element.text or "")
        elif kind == "separate":
            code = self._fields[-1][0]
            self._fields[-1] = code, not volatile("".join(code))
        else:
            self._fields.pop()  # an "end", or `w:fldSimple` itself

    def _paragraph(self, element: Any) -> None:
        if self._heading is not None and not self._fallback:
            title = "".join(self._heading).strip()
            if title:
                self.headings.append(title)
        self._heading = None
        self.add(" ")
        self._vanished = False
        element.clear()


def _slides(archive: ZipFile, parts: list[str]) -> Reading:
    pieces: list[str] = []
    tables: list[tuple[str, ...]] = []
    size = 0
    for name in sorted(parts, key=lambda one: int(_SLIDE.match(one).group(1))):  # type: ignore[union-attr]
        with member(archive, name) as stream:
            text, found = _slide(stream)
        pieces.append(text)
        tables += found
        size += len(text)
        if size > TEXT_LIMIT:
            break
    count = len(pictures(archive, parts))
    return Reading("OOXML reader", "\n".join(pieces), pictures=count, tables=tuple(tables))


def _slide(stream: IO[bytes]) -> tuple[str, list[tuple[str, ...]]]:
    pieces: list[str] = []
    tables: list[tuple[str, ...]] = []
    cells: list[str] = []
    begun = field_ = fallback = 0
    for event, element, _, local in events(stream):
        step = 1 if event == "start" else -1
        if local == "fld":
            field_ += step
        elif local == "Fallback":
            fallback += step
        elif local == "tc":
            if event == "start":
                begun = len(pieces)
            elif "".join(pieces[begun:]).strip():
                cells.append("".join(pieces[begun:]).strip())
        elif event == "end" and local == "tbl":
            tables.append(tuple(cells))
            cells = []
        elif event == "end" and local == "t" and not field_ and not fallback:
            pieces.append(element.text or "")
        elif event == "end" and local in ("p", "br", "tab"):
            pieces.append(" ")
    return "".join(pieces), [one for one in tables if one]
