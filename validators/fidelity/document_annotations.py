# SPDX-License-Identifier: AGPL-3.0-or-later
"""What lies on a PDF's pages: links, annotations, fields, films; and the files attached.

Each is a Counter of descriptions in words, so that what is lost can be told by name.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from validators.fidelity.document_objects import (
    array,
    dictionary,
    inherited,
    named,
    number,
    placed,
    same,
    text,
    tree,
)
from validators.fidelity.document_targets import Targets

# ISO 19005-2, 6.3.1, forbids them; Screen plays films and sounds (ISO 32000-1, 12.5.6).
_MEDIA = frozenset({"Sound", "Movie", "Screen", "3D", "RichMedia"})
_ELSEWHERE = frozenset({"Link", "Widget", "Popup"})
_PUSHED = 1 << 16  # a button that holds no value (table 226)


def links(document: Any) -> Counter[str]:
    """Return "page 3: https://..." of each link that leads somewhere."""
    targets = Targets(document)
    found = (
        (place, targets.of(one)) for place, kind, one in _annotations(document) if kind == "Link"
    )
    return Counter(f"page {place}: {target}" for place, target in found if target)


def others(document: Any) -> Counter[str]:
    """Return "page 3: Text: contents" of each annotation of another kind."""
    return Counter(
        f"page {place}: {kind}: {text(one.get('/Contents'))}"
        for place, kind, one in _annotations(document)
        if kind not in _MEDIA and kind not in _ELSEWHERE
    )


def media(document: Any) -> Counter[str]:
    """Return "page 3: Movie" of each film, sound, three-dimensional view."""
    found = _annotations(document)
    return Counter(f"page {place}: {kind}" for place, kind, _ in found if kind in _MEDIA)


def _annotations(document: Any) -> Iterator[tuple[int, str, Any]]:
    for place, page in enumerate(document.pages, 1):
        for one in placed(page):
            yield place, text(one.get("/Subtype")).removeprefix("/"), one


def fields(document: Any) -> Counter[str]:
    """Return "name (Tx): value" of each field, whether or not it is to be seen on a page."""
    form = dictionary(document.Root.get("/AcroForm"))
    found: Counter[str] = Counter()
    seen: set[tuple[int, int]] = set()
    for node, _ in tree(form.get("/Fields"), "/Kids"):
        seen.add(same(node))
        if not any("/T" in dictionary(kid) for kid in array(node.get("/Kids"))) and "/T" in node:
            found[_field(node)] += 1
    for _, kind, one in _annotations(document):
        # A widget that the form does not list is a field to every program that shows it.
        stray = kind == "Widget" and same(one) not in seen and "/T" in one
        if stray and inherited(one, "/FT") is not None:
            found[_field(one)] += 1
    return found


def _field(node: Any) -> str:
    names, above = [], node
    for _ in range(64):
        if not len(dictionary(above)):
            break
        if "/T" in above:
            names.append(text(above.T))
        above = above.get("/Parent")
    kind = text(inherited(node, "/FT")).removeprefix("/")
    value = inherited(node, "/V")
    shown = ", ".join(map(text, array(value))) or text(value)
    if len(dictionary(value)):
        shown = "signed" if kind == "Sig" else "set"
    if kind == "Btn" and (shown == "/Off" or number(inherited(node, "/Ff")) & _PUSHED):
        shown = ""  # no value is off
    return f"{'.'.join(reversed(names))} ({kind}): {shown}"


def attachments(document: Any) -> Counter[str]:
    """Return name and SHA-256 of each attached file; several entries may name one."""
    names = dictionary(document.Root.get("/Names")).get("/EmbeddedFiles")
    specifications = [one for _, one in named(names, "/Names")] if names is not None else []
    specifications += array(document.Root.get("/AF"))
    specifications += [one.get("/FS") for _, _, one in _annotations(document) if "/FS" in one]
    found: Counter[str] = Counter()
    seen: set[tuple[int, int]] = set()
    for one in map(dictionary, specifications):
        stream = _content(dictionary(one.get("/EF")))
        if stream is None or (same(stream) in seen and same(stream) != (0, 0)):
            continue
        seen.add(same(stream))
        found[f"{text(one.get('/UF')) or text(one.get('/F'))} {_sha256(stream)}"] += 1
    return found


def _content(embedded: Any) -> Any:
    from pikepdf import Stream

    for key in ("/UF", "/F", "/Unix", "/DOS", "/Mac"):
        if isinstance(embedded.get(key), Stream):
            return embedded[key]
    return None


def _sha256(stream: Any) -> str:
    from pikepdf import PdfError

    try:
        data = stream.read_bytes()
    except PdfError:
        # It cannot be unpacked; then what is stored must be the same.
        data = stream.read_raw_bytes()
    return hashlib.sha256(data).hexdigest()
