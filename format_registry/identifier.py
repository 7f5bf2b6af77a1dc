# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one door to identification: what a file is, by PRONOM.

Siegfried and FIDO's engine are both asked and their answers joined (`agreement`; the
rules in words are docs/identification.md). `SKANEARKIV_ENGINE` may name one of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from format_registry import clues, looks, siegfried, signatures
from pipeline.core import isolate
from pipeline.core.budget import budget, memory, remaining
from pipeline.core.errors import (
    ConfigError,
    CrashError,
    OutOfMemoryError,
    ToolFailureError,
    ToolTimeoutError,
)
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Basis, Identification, Opinion
from pipeline.core.versions import wheel_agent

# Seconds after which Siegfried is given up. It is given 128 MiB at the most: 0.9 s.
_PATIENCE = 30.0
VARIABLE = "SKANEARKIV_ENGINE"
ENGINES = {"siegfried": ("siegfried",), "fido": ("fido",), "both": ("siegfried", "fido")}


def engines() -> tuple[str, ...]:
    """Return the engines that shall be asked. Raises ConfigError."""
    name = os.environ.get(VARIABLE) or "both"
    if name not in ENGINES:
        raise ConfigError(f"there is no engine {name!r}; there are {', '.join(ENGINES)}")
    return ENGINES[name]


def agents() -> tuple[Agent, ...]:
    """Return the engines, and libmagic, with versions. Raises ConfigError, ToolMissingError."""
    found = [clues.agent()]
    if "siegfried" in engines():
        found.append(siegfried.agent())
    if "fido" in engines():
        found.append(wheel_agent("opf-fido", f"signatures: {signatures.active().details}"))
    return tuple(found)


def identify(path: Path) -> Identification:
    """Identify a file that is known to be regular and not empty.

    Raises VanishedError, UnreadableError, ChangedError, and what broke where no engine
    is left.
    """
    asked = engines()
    try:
        with budget(min(remaining(), _PATIENCE), memory()):
            return isolate.call(Pool.IDENTIFY, looks.look, path, asked)
    except (ToolFailureError, CrashError, ToolTimeoutError, OutOfMemoryError) as error:
        if asked != ENGINES["both"]:
            raise
        # What brings Siegfried down does not keep the file from being identified.
        found = isolate.call(Pool.IDENTIFY, looks.look, path, ENGINES["fido"])
        return _without(found, error.detail)


def _without(found: Identification, problem: str) -> Identification:
    failed = Opinion(siegfried.NAME, siegfried.agent().version, "", (), Basis.NONE, problem)
    return replace(found, opinions=(failed, *found.opinions))
