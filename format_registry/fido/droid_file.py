# SPDX-License-Identifier: AGPL-3.0-or-later
"""DROID's signature file, as The National Archives publish it, to our signatures.

Its subsequences are cut up for DROID's search: an anchor and fragments to its left and
right, numbered outwards, several of one number being alternatives ("Automatic Format
Identification Using PRONOM and DROID", section 3.4). Here they are put together again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from format_registry.fido import sequences
from format_registry.fido.model import Format, Pattern, Place, Signature, Step
from pipeline.core.errors import ConfigError

_NS = "{http://www.nationalarchives.gov.uk/pronom/SignatureFile}"


class SignatureFileError(ConfigError):
    """A signature file cannot be used; the message names the file and the line."""


def read(path: Path, root: str) -> Any:
    """Return the root element of an XML file that must be a `root`.

    Raises SignatureFileError.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        found = etree.parse(str(path), parser).getroot()
    except etree.XMLSyntaxError as error:
        raise SignatureFileError(f"{path}: line {error.lineno}: {error.msg}") from error
    except OSError as error:
        raise SignatureFileError(f"{path}: {error.strerror or error}") from error
    name = etree.QName(found).localname
    if name != root:
        raise fault(path, found, f"<{root}> expected, not <{name}>")
    return found


def fault(path: Path, element: Any, problem: object) -> SignatureFileError:
    """Return the error that names the line of an element."""
    return SignatureFileError(f"{path}: line {element.sourceline}: {problem}")


def parse(path: Path) -> tuple[int, dict[str, Format], tuple[Signature, ...]]:
    """Return (version, formats by PUID, signatures). Raises SignatureFileError."""
    root = read(path, "FFSignatureFile")
    version = _number(path, root, "Version")
    patterns: dict[str, tuple[Pattern, ...]] = {}
    for element in root.iter(f"{_NS}InternalSignature"):
        number = _attribute(path, element, "ID")
        if number in patterns:
            raise fault(path, element, f"a second InternalSignature {number}")
        patterns[number] = tuple(byte_sequences(path, element, _NS))
        if not patterns[number]:
            raise fault(path, element, "an InternalSignature without ByteSequence")
    elements = list(root.iter(f"{_NS}FileFormat"))
    puids = {_attribute(path, one, "ID"): _attribute(path, one, "PUID") for one in elements}
    if len(puids) < len(elements) or not elements:
        raise fault(path, root, "no FileFormat, or two of the same ID")
    formats: dict[str, Format] = {}
    signatures: list[Signature] = []
    for element in elements:
        one = _format(path, element, puids)
        formats[one.puid] = one
        for child in element.iter(f"{_NS}InternalSignatureID"):
            if (child.text or "").strip() not in patterns:
                raise fault(path, child, f"there is no InternalSignature {child.text}")
            label = " ".join(filter(None, [one.name, one.version]))
            signatures.append(Signature(one.puid, label, patterns[child.text.strip()]))
    return version, formats, tuple(signatures)


def byte_sequences(path: Path, element: Any, namespace: str = "") -> Iterator[Pattern]:
    """Yield the patterns of an InternalSignature. Raises SignatureFileError."""
    for sequence in element.findall(f"{namespace}ByteSequence"):
        yield _pattern(path, sequence, namespace)


def _format(path: Path, element: Any, puids: dict[str, str]) -> Format:
    over = set()
    for child in element.iter(f"{_NS}HasPriorityOverFileFormatID"):
        if (child.text or "").strip() not in puids:
            raise fault(path, child, f"priority over a format {child.text} that is not there")
        over.add(puids[child.text.strip()])
    return Format(
        puid=element.get("PUID"),
        name=element.get("Name", ""),
        version=element.get("Version", ""),
        mime=element.get("MIMEType", ""),
        extensions=tuple(
            child.text.strip().lower() for child in element.iter(f"{_NS}Extension") if child.text
        ),
        over=frozenset(over),
    )


