# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words and pictures of an OOXML or ODF file, read without LibreOffice.

A second reader: what LibreOffice dropped when it loaded the file would be missing from
its own account as well. Only what a reader of the document sees is taken: no comments,
notes, deletions, hidden text, hidden rows, nor fields that are calculated anew.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from pipeline.core.errors import DamagedError

_PART_LIMIT = 256 * 1024 * 1024  # bytes of one member, unpacked
_TEXT_LIMIT = 8 * 1024 * 1024  # characters of all members
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|bmp|tiff?)$", re.IGNORECASE)

_WORD = re.compile(r"word/(?:document|footnotes|endnotes)\d*\.xml$")
_SLIDE = re.compile(r"ppt/slides/slide\d+\.xml$")
_SHEET = re.compile(r"xl/worksheets/sheet\d+\.xml$")

_ODF_SKIP = frozenset(
    {
        "annotation", "tracked-changes", "notes", "title", "desc", "forms", "scripts",
        "hidden-text", "date", "time", "page-number", "page-count", "event-listeners",
        "ruby-text", "content-validations", "label-ranges", "sequence-decls",
        "modification-date", "modification-time", "file-name", "shape-id", "settings",
    }
)  # fmt: skip
_ODF_BREAKS = frozenset({"p", "h", "s", "tab", "line-break", "table-cell"})


