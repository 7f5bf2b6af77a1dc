# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hash and identify a file: the one step that reads every file of a delivery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from format_registry import identifier
from pipeline.core.budget import budget
from pipeline.core.errors import ChangedError, FileError
from pipeline.core.hashing import Digest, digest
from pipeline.core.measuring import stage, tool
from pipeline.core.records import (
    Agent,
    Event,
    EventType,
    Identification,
    Outcome,
    now,
)
from pipeline.core.versions import own_agent
from pipeline.steps import answers
from pipeline.steps.jobs import Context, Failure, SurveyJob, SurveyResult
from pipeline.steps.workplace import local_name, temporary
from pipeline.storage.sources import source


def survey(job: SurveyJob, context: Context) -> SurveyResult:
    """Return what a file is. Every failure is a result."""
    limits = context.settings.limits
    found: Digest | None = None
    events: list[Event] = []
    try:
        with _readable(job, context) as (path, found):
            if found.size != job.size:
                raise ChangedError(f"{job.size} bytes when it was scanned, {found.size} now")
            events.append(_hashed(found))
            if found.size == 0:
                failure = Failure(Outcome.EMPTY, "file.empty", "0 bytes")
                return SurveyResult(job.file, found, None, failure, tuple(events))
            with (
                stage("identify"),
                tool("+".join(identifier.engines())),
                budget(limits.seconds_for(job.size), limits.memory),
            ):
                identification = identifier.identify(path)
            events.append(_identified(identification))
    except FileError as error:
        failure = Failure(error.outcome, error.code, error.detail)
        return SurveyResult(job.file, found, None, failure, tuple(events))
    return SurveyResult(job.file, found, identification, None, tuple(events))


@contextmanager
def _readable(job: SurveyJob, context: Context) -> Iterator[tuple[Path, Digest]]:
    """Yield where a file can be read, and its digest; a copy goes with the block.

    Raises FileError. Hashing has no part in the budget: a server may be waited for.
    """
    settings = context.settings
    delivery = source(context.source, settings.storage)
    path = delivery.local(job.raw)
    if path is not None:
        with stage("hash"):
            found = digest(path, sha512=settings.sha512)
        yield path, found
        return
    with temporary(context.workplace()) as folder:
        # Engines go by the name's end as well, where content does not tell.
        path = folder / local_name(job.raw)
        with stage("hash"):
            found = delivery.fetch(job.raw, path, sha512=settings.sha512)
        yield path, found


def _hashed(found: Digest) -> Event:
    detail = f"SHA-256 {found.sha256}" + (f"; SHA-512 {found.sha512}" if found.sha512 else "")
    return Event(EventType.DIGEST, now(), "success", detail, (own_agent(),))


def _identified(found: Identification) -> Event:
    agents = tuple(
        Agent(opinion.engine, opinion.engine_version, opinion.signatures)
        for opinion in found.opinions
    )
    detail = answers.basis(found)
    if found.extension_mismatch:
        detail += "; extension mismatch"
    if len(found.opinions) > 1:
        detail += f"; engines: {found.agreement.value}"
    if answers.differ(found):
        detail += f"; {answers.answers(found)}"
    if found.text is not None:
        guessed = ", guessed" if found.text.guessed else ""
        detail += f"; text: {found.text.encoding}{guessed}, line ends {found.text.line_ends}"
    if found.puid is None and (told := answers.clues(found)):
        detail += f"; {told}"
    outcome = "success" if found.puid else "failure"
    if found.conflict:
        outcome, detail = "warning", f"{detail}; candidates {', '.join(found.candidates)}"
    return Event(EventType.IDENTIFICATION, now(), outcome, detail, agents)
