# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading XML of unknown origin: nothing fetched, nothing expanded, memory small.

XML 1.0 (fifth edition). Entities are the one way in which a small document can ask for
files, connections and gigabytes; they are counted before anyone follows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

# What a document may grow to by its own entities. Drawing programs define a dozen for
# namespaces; the classic bomb stands for a thousand million characters.
_EXPANSION_LIMIT = 10_000_000
_MESSAGES = 10

_MARKS = (
    (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"),
    (b"<\x00?\x00", "UTF-16"), (b"\x00<\x00?", "UTF-16"),
)  # fmt: skip
_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)""")

Start = Callable[["etree._Element"], None]


@dataclass(slots=True)
class Reading:
    """What was found in one XML document.

    `problem` is "" for a well-formed one, otherwise a message code (`xml.malformed`,
    `xml.entities`, `xml.too_large`) with the parser's words in `detail`.
    """

    root: str = ""
    namespace: str = ""
    encoding: str = ""
    elements: int = 0
    doctype: bool = False
    dtd: str = ""  # address of an external document type definition, which is not read
    external: list[str] = field(default_factory=list)
    problem: str = ""
    detail: str = ""
    schema_errors: list[str] = field(default_factory=list)


def read(
    source: IO[bytes], on_start: Start | None = None, schema: etree.XMLSchema | None = None
) -> Reading:
    """Read a document to its end, element by element, each forgotten as it closes.

    `on_start` is shown every element as it opens (attributes are there, content is not).
    With a `schema`, the document is also held against it. Raises OSError.
    """
    from lxml import etree

    reading = Reading(encoding=_declared(source.read(1024)))
    source.seek(0)
    events = etree.iterparse(
        source,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        schema=schema,
    )
    try:
        for event, element in events:
            if event == "end":
                # Cleared elements stay as empty siblings unless they are unlinked too.
                element.clear(keep_tail=False)
                while element.getprevious() is not None and element.getparent() is not None:
                    del element.getparent()[0]
                continue
            if reading.elements == 0:
                _root(element, reading)
                if reading.problem:
                    return reading
            reading.elements += 1
            if on_start is not None and isinstance(element.tag, str):
                on_start(element)
    except etree.XMLSyntaxError as error:
        _explain(error, events.error_log, reading)
    if reading.elements == 0 and not reading.problem:
        reading.problem, reading.detail = "xml.malformed", "no element"
    return reading


def _declared(head: bytes) -> str:
    """Return the encoding by XML 1.0 appendix F: byte order mark, else declaration."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    match = _DECLARATION.match(head)
    return match.group(1).decode("ascii").upper() if match else "UTF-8"


def _root(element: etree._Element, reading: Reading) -> None:
    info = element.getroottree().docinfo
    # Not QName, which raises for a prefix that is bound to nothing.
    space, _, reading.root = str(element.tag).rpartition("}")
    reading.namespace = space.removeprefix("{")
    reading.doctype = bool(info.doctype)  # type: ignore[attr-defined]  # not in lxml-stubs
    reading.dtd = info.system_url or ""  # type: ignore[attr-defined]  # not in lxml-stubs
    if info.internalDTD is not None:
        _entities(info.internalDTD, reading)


def _entities(dtd: etree.DTD, reading: Reading) -> None:
    content: dict[str, str] = {}
    for entity in dtd.iterentities():  # type: ignore[attr-defined]  # not in lxml-stubs
        address = getattr(entity, "system_url", None)
        if address:
            reading.external.append(f"{entity.name}: {address}")
        content[entity.name] = entity.content or ""
    if reading.external:
        reading.problem, reading.detail = "xml.entities", "; ".join(reading.external[:_MESSAGES])
        return
    sizes: dict[str, int] = {}
    for name in content:
        if _expanded(name, content, sizes, ()) > _EXPANSION_LIMIT:
            reading.problem = "xml.entities"
            reading.detail = f"entity {name} stands for more than {_EXPANSION_LIMIT} characters"
            return


def _expanded(
    name: str, content: dict[str, str], sizes: dict[str, int], above: tuple[str, ...]
) -> int:
    """Return how many characters an entity stands for; over the limit for a circle."""
    if name in above or len(above) > 100:
        return _EXPANSION_LIMIT + 1
    if name not in sizes:
        text = content.get(name, "")
        parts = text.split("&")
        size = len(parts[0])
        for part in parts[1:]:
            reference, _, rest = part.partition(";")
            size += len(rest) + _expanded(reference, content, sizes, (*above, name))
        sizes[name] = size
    return sizes[name]


def _explain(error: etree.XMLSyntaxError, log: etree._ListErrorLog, reading: Reading) -> None:
    entries = list(log)
    if entries and all(entry.domain_name == "SCHEMASV" for entry in entries):
        reading.schema_errors = [entry.message for entry in entries[:_MESSAGES]]
        return
    text = str(error)
    kind = entries[-1].type_name if entries else ""
    if "amplification" in text or kind in ("ERR_ENTITY_LOOP", "ERR_ENTITY_PROCESSING"):
        reading.problem = "xml.entities"
    elif kind == "ERR_RESOURCE_LIMIT" or "XML_PARSE_HUGE" in text:
        reading.problem = "xml.too_large"
    else:
        reading.problem = "xml.malformed"
    reading.detail = text
