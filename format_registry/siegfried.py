# SPDX-License-Identifier: AGPL-3.0-or-later
"""Siegfried, as the library in the wheel `pygfried`; runs in the IDENTIFY child.

`pygfried.identify(path, detailed=True)` returns what `sf -json` prints
(github.com/richardlehane/siegfried/wiki). It is native code that holds the GIL.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from pipeline.core.codec import register
from pipeline.core.errors import ToolFailureError, UnreadableError, VanishedError
from pipeline.core.records import Agent, Basis, Opinion

NAME = "Siegfried"


@register
@dataclass(frozen=True, slots=True)
class Match:
    """One format that Siegfried names for a file, in its own words."""

    puid: str
    name: str
    version: str
    mime: str
    basis: str
    warning: str


@register
@dataclass(frozen=True, slots=True)
class Answer:
    """Siegfried's whole answer: the opinion, and each format in full."""

    opinion: Opinion
    matches: tuple[Match, ...]


def ask(path: Path, note: str = "") -> Answer:
    """Identify one file; its extension is part of the evidence. `note` goes with the answer.

    Raises VanishedError, UnreadableError, ToolFailureError.
    """
    import pygfried

    try:
        reply = pygfried.identify(str(path), detailed=True)
    except (pygfried.GoError, UnicodeEncodeError) as error:
        raise ToolFailureError(f"{NAME}: {error}") from error
    found = reply["files"][0]
    problem = str(found.get("errors") or "")
    if "no such file" in problem:
        raise VanishedError(problem)
    if "permission denied" in problem:
        raise UnreadableError(problem)
    matches = tuple(
        Match(
            str(match["id"]),
            str(match.get("format", "")),
            str(match.get("version", "")),
            str(match.get("mime", "")),
            str(match.get("basis", "")),
            str(match.get("warning", "")),
        )
        for match in found["matches"]
        if match["id"] != "UNKNOWN"
    )
    warnings = [str(match.get("warning", "")) for match in found["matches"]]
    opinion = Opinion(
        engine=NAME,
        engine_version=str(reply["siegfried"]),
        signatures="; ".join(str(one["details"]) for one in reply["identifiers"]) + _origin(),
        puids=tuple(match.puid for match in matches),
        basis=_strongest(matches),
        note="; ".join(filter(None, [note, problem, *warnings])),
    )
    return Answer(opinion, matches)


def _strongest(matches: tuple[Match, ...]) -> Basis:
    bases = {basis_of(match) for match in matches}
    return next((basis for basis in Basis if basis in bases), Basis.NONE)


def basis_of(match: Match) -> Basis:
    """Return on what a match rests: Siegfried says it in prose, joined with `; `."""
    for sign, basis in (
        ("container", Basis.CONTAINER),
        ("byte match", Basis.SIGNATURE),
        ("xml match", Basis.SIGNATURE),
        ("riff match", Basis.SIGNATURE),
        ("text match", Basis.TEXT),
        ("extension match", Basis.EXTENSION),
    ):
        if sign in match.basis:
            return basis
    return Basis.EXTENSION if "extension" in match.warning else Basis.NONE


@lru_cache(maxsize=1)
def _origin() -> str:
    """Say where the signatures are: in the library itself, whose hash stands for theirs."""
    import pygfried

    library = Path(pygfried.__file__)
    return f" (in {library.name}, SHA-256 {hashlib.sha256(library.read_bytes()).hexdigest()})"


def agent() -> Agent:
    """Return the wheel's version; signature versions stand with each identification."""
    return Agent(NAME, version("pygfried"), "as the library pygfried")
