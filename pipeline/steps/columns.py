# SPDX-License-Identifier: AGPL-3.0-or-later
"""An identification as a row: Siegfried's columns, DROID's, and ours.

Siegfried's are those of `sf -hash sha256 -csv`, DROID's those of its CSV export; tools
that read either (Brunnhilde by position, demystify by name) find what they look for.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.core.paths import display, extension
from pipeline.core.records import Basis, Identification, Opinion, Outcome
from pipeline.steps.listing import Listed

SIEGFRIED = (
    "filename", "filesize", "modified", "errors", "sha256", "namespace", "id", "format",
    "version", "mime", "basis", "warning",
)  # fmt: skip
DROID = (
    "ID", "PARENT_ID", "URI", "FILE_PATH", "NAME", "METHOD", "STATUS", "SIZE", "TYPE", "EXT",
    "LAST_MODIFIED", "EXTENSION_MISMATCH", "SHA256_HASH", "FORMAT_COUNT", "PUID", "MIME_TYPE",
    "FORMAT_NAME", "FORMAT_VERSION",
)  # fmt: skip
OURS = (
    "outcome", "engine", "agreement", "conflict", "candidates", "siegfried_puids", "fido_puids",
    "signatures", "encoding", "line_ends", "duplicate_of", "libmagic_mime",
    "libmagic_description", "entropy", "first_bytes", "nearest", "group",
)  # fmt: skip
LAYOUTS = {"all": (*SIEGFRIED, *DROID, *OURS), "siegfried": SIEGFRIED, "droid": DROID}

_METHODS = {
    Basis.CONTAINER: "Container", Basis.SIGNATURE: "Signature", Basis.EXTENSION: "Extension",
    Basis.TEXT: "Text", Basis.NONE: "",
}  # fmt: skip
_MATCHES = {
    Basis.CONTAINER: "container match", Basis.SIGNATURE: "byte match",
    Basis.EXTENSION: "extension match", Basis.TEXT: "text match", Basis.NONE: "",
}  # fmt: skip
_STATUS = {
    Outcome.UNREADABLE: "AccessDenied", Outcome.VANISHED: "NotFound", Outcome.EMPTY: "Done",
    Outcome.OK: "Done",
}  # fmt: skip


def document(one: Listed, root: Path, duplicate_of: str) -> dict[str, Any]:
    """Return an entry as a JSON document."""
    found = one.identification
    opinions = {opinion.engine: opinion for opinion in found.opinions} if found else {}
    return {
        "path": shown(root, one),
        "size": one.record.size,
        "modified": _time(one.record.mtime_ns),
        "sha256": one.sha256,
        "outcome": outcome(one).value,
        "detail": one.detail,
        "puid": (found.puid or "") if found else "",
        "format": found.name if found else "",
        "version": found.version if found else "",
        "mime": found.mime if found else "",
        "basis": found.basis.value if found else "",
        "engine": found.engine if found else "",
        "agreement": found.agreement.value if found else "",
        "conflict": bool(found and found.conflict),
        "candidates": list(found.candidates) if found else [],
        "extension_mismatch": bool(found and found.extension_mismatch),
        "opinions": [_opinion(opinion) for opinion in opinions.values()],
        "signatures": _signatures(found),
        "encoding": found.text.encoding if found and found.text else "",
        "line_ends": found.text.line_ends if found and found.text else "",
        "duplicate_of": duplicate_of,
        "clues": _clues(found),
        "error": "" if one.outcome is Outcome.OK else f"{one.outcome.value}: {one.detail}",
    }


def shown(root: Path, one: Listed) -> str:
    """Return an entry's path as people read it."""
    return display(os.path.join(os.fsencode(root), one.record.raw))


def outcome(one: Listed) -> Outcome:
    """Return what a list says of an entry: unidentified and conflicts are no errors."""
    found = one.identification
    if found is None:
        return one.outcome
    if found.puid is None:
        return Outcome.UNIDENTIFIED
    return Outcome.REVIEW if found.conflict else Outcome.OK


