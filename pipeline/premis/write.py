# SPDX-License-Identifier: AGPL-3.0-or-later
"""The delivery's preservation metadata: PREMIS 3.0 XML, streamed from the ledger.

Data Dictionary for Preservation Metadata 3.0; event types from the Library of Congress
vocabulary. Sources and outputs are objects of category file, joined by a derivation
relationship; every event links the agents that acted and the objects it was about.
"""

from __future__ import annotations

import re
import sqlite3
import uuid
from pathlib import Path
from typing import Any

from lxml import etree

from pipeline.core.records import Agreement, EventType
from pipeline.core.staging import fsync_file, fsync_folder
from pipeline.ledger.connection import open_reader

NAME = "premis.xml"
NS = "http://www.loc.gov/premis/v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XLINK = "http://www.w3.org/1999/xlink"
_EVENT_TYPES = "http://id.loc.gov/vocabulary/preservation/eventType"
# Objects are named by delivery-relative path, and content or generation: RFC 9562 version 5.
_NAMESPACE = uuid.UUID("a4c1b0a2-1f0c-5a53-8d0c-3f6a2b1f9c55")
_DIGEST, _IDENTIFICATION = EventType.DIGEST.value, EventType.IDENTIFICATION.value
_OF_BOTH = (EventType.NORMALIZATION.value, EventType.COMPARISON.value)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_premis(out: Path) -> Path:
    """Write `out/premis.xml` anew and return its path. Raises ConfigError without a ledger."""
    target = out / NAME
    waiting = out / f".{NAME}.part"
    db = open_reader(out)
    try:
        # One view of the ledger throughout, also while a run goes on.
        db.execute("BEGIN")
        with etree.xmlfile(str(waiting), encoding="utf-8") as xml:
            xml.write_declaration()
            names = {None: NS, "xsi": _XSI, "xlink": _XLINK}
            with xml.element(f"{{{NS}}}premis", nsmap=names, version="3.0"):
                _objects(xml, db)
                _events(xml, db)
                _agents(xml, db)
    finally:
        db.close()
    fsync_file(waiting)
    waiting.replace(target)
    fsync_folder(out)
    return target


def source_id(raw: bytes, sha256: str | None) -> str:
    """Return the identifier of a source file: the same for as long as its content is."""
    return str(uuid.uuid5(_NAMESPACE, f"source/{raw.hex()}/{sha256 or ''}"))


def output_id(raw: bytes, generation: int) -> str:
    """Return the identifier of what was made from a source file."""
    return str(uuid.uuid5(_NAMESPACE, f"output/{raw.hex()}/{generation}"))


def _add(parent: Any, name: str, text: object = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{NS}}}{name}", attributes)
    if text is not None:
        element.text = _FORBIDDEN.sub("\ufffd", str(text))
    return element


def _identifier(parent: Any, kind: str, value: str) -> None:
    holder = _add(parent, f"{kind}Identifier")
    _add(holder, f"{kind}IdentifierType", "UUID" if kind != "agent" else "local")
    _add(holder, f"{kind}IdentifierValue", value)


def _linking(parent: Any, kind: str, value: str, role: str = "") -> None:
    name = kind[0].upper() + kind[1:]
    holder = _add(parent, f"linking{name}Identifier")
    _add(holder, f"linking{name}IdentifierType", "UUID" if kind != "agent" else "local")
    _add(holder, f"linking{name}IdentifierValue", value)
    if role:
        _add(holder, f"linking{name}Role", role)


def _objects(xml: Any, db: sqlite3.Connection) -> None:
    rows = db.execute(
        "SELECT files.*, i.name, i.version, i.signatures, i.engine, i.basis, i.agreement,"
        " m.output, m.size AS made_size, m.sha256 AS made_sha256, m.puid AS made_puid,"
        " m.format AS made_format, m.version AS made_version"
        " FROM files LEFT JOIN identifications AS i"
        " ON i.file = files.id AND i.generation = files.generation"
        " LEFT JOIN migrations AS m ON m.file = files.id AND m.generation = files.generation"
        " ORDER BY files.id"
    )
    for row in rows:
        source = source_id(row["raw"], row["sha256"])
        output = output_id(row["raw"], row["generation"])
        made = row["output"] is not None
        event = _normalization(db, row["id"], row["generation"]) if made else None
        one = _file(source)
        characteristics = one[1]
        _fixity(characteristics, "SHA-256", row["sha256"])
        _fixity(characteristics, "SHA-512", row["sha512"])
        _add(characteristics, "size", row["size"])
        holder = _format(
            characteristics, row["puid"], row["name"], row["version"], row["signatures"]
        )
        if note := _reservation(row["puid"], row["basis"], row["agreement"]):
            _add(holder, "formatNote", note)
        _add(one, "originalName", row["path"])
        if made:
            _derived(one, "is source of", output, event)
        xml.write(one)
        if made:
            other = _file(output)
            characteristics = other[1]
            _fixity(characteristics, "SHA-256", row["made_sha256"])
            _add(characteristics, "size", row["made_size"])
            made_format = (row["made_puid"], row["made_format"], row["made_version"])
            _format(characteristics, *made_format, row["signatures"])
            _add(other, "originalName", row["output"])
            _derived(other, "has source", source, event)
            xml.write(other)


