# SPDX-License-Identifier: AGPL-3.0-or-later
"""Members of OOXML and ODF packages for our own readers: bounded, no entities, no network."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import IO, Any
from zipfile import ZipFile

from pipeline.core.errors import DamagedError

_PART_LIMIT = 256 * 1024 * 1024  # bytes of one member, unpacked
PICTURE = re.compile(r"\.(?:png|jpe?g|gif|bmp|tiff?)$", re.IGNORECASE)


def member(archive: ZipFile, name: str) -> IO[bytes]:
    """Open a member. Raises DamagedError where it unpacks to more than the limit."""
    size = archive.getinfo(name).file_size
    if size > _PART_LIMIT:
        raise DamagedError(f"{name} unpacks to {size} bytes", "office.source")
    return archive.open(name)


def events(stream: IO[bytes]) -> Iterator[tuple[str, Any, str, str]]:
    """Yield (event, element, namespace, local name); the caller clears what it has read."""
    from lxml import etree

    parser = etree.iterparse(
        stream, events=("start", "end"), resolve_entities=False, no_network=True,
        load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        for event, element in parser:
            namespace, _, local = str(element.tag).rpartition("}")
            yield str(event), element, namespace[1:], local
    except etree.XMLSyntaxError as error:
        raise DamagedError(f"{getattr(stream, 'name', '')}: {error}"[:300], "office.source") from (
            error
        )


def attribute(element: Any, name: str) -> str:
    """Return an attribute by its local name, "" where there is none."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""


def relations(archive: ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return identifier -> (type, member's name) of a part's internal relationships (OPC)."""
    folder, base = posixpath.split(part)
    name = f"{folder}/_rels/{base}.rels".lstrip("/")
    found: dict[str, tuple[str, str]] = {}
    if name not in archive.namelist():
        return found
    with member(archive, name) as stream:
        for event, element, _, local in events(stream):
            if event != "end" or local != "Relationship" or element.get("TargetMode") == "External":
                continue
            leads = posixpath.normpath(posixpath.join(folder, element.get("Target") or ""))
            kind = str(element.get("Type") or "").rpartition("/")[2]
            found[str(element.get("Id") or "")] = kind, leads.lstrip("/")
    return found


def pictures(archive: ZipFile, parts: list[str]) -> set[int]:
    """Return the checksums of the pictures that these parts show, linked ones left out."""
    found: set[int] = set()
    names = set(archive.namelist())
    for part in parts:
        leads = relations(archive, part)
        if not leads:
            continue
        with member(archive, part) as stream:
            used = set(re.findall(rb'(?:embed|:id|pict)="([^"]+)"', stream.read(_PART_LIMIT)))
        for identifier, (_, name) in leads.items():
            if identifier.encode() in used and PICTURE.search(name) and name in names:
                found.add(archive.getinfo(name).CRC)
    return found
