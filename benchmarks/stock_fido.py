# SPDX-License-Identifier: AGPL-3.0-or-later
"""opf-fido's own engine, as its users run it, to compare ours with.

With the signatures that it ships, or with any set of ours, written in its format.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

from format_registry import signatures
from format_registry.fido import fido_file
from format_registry.fido.model import Pattern, Place, SignatureSet


def stock(name: str, folder: Path) -> Callable[[Path], tuple[str, ...]]:
    """Return stock FIDO as a function of a path to PUIDs, with the set of that name.

    `folder` is an empty one, for files in FIDO's format.
    """
    # FIDO's modules hold escapes that newer Pythons warn about; nothing to act on.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import fido.fido as library
    found: list[Any] = []
    if name in signatures.shipped():
        _, formats, containers = fido_file.shipped()
        conf, files = formats.parent, [formats.name, "format_extensions.xml"]
        library.defaults["containersignature_file"] = containers.name
    else:
        conf, files = folder, ["formats.xml", "format_extensions.xml"]
        _export(signatures.load(name), folder / "formats.xml")
        shutil.copyfile(fido_file.folder() / files[1], folder / files[1])
        (source,) = (signatures.home() / name).glob("container-signature-*.xml")
        shutil.copyfile(source, folder / source.name)
        # The argument of this name is ignored by FIDO 1.6.
        library.defaults["containersignature_file"] = source.name
    engine = library.Fido(
        quiet=True,
        conf_dir=str(conf),
        format_files=files,
        handle_matches=lambda _name, matches, *_rest: found.extend(matches),
    )

    def ask(path: Path) -> tuple[str, ...]:
        found.clear()
        # What it cannot take, it raises or prints; a benchmark goes on.
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):
            engine.identify_file(str(path), extension=True)
        return tuple(dict.fromkeys(str(engine.get_puid(one)) for one, _ in found))

    return ask


def _export(known: SignatureSet, path: Path) -> None:
    root = ET.Element("formats")
    by_puid: dict[str, list[Any]] = {}
    for one in known.signatures:
        by_puid.setdefault(one.puid, []).append(one)
    for known_format in known.formats.values():
        element = ET.SubElement(root, "format")
        ET.SubElement(element, "puid").text = known_format.puid
        ET.SubElement(element, "name").text = known_format.name
        ET.SubElement(element, "version").text = known_format.version
        for extension in known_format.extensions:
            ET.SubElement(element, "extension").text = extension
        for puid in sorted(known_format.over):
            ET.SubElement(element, "has_priority_over").text = puid
        if known_format.puid == "x-fmt/263":
            ET.SubElement(element, "container").text = "zip"
        for one in by_puid.get(known_format.puid, ()):
            signature = ET.SubElement(element, "signature")
            ET.SubElement(signature, "name").text = one.name
            for pattern in one.patterns:
                child = ET.SubElement(signature, "pattern")
                ET.SubElement(child, "position").text = pattern.place.value
                ET.SubElement(child, "regex").text = _regex(pattern)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _regex(pattern: Pattern) -> str:
    """Return a pattern as FIDO writes one; bytes that XML cannot hold as escapes."""
    text = b"(?s)" + (b"\\A" if pattern.place is Place.BOF else b"")
    for number, step in enumerate(pattern.steps):
        if number or pattern.place is Place.BOF:
            text += _gap(step.low, step.high)
        text += step.expression
    if pattern.place is Place.EOF:
        text += _gap(*pattern.rest) + b"\\Z"
    return "".join(
        chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"
        for byte in re.sub(rb"\\([\x00-\x1f\x7f-\xff])", rb"\1", text)
    )


def _gap(low: int, high: int | None) -> bytes:
    if high is None:
        return b".*" if not low else b".{%d,}" % low
    if low == high:
        return b".{%d}" % low if low else b""
    return b".{%d,%d}" % (low, high)