def _pattern(path: Path, sequence: Any, namespace: str) -> Pattern:
    found = sequence.findall(f"{namespace}SubSequence")
    if not found:
        raise fault(path, sequence, "a ByteSequence without SubSequence")
    found.sort(key=lambda one: _number(path, one, "Position", 1))
    places = {"BOFoffset": Place.BOF, "EOFoffset": Place.EOF}
    reference = sequence.get("Reference") or "Variable"
    if reference not in (*places, "Variable"):
        raise fault(path, sequence, f"a ByteSequence with Reference {reference}")
    place = places.get(reference, Place.VAR)
    outer = found[-1] if place is Place.EOF else found[0]
    low = _number(path, outer, "SubSeqMinOffset", 0)
    high = None
    if place is not Place.VAR and outer.get("SubSeqMaxOffset"):
        # Where a maximum is below the minimum, DROID takes the minimum for both.
        high = max(low, _number(path, outer, "SubSeqMaxOffset"))
    steps: list[Step] = []
    for number, one in enumerate(found):
        apart = 0 if one is outer else _number(path, one, "SubSeqMinOffset", 0)
        if not number and place is not Place.EOF:
            steps = sequences.join([], low, high, _steps(path, one, namespace))
        else:
            steps = sequences.join(steps, apart, None, _steps(path, one, namespace))
    rest = (low, high) if place is Place.EOF else (0, None)
    if place is Place.BOF and high is None:
        place = Place.VAR
    return Pattern(place, tuple(steps), rest)


def _steps(path: Path, element: Any, namespace: str) -> list[Step]:
    anchor = element.find(f"{namespace}Sequence")
    if anchor is None or not (anchor.text or "").strip():
        raise fault(path, element, "a SubSequence without Sequence")
    try:
        steps = sequences.steps(anchor.text)
    except sequences.SequenceError as error:
        raise fault(path, anchor, error) from error
    for low, high, body in _fragments(path, element, f"{namespace}LeftFragment", left=True):
        steps = sequences.join(body, low, high, steps)
    for low, high, body in _fragments(path, element, f"{namespace}RightFragment", left=False):
        steps = sequences.join(steps, low, high, body)
    return steps


def _fragments(
    path: Path, element: Any, tag: str, *, left: bool
) -> Iterator[tuple[int, int, list[Step]]]:
    """Yield the fragments of one side from the anchor outwards, with the gap before each."""
    groups: dict[int, list[tuple[int, int, list[Step]]]] = {}
    for one in element.findall(tag):
        low = _number(path, one, "MinOffset", 0)
        high = max(low, _number(path, one, "MaxOffset", low))
        try:
            body = sequences.steps(one.text or "")
            sequences.checked(low, high)
        except sequences.SequenceError as error:
            raise fault(path, one, error) from error
        groups.setdefault(_number(path, one, "Position", 1), []).append((low, high, body))
    for _, choices in sorted(groups.items()):
        if len(choices) == 1:
            yield choices[0]
            continue
        gaps = {(low, high) for low, high, _ in choices}
        low, high = gaps.pop() if len(gaps) == 1 else (0, 0)
        # Alternatives at different distances take their gap with them.
        try:
            bodies = [
                _alone(body, *((0, 0) if not gaps else (least, most)), left=left)
                for least, most, body in choices
            ]
        except sequences.SequenceError as error:
            raise fault(path, element, error) from error
        yield low, high, [Step(0, 0, b"(?:" + b"|".join(bodies) + b")")]


def _alone(body: list[Step], low: int, high: int, *, left: bool) -> bytes:
    whole = body[0].expression
    for one in body[1:]:
        if one.high is None:
            raise sequences.SequenceError("a * in one of several fragments")
        whole += b".{%d,%d}?" % (one.low, one.high) + one.expression
    if not high:
        return whole
    return whole + b".{%d,%d}?" % (low, high) if left else b".{%d,%d}?" % (low, high) + whole


def _attribute(path: Path, element: Any, name: str) -> str:
    value = element.get(name)
    if not value:
        raise fault(path, element, f"no attribute {name}")
    return str(value)


def _number(path: Path, element: Any, name: str, default: int | None = None) -> int:
    value = element.get(name)
    if value in (None, "") and default is not None:
        return default
    try:
        found = int(value or "")
    except ValueError:
        raise fault(path, element, f"{name} is {value!r}, not a number") from None
    if found < 0:
        raise fault(path, element, f"{name} is below 0")
    return found
