# SPDX-License-Identifier: AGPL-3.0-or-later
"""The National Archives' container signature file, to our container signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from format_registry.fido.droid_file import byte_sequences, fault, read
from format_registry.fido.model import ContainerSignature, InnerFile

KINDS = ("ZIP", "OLE2")


def parse(path: Path) -> tuple[ContainerSignature, ...]:
    """Return the container signatures. Raises SignatureFileError."""
    root = read(path, "ContainerSignatureMapping")
    puids: dict[str, list[str]] = {}
    for mapping in root.iter("FileFormatMapping"):
        number, puid = mapping.get("signatureId"), mapping.get("Puid")
        if not number or not puid:
            raise fault(path, mapping, "a FileFormatMapping without signatureId or Puid")
        puids.setdefault(number, []).append(puid)
    found = tuple(_signature(path, one, puids) for one in root.iter("ContainerSignature"))
    if not found:
        raise fault(path, root, "no ContainerSignature")
    return found


def _signature(path: Path, element: Any, puids: dict[str, list[str]]) -> ContainerSignature:
    number = element.get("Id")
    if number not in puids:
        raise fault(path, element, f"no FileFormatMapping for the signature {number}")
    kind = element.get("ContainerType")
    if kind not in KINDS:
        raise fault(path, element, f"a container of type {kind}; there are {', '.join(KINDS)}")
    files = tuple(_inner(path, one) for one in element.iter("File"))
    if not files:
        raise fault(path, element, "a ContainerSignature without File")
    name = (element.findtext("Description") or "").strip()
    return ContainerSignature(kind, name, tuple(dict.fromkeys(puids[number])), files)


def _inner(path: Path, element: Any) -> InnerFile:
    inside = (element.findtext("Path") or "").strip()
    if not inside:
        raise fault(path, element, "a File without Path")
    signatures = tuple(
        tuple(byte_sequences(path, one)) for one in element.iter("InternalSignature")
    )
    if not all(signatures):
        raise fault(path, element, "an InternalSignature without ByteSequence")
    return InnerFile(inside, signatures)
