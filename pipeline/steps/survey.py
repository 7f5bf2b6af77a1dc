# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hash and identify a file: the one step that reads every file of a delivery."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from format_registry import identifier
from pipeline.core.budget import budget
from pipeline.core.errors import ChangedError, FileError, from_os_error
from pipeline.core.hashing import Digest, digest
from pipeline.core.paths import under
from pipeline.core.records import (
    Agent,
    Event,
    EventType,
    Identification,
    Outcome,
    now,
)
from pipeline.core.versions import own_agent
from pipeline.steps.jobs import Context, Failure, SurveyJob, SurveyResult


def survey(job: SurveyJob, context: Context) -> SurveyResult:
    """Return what a file is. Every failure is a result."""
    limits = context.settings.limits
    path = under(context.source, job.raw)
    found: Digest | None = None
    events: list[Event] = []
    try:
        with budget(limits.seconds_for(job.size), limits.memory):
            found = digest(path, sha512=context.settings.sha512)
            if found.size != job.size:
                raise ChangedError(f"{job.size} bytes when it was scanned, {found.size} now")
            events.append(_hashed(found))
            if found.size == 0:
                failure = Failure(Outcome.EMPTY, "file.empty", "0 bytes")
                return SurveyResult(job.file, found, None, failure, tuple(events))
            identification = _identify(path, job.raw)
            events.append(_identified(identification))
    except FileError as error:
        failure = Failure(error.outcome, error.code, error.detail)
        return SurveyResult(job.file, found, None, failure, tuple(events))
    return SurveyResult(job.file, found, identification, None, tuple(events))


def _identify(path: Path, raw: bytes) -> Identification:
    """Identify under a name that every engine can take."""
    try:
        with tempfile.TemporaryDirectory(prefix="skanearkiv-") as folder:
            safe = identifier.safe_name(os.path.basename(raw), Path(folder))
            if safe is None and path_is_text(path):
                return identifier.identify(path)
            safe = safe or Path(folder) / "source"
            safe.symlink_to(path)
            return identifier.identify(safe)
    except OSError as error:
        raise from_os_error(error) from error


def path_is_text(path: Path) -> bool:
    """Whether a whole path is UTF-8, its folders included."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _hashed(found: Digest) -> Event:
    detail = f"SHA-256 {found.sha256}" + (f"; SHA-512 {found.sha512}" if found.sha512 else "")
    return Event(EventType.DIGEST, now(), "success", detail, (own_agent(),))


def _identified(found: Identification) -> Event:
    agents = tuple(
        Agent(opinion.engine, opinion.engine_version, opinion.signatures)
        for opinion in found.opinions
    )
    detail = f"{found.puid or 'unknown'} by {found.basis.value}"
    if found.extension_mismatch:
        detail += "; extension mismatch"
    outcome = "success" if found.puid else "failure"
    if found.conflict:
        outcome, detail = "warning", f"{detail}; candidates {', '.join(found.candidates)}"
    return Event(EventType.IDENTIFICATION, now(), outcome, detail, agents)
