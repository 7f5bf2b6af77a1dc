# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one door to identification: what a file is, by PRONOM.

Siegfried answers first. FIDO is asked where Siegfried does not rest its answer on
the file's bytes, names several formats, fails, or cannot take the file for its size.
The rule, in order: a match by container or signature beats one by text, that beats
one by extension; among equals Siegfried's, whose signatures are newer; where
Siegfried names several formats, one that FIDO names too; else the first, as conflict.
An extension that several formats share names none of them: they become candidates.
"""

from __future__ import annotations

import os
from pathlib import Path

from format_registry import fido, siegfried
from pipeline.core import isolate
from pipeline.core.budget import MIB
from pipeline.core.errors import (
    CrashError,
    FileError,
    OutOfMemoryError,
    ToolFailureError,
    ToolTimeoutError,
)
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Basis, Identification, Opinion

# Siegfried maps a file and may scan all of it: 3.4 s for 1 GiB, 16 s for a sparse
# 3 GiB. FIDO reads head and tail: 16 ms for 3 GiB.
SIEGFRIED_LIMIT = 1024 * MIB


def agents() -> tuple[Agent, ...]:
    """Return the engines with their versions."""
    return siegfried.agent(), fido.agent()


def identify(path: Path) -> Identification:
    """Identify a file that is known to be regular and not empty.

    Raises VanishedError, UnreadableError, and what broke where both engines failed.
    """
    answer: siegfried.Answer | None = None
    failure: FileError | None = None
    if path.stat().st_size <= SIEGFRIED_LIMIT:
        try:
            answer = isolate.call(Pool.IDENTIFY, siegfried.ask, path)
        except (ToolFailureError, CrashError, ToolTimeoutError, OutOfMemoryError) as error:
            failure = error
    if answer is not None and answer.opinion.basis.strong and len(answer.matches) == 1:
        return _single(answer, 0, (answer.opinion,))
    try:
        second = isolate.call(Pool.IDENTIFY, fido.ask, path)
    except (ToolFailureError, CrashError, ToolTimeoutError, OutOfMemoryError):
        if answer is None:
            raise failure or ToolFailureError("no engine could take the file") from None
        second = None
    return _join(answer, second)


def _join(answer: siegfried.Answer | None, second: Opinion | None) -> Identification:
    first = answer.opinion if answer is not None else None
    opinions = tuple(opinion for opinion in (first, second) if opinion is not None)
    if (
        answer is not None
        and answer.matches
        and (second is None or not _stronger(second.basis, answer.opinion.basis))
    ):
        named = second.puids if second is not None else ()
        shared = [number for number, match in enumerate(answer.matches) if match.puid in named]
        return _single(answer, shared[0] if len(shared) == 1 else 0, opinions)
    if second is not None and second.puids:
        if len(second.puids) > 1 and not second.basis.strong:
            # `.pdf` alone may be any of forty formats: to name one would be a guess.
            return _unknown(second, opinions, second.puids)
        return Identification(
            puid=second.puids[0],
            basis=second.basis,
            engine=second.engine,
            signatures=second.signatures,
            candidates=second.puids if len(second.puids) > 1 else (),
            conflict=len(second.puids) > 1 and second.basis.strong,
            opinions=opinions,
        )
    asked = opinions[-1] if answer is None else answer.opinion
    return _unknown(asked, opinions, ())


def _unknown(
    asked: Opinion, opinions: tuple[Opinion, ...], candidates: tuple[str, ...]
) -> Identification:
    return Identification(
        puid=None,
        basis=Basis.NONE,
        engine=asked.engine,
        signatures=asked.signatures,
        candidates=candidates,
        opinions=opinions,
    )


def _stronger(one: Basis, other: Basis) -> bool:
    return one.strong and not other.strong


def _single(answer: siegfried.Answer, index: int, opinions: tuple[Opinion, ...]) -> Identification:
    match = answer.matches[index]
    several = len(answer.matches) > 1
    agreed = len(opinions) > 1 and match.puid in opinions[1].puids
    basis = siegfried.basis_of(match)
    return Identification(
        puid=match.puid,
        basis=basis,
        engine=answer.opinion.engine,
        signatures=answer.opinion.signatures,
        name=match.name,
        version=match.version,
        mime=match.mime,
        candidates=tuple(one.puid for one in answer.matches) if several else (),
        extension_mismatch="extension mismatch" in match.warning,
        conflict=several and basis.strong and not agreed,
        opinions=opinions,
    )


def safe_name(name: bytes, folder: Path) -> Path | None:
    """Return a link's path in `folder` to use where `name` is not UTF-8, else None."""
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        suffix = os.path.splitext(name)[1].decode("ascii", "replace").replace("\ufffd", "_")
        return folder / f"source{suffix}"
    return None
