# SPDX-License-Identifier: AGPL-3.0-or-later
"""What goes to a worker and what comes back: plain values, no database, no open files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from format_registry.policy import Policy
from pipeline.config.settings import Settings
from pipeline.core.hashing import Digest
from pipeline.core.measuring import Measure
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
from pipeline.storage.place import Place
from pipeline.storage.scratch import default_root


@dataclass(frozen=True, slots=True)
class Context:
    """What every job of a run shares. `staging` is below the output folder or prefix.

    `scratch` is the worker's own folder, for what it has in hand; where there is no worker
    it is None, and what is in hand lies in `staging`, which is then a folder.
    """

    source: Place
    staging: Place
    policy: Policy
    settings: Settings
    scratch: Path | None = None

    def scratch_root(self) -> Path:
        """Return where a worker makes its scratch folder."""
        configured = self.settings.storage.scratch
        if configured:
            return Path(configured)
        return self.staging if isinstance(self.staging, Path) else default_root()

    def workplace(self) -> Path:
        """Return the folder for what is in hand."""
        return self.scratch or self.scratch_root()


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
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class FileJob:
    """A file to be validated, decided, migrated and verified.

    `seconds`: what its steps may take at the least, as files of its kind were met that
    took long; the settings' own limit applies where that is higher.
    """

    file: int
    generation: int
    raw: bytes
    size: int
    sha256: str
    identification: Identification
    seconds: float = 0.0


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
    measures: tuple[Measure, ...] = ()
