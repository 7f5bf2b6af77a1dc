# SPDX-License-Identifier: AGPL-3.0-or-later
"""A compiled signature set as a file, so that a worker starts in milliseconds.

JSON, not pickle: a file that anyone could have written must not run code. `FORM` is
part of the name under which it is kept; what an older version of the product wrote is
not read.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from format_registry.fido.literals import Facts, facts
from format_registry.fido.model import (
    ContainerSignature,
    Format,
    InnerFile,
    Pattern,
    Place,
    Signature,
    SignatureSet,
    Step,
)
from format_registry.fido.prefilter import Key, choose

FORM = 6


def write(path: Path, found: SignatureSet) -> None:
    """Write a set and its prefilter's choices, in full or not at all. Raises OSError."""
    patterns: dict[Pattern, int] = {}

    def number(pattern: Pattern) -> int:
        return patterns.setdefault(pattern, len(patterns))

    data = {
        "form": FORM,
        "name": found.name,
        "version": found.version,
        "sources": found.sources,
        "formats": [
            [one.puid, one.name, one.version, one.mime, one.extensions, sorted(one.over)]
            for one in found.formats.values()
        ],
        "signatures": [
            [one.puid, one.name, [number(p) for p in one.patterns], _key(choose(one.patterns))]
            for one in found.signatures
        ],
        "containers": [
            [
                one.kind,
                one.name,
                one.puids,
                [[x.path, [[number(p) for p in some] for some in x.signatures]] for x in one.files],
            ]
            for one in found.containers
        ],
    }
    data["patterns"] = [
        [p.place.value, [[s.low, s.high, _text(s.expression)] for s in p.steps], p.rest]
        for p in patterns
    ]
    expressions = dict.fromkeys(step.expression for p in patterns for step in p.steps)
    data["facts"] = [[_text(one), *_facts(facts(one))] for one in expressions]
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, staged = tempfile.mkstemp(dir=path.parent, prefix=".compiled-")
    try:
        body = json.dumps(data, separators=(",", ":")).encode("utf-8")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        os.replace(staged, path)
    except BaseException:
        Path(staged).unlink(missing_ok=True)
        raise


def read(path: Path) -> tuple[SignatureSet, list[Key | None], dict[bytes, Facts]]:
    """Return a set, its prefilter's choices, and facts. Raises OSError, ValueError."""
    digest, _, body = path.read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        # One changed byte in an expression would be a signature that nobody wrote.
        raise ValueError(f"{path} is damaged")
    data = json.loads(body)
    if data["form"] != FORM:
        raise ValueError(f"{path} has the form {data['form']}, not {FORM}")
    patterns = [
        Pattern(
            Place(place),
            tuple(Step(low, high, text.encode("latin-1")) for low, high, text in steps),
            (rest[0], rest[1]),
        )
        for place, steps, rest in data["patterns"]
    ]

    def these(numbers: Sequence[int]) -> tuple[Pattern, ...]:
        return tuple(patterns[number] for number in numbers)

    formats = {
        row[0]: Format(row[0], row[1], row[2], row[3], tuple(row[4]), frozenset(row[5]))
        for row in data["formats"]
    }
    found = SignatureSet(
        name=data["name"],
        version=data["version"],
        sources=tuple((name, digest) for name, digest in data["sources"]),
        formats=formats,
        signatures=tuple(Signature(row[0], row[1], these(row[2])) for row in data["signatures"]),
        containers=tuple(
            ContainerSignature(
                kind,
                name,
                tuple(puids),
                tuple(InnerFile(inside, tuple(these(some) for some in x)) for inside, x in files),
            )
            for kind, name, puids, files in data["containers"]
        ),
    )
    known = {text.encode("latin-1"): _unfacts(*row) for text, *row in data["facts"]}
    return found, [_unkey(row[3]) for row in data["signatures"]], known


def _text(one: bytes) -> str:
    return one.decode("latin-1")


def _facts(one: Facts) -> list[Any]:
    exact = None if one.exact is None else _text(one.exact)
    probes = [[_text(some) for some in probe] for probe in one.probes]
    return [one.least, one.most, probes, exact, _text(one.anchor), one.offset]


def _unfacts(
    least: int,
    most: int,
    probes: Sequence[Sequence[str]],
    exact: str | None,
    anchor: str,
    offset: int,
) -> Facts:
    return Facts(
        least,
        most,
        tuple(tuple(one.encode("latin-1") for one in probe) for probe in probes),
        None if exact is None else exact.encode("latin-1"),
        anchor.encode("latin-1"),
        offset,
    )


def _key(key: Key | None) -> list[Any] | None:
    return [*key[:3], [_text(one) for one in key[3]]] if key else None


def _unkey(data: list[Any] | None) -> Key | None:
    if not data:
        return None
    kind, low, high, variants = data
    return kind, low, high, tuple(one.encode("latin-1") for one in variants)