def _normalization(db: sqlite3.Connection, file: int, generation: int) -> str | None:
    row = db.execute(
        "SELECT uuid FROM events WHERE file = ? AND generation = ? AND type = 'normalization'"
        " AND outcome = 'success'",
        (file, generation),
    ).fetchone()
    return None if row is None else str(row["uuid"])


def _file(identifier: str) -> Any:
    one = etree.Element(f"{{{NS}}}object")
    one.set(f"{{{_XSI}}}type", "file")
    _identifier(one, "object", identifier)
    characteristics = _add(one, "objectCharacteristics")
    _add(characteristics, "compositionLevel", 0)
    return one


def _fixity(parent: Any, algorithm: str, value: str | None) -> None:
    if value:
        holder = _add(parent, "fixity")
        _add(holder, "messageDigestAlgorithm", algorithm)
        _add(holder, "messageDigest", value)


def _format(
    parent: Any, puid: str | None, name: str | None, version: str | None, signatures: str | None
) -> Any:
    holder = _add(parent, "format")
    designation = _add(holder, "formatDesignation")
    _add(designation, "formatName", name or puid or "unknown")
    if version:
        _add(designation, "formatVersion", version)
    if puid:
        registry = _add(holder, "formatRegistry")
        _add(registry, "formatRegistryName", "PRONOM")
        _add(registry, "formatRegistryKey", puid)
        _add(registry, "formatRegistryRole", "specification")
    if signatures:
        _add(holder, "formatNote", signatures)
    return holder


def _reservation(puid: str | None, basis: str | None, agreement: str | None) -> str:
    """Return what must be known of an identification that does not rest on bytes alone."""
    if agreement == Agreement.CONFLICT.value:
        return "the answers conflict: see the event of its identification"
    if puid and agreement == Agreement.WEAK.value:
        return f"identified by {basis} only"
    return ""


def _derived(parent: Any, kind: str, other: str, event: str | None) -> None:
    holder = _add(parent, "relationship")
    _add(holder, "relationshipType", "derivation")
    _add(holder, "relationshipSubType", kind)
    related = _add(holder, "relatedObjectIdentifier")
    _add(related, "relatedObjectIdentifierType", "UUID")
    _add(related, "relatedObjectIdentifierValue", other)
    if event:
        happened = _add(holder, "relatedEventIdentifier")
        _add(happened, "relatedEventIdentifierType", "UUID")
        _add(happened, "relatedEventIdentifierValue", event)


def _events(xml: Any, db: sqlite3.Connection) -> None:
    rows = db.execute(
        "SELECT events.*, files.raw, files.sha256, m.output FROM events"
        " JOIN files ON files.id = events.file"
        " LEFT JOIN migrations AS m ON m.file = events.file AND m.generation = events.generation"
        " WHERE events.generation = files.generation OR (events.type IN (?, ?)"
        " AND events.generation = (SELECT max(generation) FROM events AS d"
        " WHERE d.file = files.id AND d.type = ?)) ORDER BY events.id",
        # A file that a new policy sent through anew was hashed and identified before.
        (_DIGEST, _IDENTIFICATION, _DIGEST),
    )
    for row in rows:
        one = etree.Element(f"{{{NS}}}event")
        _identifier(one, "event", row["uuid"])
        _add(one, "eventType", row["type"], authority="eventType", authorityURI=_EVENT_TYPES)
        _add(one, "eventDateTime", row["time"])
        detail = _add(one, "eventDetailInformation")
        _add(detail, "eventDetail", row["detail"])
        outcome = _add(one, "eventOutcomeInformation")
        _add(outcome, "eventOutcome", row["outcome"])
        for agent in db.execute("SELECT agent FROM event_agents WHERE event = ?", (row["id"],)):
            _linking(one, "agent", f"agent-{agent['agent']}", "executing program")
        if row["subject"] != "output" or row["type"] in _OF_BOTH:
            _linking(one, "object", source_id(row["raw"], row["sha256"]), "source")
        if row["subject"] == "output" and row["output"]:
            role = "outcome" if row["type"] == "normalization" else "source"
            _linking(one, "object", output_id(row["raw"], row["generation"]), role)
        xml.write(one)


def _agents(xml: Any, db: sqlite3.Connection) -> None:
    for row in db.execute("SELECT * FROM agents ORDER BY id"):
        one = etree.Element(f"{{{NS}}}agent")
        _identifier(one, "agent", f"agent-{row['id']}")
        _add(one, "agentName", row["name"])
        _add(one, "agentType", "software")
        _add(one, "agentVersion", row["version"])
        if row["note"]:
            _add(one, "agentNote", row["note"])
        xml.write(one)