def row(one: Listed, root: Path, number: int, duplicate_of: str) -> dict[str, str]:
    """Return an entry as text in all columns. `number` is DROID's ID."""
    told = document(one, root, duplicate_of)
    raw = one.record.raw
    folder = os.path.abspath(os.fsencode(root))
    found = one.identification
    clues = told["clues"] or {}
    several = len(found.candidates) if found and found.conflict else 1 if told["puid"] else 0
    named = {opinion["engine"]: " ".join(opinion["puids"]) for opinion in told["opinions"]}
    mismatch = "true" if told["extension_mismatch"] else "false"
    values = {
        "filename": told["path"],
        "filesize": str(told["size"]),
        "modified": told["modified"],
        "errors": told["error"],
        "sha256": told["sha256"],
        "namespace": "pronom",
        "id": told["puid"] or "UNKNOWN",
        "format": told["format"],
        "version": told["version"],
        "mime": told["mime"],
        "basis": _basis(found, raw),
        "warning": _warning(one),
        "ID": str(number),
        "PARENT_ID": "",
        "URI": "file:" + quote(os.path.join(folder, raw)),
        "FILE_PATH": display(os.path.join(folder, raw)),
        "NAME": display(os.path.basename(raw)),
        "METHOD": _METHODS[found.basis] if found else "",
        "STATUS": _STATUS.get(one.outcome, "Error"),
        "SIZE": str(told["size"]),
        "TYPE": "File",
        "EXT": extension(raw),
        "LAST_MODIFIED": told["modified"].rstrip("Z"),
        "EXTENSION_MISMATCH": mismatch,
        "SHA256_HASH": told["sha256"],
        "FORMAT_COUNT": str(several),
        "PUID": told["puid"],
        "MIME_TYPE": told["mime"],
        "FORMAT_NAME": told["format"],
        "FORMAT_VERSION": told["version"],
        "siegfried_puids": named.get("Siegfried", ""),
        "fido_puids": named.get("FIDO", ""),
        "libmagic_mime": clues.get("mime", ""),
        "libmagic_description": clues.get("description", ""),
        "entropy": str(clues.get("entropy", "")),
        "first_bytes": clues.get("first", ""),
        "nearest": "; ".join(
            f"{near['puid']} ({near['why']})" for near in clues.get("nearest", ())
        ),
        "group": clues.get("group", ""),
    }
    for name in OURS:
        value = told.get(name, "")
        text = " ".join(value) if isinstance(value, list) else str(value)
        values.setdefault(name, text.lower() if isinstance(value, bool) else text)
    return values


def _time(mtime_ns: int) -> str:
    """Return a time as ISO 8601, UTC, to the second; "" for an entry that has none."""
    if not mtime_ns:
        return ""
    try:
        return f"{datetime.fromtimestamp(mtime_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        # File systems keep years that calendars do not have.
        return ""


def _opinion(one: Opinion) -> dict[str, Any]:
    return {
        "engine": one.engine,
        "puids": list(one.puids),
        "basis": one.basis.value,
        "note": one.note,
    }


def _signatures(found: Identification | None) -> str:
    opinions = found.opinions if found else ()
    return " | ".join(f"{one.engine} {one.engine_version}: {one.signatures}" for one in opinions)


def _clues(found: Identification | None) -> dict[str, Any] | None:
    clues = found.clues if found else None
    if clues is None:
        return None
    return {
        "mime": clues.mime,
        "description": clues.description,
        "entropy": clues.entropy,
        "first": clues.first.hex(),
        "nearest": [{"puid": x.puid, "name": x.name, "why": x.why} for x in clues.nearest],
        "group": clues.group,
    }


def _basis(found: Identification | None, raw: bytes) -> str:
    if found is None or found.puid is None:
        return ""
    text = _MATCHES[found.basis]
    if found.basis is Basis.EXTENSION:
        text += f" {extension(raw)}"
    if found.basis is Basis.TEXT and found.text is not None:
        text += f" {found.text.encoding}"
    return f"{text}; {found.engine}"


def _warning(one: Listed) -> str:
    found = one.identification
    if found is None:
        return ""
    told = []
    if found.puid is None:
        told.append("no match")
    if found.extension_mismatch:
        told.append("extension mismatch")
    if found.puid and found.basis is Basis.EXTENSION:
        told.append("match on extension only")
    if found.puid and found.basis is Basis.TEXT:
        told.append("match on text only")
    if found.conflict:
        told.append(f"engines differ: {', '.join(found.candidates)}")
    elif found.puid is None and found.candidates:
        told.append(f"possibilities based on extension are {', '.join(found.candidates)}")
    return "; ".join(told)