def read(path: Path) -> tuple[str, int] | None:
    """Return the text and the number of different pictures, None for another format.

    Raises DamagedError.
    """
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names:
                return _ooxml(archive, names)
            if "content.xml" in names and "mimetype" in names:
                return _odf(archive)
    except BadZipFile:
        return None
    except (OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise DamagedError(str(error)[:300], "office.source") from error
    return None


def _ooxml(archive: ZipFile, names: list[str]) -> tuple[str, int] | None:
    ways: tuple[tuple[re.Pattern[str], Callable[[IO[bytes]], Iterator[str]]], ...] = (
        (_WORD, _word_text),
        (_SLIDE, _slide_text),
    )
    for pattern, parse in ways:
        parts = sorted(name for name in names if pattern.match(name))
        if parts:
            return _joined(archive, parts, parse), len(_pictures(archive, parts))
    parts = sorted(name for name in names if _SHEET.match(name))
    if not parts:
        return None  # .xlsb, or a package that names its parts in another way
    shared: list[str] = []
    if "xl/sharedStrings.xml" in names:
        with _member(archive, "xl/sharedStrings.xml") as stream:
            shared = list(_shared_strings(stream))
    drawings = [name for name in names if re.match(r"xl/drawings/drawing\d+\.xml$", name)]
    text = _joined(archive, parts, lambda stream: _cells(stream, shared))
    return text, len(_pictures(archive, drawings))


def _odf(archive: ZipFile) -> tuple[str, int]:
    hrefs: set[str] = set()
    text = _joined(archive, ["content.xml"], lambda stream: _odf_text(stream, hrefs))
    return text, len({archive.getinfo(h).CRC for h in hrefs if h in archive.namelist()})


def _joined(archive: ZipFile, parts: list[str], parse: Callable[[IO[bytes]], Iterator[str]]) -> str:
    from lxml import etree

    pieces: list[str] = []
    size = 0
    for name in parts:
        try:
            with _member(archive, name) as stream:
                for piece in parse(stream):
                    pieces.append(piece)
                    size += len(piece)
                    if size > _TEXT_LIMIT:
                        return "".join(pieces)
        except etree.XMLSyntaxError as error:
            raise DamagedError(f"{name}: {error}"[:300], "office.source") from error
        pieces.append("\n")
    return "".join(pieces)


def _member(archive: ZipFile, name: str) -> IO[bytes]:
    size = archive.getinfo(name).file_size
    if size > _PART_LIMIT:
        raise DamagedError(f"{name} unpacks to {size} bytes", "office.source")
    return archive.open(name)


def _events(stream: IO[bytes]) -> Iterator[tuple[str, Any, str, str]]:
    """Yield (event, element, namespace, local name); no entity, no network, bounded tree."""
    from lxml import etree

    parser = etree.iterparse(
        stream, events=("start", "end"), resolve_entities=False, no_network=True,
        load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    for event, element in parser:
        namespace, _, local = str(element.tag).rpartition("}")
        yield str(event), element, namespace[1:], local


def _word_text(stream: IO[bytes]) -> Iterator[str]:
    vanished = False
    fallback = 0
    for event, element, namespace, local in _events(stream):
        word = "wordprocessingml" in namespace
        if local == "Fallback":
            fallback += 1 if event == "start" else -1
        elif event == "start":
            if local == "r" and word:
                vanished = False
            elif local == "vanish" and word:
                vanished = _attribute(element, "val") not in ("0", "false", "off")
        else:
            if local == "t" and word and not vanished and not fallback:
                yield element.text or ""
            elif local in ("p", "tab", "br", "cr", "tc") and word:
                yield " "
            if local == "p" and word:
                vanished = False
                element.clear()


def _slide_text(stream: IO[bytes]) -> Iterator[str]:
    field = fallback = 0
    for event, element, _, local in _events(stream):
        if local in ("fld", "Fallback"):
            field += 0 if local == "Fallback" else 1 if event == "start" else -1
            fallback += 0 if local == "fld" else 1 if event == "start" else -1
        elif event == "end":
            if local == "t" and not field and not fallback:
                yield element.text or ""
            elif local in ("p", "br", "tab"):
                yield " "


def _shared_strings(stream: IO[bytes]) -> Iterator[str]:
    pieces: list[str] = []
    phonetic = 0
    for event, element, _, local in _events(stream):
        if local == "rPh":
            phonetic += 1 if event == "start" else -1
        elif event == "end" and local == "t" and not phonetic:
            pieces.append(element.text or "")
        elif event == "end" and local == "si":
            yield "".join(pieces)
            pieces = []
            element.clear()


def _cells(stream: IO[bytes], shared: list[str]) -> Iterator[str]:
    """Yield the strings of a sheet's cells. Numbers are judged as LibreOffice shows them."""
    hidden: set[int] = set()
    for event, element, _, local in _events(stream):
        if event == "end" and local == "col" and element.get("hidden") in ("1", "true"):
            first, last = int(element.get("min", 1)), int(element.get("max", 1))
            hidden.update(range(first, min(last, first + 20000) + 1))
        elif event == "end" and local == "row":
            if element.get("hidden") not in ("1", "true"):
                for cell in element:
                    if _column(cell.get("r") or "") not in hidden:
                        yield _string(cell, shared) + " "
            element.clear()


def _string(cell: Any, shared: list[str]) -> str:
    kind = cell.get("t")
    if kind == "inlineStr":
        return "".join(one.text or "" for one in cell.iter("{*}t"))
    value = cell.findtext("{*}v") or ""
    if kind == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    return value if kind == "str" else ""


def _column(reference: str) -> int:
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * 26 + ord(letter.upper()) - 64
    return number


def _odf_text(stream: IO[bytes], hrefs: set[str]) -> Iterator[str]:
    skipped = 0
    body = False
    for event, element, _, local in _events(stream):
        if local == "body":
            body = event == "start"
        hidden = _attribute(element, "visibility") in ("collapse", "filter")
        if local in _ODF_SKIP or hidden:
            skipped += 1 if event == "start" else -1
        if not body:
            continue
        if event == "start":
            if local == "image" and _PICTURE.search(_attribute(element, "href")):
                hrefs.add(_attribute(element, "href").removeprefix("./"))
            continue
        if local in _ODF_BREAKS:
            yield " "
        if local in ("p", "h") and not skipped and not _within_paragraph(element):
            yield _paragraph(element)
            yield " "


def _within_paragraph(element: Any) -> bool:
    return any(str(up.tag).rpartition("}")[2] in ("p", "h") for up in element.iterancestors())


def _paragraph(element: Any) -> str:
    """Return the text in and below a paragraph, in order, without what is skipped."""
    local = str(element.tag).rpartition("}")[2]
    pieces = []
    if local not in _ODF_SKIP:
        pieces.append(element.text or "")
        for child in element:
            pieces.append(_paragraph(child))
        if local in _ODF_BREAKS:
            pieces.append(" ")
    return "".join(pieces) + (element.tail or "")


def _attribute(element: Any, name: str) -> str:
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""


def _pictures(archive: ZipFile, parts: list[str]) -> set[int]:
    """Return the checksums of the pictures that these parts show, linked ones left out."""
    from lxml import etree

    found: set[int] = set()
    names = set(archive.namelist())
    for part in parts:
        folder, base = posixpath.split(part)
        relations = f"{folder}/_rels/{base}.rels"
        if relations not in names:
            continue
        with _member(archive, part) as stream:
            used = set(re.findall(rb'(?:embed|:id|pict)="([^"]+)"', stream.read(_PART_LIMIT)))
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        with _member(archive, relations) as stream:
            root = etree.parse(stream, parser).getroot()
        for one in root:
            if one.get("TargetMode") == "External" or (one.get("Id") or "").encode() not in used:
                continue
            name = posixpath.normpath(posixpath.join(folder, one.get("Target") or ""))
            name = name.lstrip("/") if name.startswith("/") else name
            if _PICTURE.search(name) and name in names:
                found.add(archive.getinfo(name).CRC)
    return found
