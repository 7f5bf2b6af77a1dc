# SPDX-License-Identifier: AGPL-3.0-or-later
"""What PRONOM's reports tell of a format: one XML file per PUID, in a zip that opf-fido ships.

The reports hold what signature files leave out: descriptions, kinds and dates of formats,
and how formats are related other than by priority.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from lxml import etree

from format_registry.fido import fido_file
from pipeline.core.errors import ToolMissingError

_NAMESPACE = "{http://pronom.nationalarchives.gov.uk}"
_ZIP = re.compile(r"pronom-xml-v(\d+)\.zip")


@dataclass(frozen=True, slots=True)
class Relation:
    """How a format stands to another. `kind` is in PRONOM's words."""

    kind: str
    puid: str
    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What PRONOM knows of a format.

    `pronom_version` is that of the reports, 0 where they do not have the format;
    `signatures` names the signature set in use, "" where that does not have it.
    """

    puid: str
    name: str
    version: str = ""
    mime: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    description: str = ""
    released: str = ""
    relations: tuple[Relation, ...] = ()
    pronom_version: int = 0
    signatures: str = ""


def order(puid: str) -> tuple[str, int]:
    """Return what PUIDs are sorted by: fmt before x-fmt, then by number."""
    kind, _, number = puid.partition("/")
    return kind, int(number) if number.isdecimal() else 0


def version() -> int:
    """Return the version of PRONOM that the reports are of."""
    return _archive()[1]


@lru_cache(maxsize=1)
def reports() -> Mapping[str, Record]:
    """Return every report by its PUID, read once: about a third of a second."""
    path, number = _archive()
    # Relations name PRONOM's own number of a format, which only that format's report ties
    # to a PUID; so all are read for one.
    puids: dict[str, str] = {}
    found: list[Record] = []
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            root = etree.fromstring(archive.read(name), parser)
            element = root.find(f".//{_NAMESPACE}FileFormat")
            if element is not None:
                record = _record(element, number)
                puids[_text(element, "FormatID")] = record.puid
                found.append(record)
    return {record.puid: _resolved(record, puids) for record in found}


@lru_cache(maxsize=1)
def _archive() -> tuple[Path, int]:
    """Return the newest zip of reports and its version. Raises ToolMissingError."""
    found = [
        (path, int(name[1]))
        for path in fido_file.folder().glob("pronom-xml-v*.zip")
        if (name := _ZIP.fullmatch(path.name))
    ]
    if not found:
        raise ToolMissingError("PRONOM's reports", "they come with: pip install opf-fido")
    return max(found, key=lambda one: one[1])


def _record(element: etree._Element, number: int) -> Record:
    named = [
        (_text(one, "IdentifierType"), _text(one, "Identifier"))
        for one in element.findall(f"{_NAMESPACE}FileFormatIdentifier")
    ]
    return Record(
        puid=next(value for kind, value in named if kind == "PUID"),
        name=_text(element, "FormatName"),
        version=_text(element, "FormatVersion"),
        mime=tuple(value for kind, value in named if kind == "MIME"),
        extensions=tuple(
            _text(one, "Signature").lower()
            for one in element.findall(f"{_NAMESPACE}ExternalSignature")
            if _text(one, "SignatureType") == "File extension"
        ),
        types=tuple(one.strip() for one in _text(element, "FormatTypes").split(",") if one),
        description=_text(element, "FormatDescription"),
        released=_text(element, "ReleaseDate"),
        relations=tuple(
            Relation(
                _text(one, "RelationshipType"),
                _text(one, "RelatedFormatID"),  # made a PUID by `_resolved`
                _text(one, "RelatedFormatName"),
                _text(one, "RelatedFormatVersion"),
            )
            for one in element.findall(f"{_NAMESPACE}RelatedFormat")
        ),
        pronom_version=number,
    )


def _resolved(record: Record, puids: Mapping[str, str]) -> Record:
    known = (one for one in record.relations if one.puid in puids)
    return replace(record, relations=tuple(replace(one, puid=puids[one.puid]) for one in known))


def _text(element: etree._Element, tag: str) -> str:
    return " ".join((element.findtext(f"{_NAMESPACE}{tag}") or "").split())
