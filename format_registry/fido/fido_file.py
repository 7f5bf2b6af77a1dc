# SPDX-License-Identifier: AGPL-3.0-or-later
r"""The signatures that opf-fido ships, to ours.

They are regular expressions already: `(?s)\A.{4}ftyp.*` and the like. FIDO's second file,
format_extensions.xml, is left out: what it adds has no PUID, and what it replaces (Word 97,
RTF 1.0 to 1.4 reduced to one) stands in for container signatures and for searching deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from format_registry.fido.droid_file import fault, read
from format_registry.fido.model import Format, Pattern, Place, Signature, Step
from pipeline.core.errors import ToolMissingError

_GAP = re.compile(r"\.(?:\*\??|\{(\d+)(,(\d*))?\}\??)")
# An escape, a class, or any other single character.
_TOKEN = re.compile(r"\\.|\[\^?(?:\\.|[^\]])+\]|.", re.DOTALL)


def folder() -> Path:
    """Return where opf-fido keeps its signatures. Raises ToolMissingError.

    None of its code is run: it writes settings into other modules when it is imported.
    """
    found = find_spec("fido")
    if found is None or not found.submodule_search_locations:
        raise ToolMissingError("opf-fido", "install it with: pip install opf-fido")
    return Path(found.submodule_search_locations[0]) / "conf"


def shipped() -> tuple[int, Path, Path]:
    """Return (PRONOM version, formats file, container signature file) of opf-fido."""
    conf = folder()
    names = read(conf / "versions.xml", "versions")
    formats, containers = (
        conf / str(names.findtext(tag)) for tag in ("pronomSignature", "pronomContainerSignature")
    )
    return int(names.findtext("pronomVersion")), formats, containers


def parse(path: Path) -> tuple[dict[str, Format], tuple[Signature, ...]]:
    """Return (formats by PUID, signatures). Raises SignatureFileError."""
    formats: dict[str, Format] = {}
    signatures: list[Signature] = []
    for element in read(path, "formats").iter("format"):
        puid = (element.findtext("puid") or "").strip()
        if not puid or puid in formats:
            raise fault(path, element, f"a format without PUID, or a second {puid}")
        formats[puid] = _format(element, puid)
        signatures += _signatures(path, element, puid)
    return formats, tuple(signatures)


def _format(element: Any, puid: str) -> Format:
    texts = [(child.text or "").strip() for child in element.findall("extension")]
    return Format(
        puid=puid,
        name=element.findtext("name") or "",
        version=element.findtext("version") or "",
        mime=", ".join(child.text for child in element.findall("mime") if child.text),
        extensions=tuple(dict.fromkeys(text.lower() for text in texts if text)),
        over=frozenset(child.text for child in element.findall("has_priority_over") if child.text),
    )


def _signatures(path: Path, element: Any, puid: str) -> Iterator[Signature]:
    for one in element.findall("signature"):
        patterns = tuple(_pattern(path, child) for child in one.findall("pattern"))
        if patterns:
            yield Signature(puid, one.findtext("name") or "", patterns)


def _pattern(path: Path, element: Any) -> Pattern:
    place = {"BOF": Place.BOF, "EOF": Place.EOF, "IFB": Place.VAR, "VAR": Place.VAR}.get(
        element.findtext("position") or ""
    )
    text = element.findtext("regex") or ""
    if place is None or not text.startswith("(?s)"):
        raise fault(path, element, f"a pattern that cannot be read: {text[:80]!r}")
    text = text[len("(?s)") :]
    anchored = text.startswith("\\A")
    steps, rest = split(text[2:] if anchored else text)
    if place is Place.EOF:
        if rest is None:
            raise fault(path, element, f"an EOF pattern without \\Z: {text[:80]!r}")
        return Pattern(place, (Step(0, None, steps[0].expression), *steps[1:]), rest)
    if not anchored:
        steps[0] = Step(steps[0].low, None, steps[0].expression)
    return Pattern(Place.VAR if steps[0].high is None else Place.BOF, tuple(steps))


def split(regex: str) -> tuple[list[Step], tuple[int, int | None] | None]:
    """Cut an expression at its gaps, and return what must follow it up to the end.

    Gaps are `.*` and `.{a,b}` outside of groups and classes; None: no end is asked for.
    """
    steps: list[Step] = []
    body, at, depth = "", 0, 0
    apart: tuple[int, int | None] = (0, 0)
    while at < len(regex):
        match = _GAP.match(regex, at) if not depth else None
        if match is not None:
            if body:
                steps.append(Step(*apart, body.encode("utf-8")))
                body, apart = "", (0, 0)
            low, high = _bounds(match)
            unbounded = high is None or apart[1] is None
            apart = apart[0] + low, None if unbounded else (apart[1] or 0) + (high or 0)
            at = match.end()
        elif regex.startswith("\\Z", at):
            break
        else:
            token = _TOKEN.match(regex, at)
            assert token is not None
            depth += (token[0] == "(") - (token[0] == ")")
            body += token[0]
            at = token.end()
    ended = regex.startswith("\\Z", at)
    if not body and ended:
        return steps, apart
    if not body:
        # No end is asked for, but so many bytes must follow.
        last = steps[-1]
        more = b".{%d}" % apart[0] if apart[0] else b""
        return [*steps[:-1], Step(last.low, last.high, last.expression + more)], None
    steps.append(Step(*apart, body.encode("utf-8")))
    return steps, (0, 0) if ended else None


def _bounds(match: re.Match[str]) -> tuple[int, int | None]:
    if match[1] is None:
        return 0, None
    if match[2] is None:
        return int(match[1]), int(match[1])
    return int(match[1]), int(match[3]) if match[3] else None
