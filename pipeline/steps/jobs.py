# SPDX-License-Identifier: AGPL-3.0-or-later
"""What goes to a worker and what comes back: plain values, no database, no open files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from format_registry.policy import Policy
from pipeline.config.settings import Settings
from pipeline.core.hashing import Digest
from pipeline.core.records import (
    Check,
    Decision,
    Event,
    Evidence,
    Identification,
    MigrationResult,
    Outcome,
    ValidationResult,
)


@dataclass(frozen=True, slots=True)
class Context:
    """What every job of a run shares. `staging` is below the output folder."""

    source: Path
    staging: Path
    policy: Policy
    settings: Settings


@dataclass(frozen=True, slots=True)
class SurveyJob:
    """A file to be hashed and identified; size and time as the scan met them."""

    file: int
    raw: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file could not be handled: outcome, code of a text, the tool's words."""

    outcome: Outcome
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """What a survey found; `failure` where it ends the file's way already."""

    file: int
    digest: Digest | None
    identification: Identification | None
    failure: Failure | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class FileJob:
    """A file to be validated, decided, migrated and verified."""

    file: int
    generation: int
    raw: bytes
    size: int
    sha256: str
    identification: Identification


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of a file. `target` are the judgements of the output."""

    file: int
    outcome: Outcome
    code: str
    detail: str
    validations: tuple[ValidationResult, ...] = ()
    decision: Decision | None = None
    migration: MigrationResult | None = None
    target: tuple[ValidationResult, ...] = ()
    checks: tuple[Check, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
