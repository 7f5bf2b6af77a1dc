# SPDX-License-Identifier: AGPL-3.0-or-later
"""A file that is over: between its output's place and the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.ledger import rows
from pipeline.ledger.store import SurveyedFile
from pipeline.steps.jobs import FileJob, FileResult


@dataclass(frozen=True, slots=True)
class Placed:
    """What is to be recorded of a file. `staged`: the attempt's file, "" where none was made.

    `twins`: files of the same content, with their outputs; `again`: those of them that must
    be worked on by themselves.
    """

    job: FileJob
    result: FileResult
    row: rows.Finished
    staged: str
    twins: tuple[tuple[SurveyedFile, str], ...]
    again: tuple[SurveyedFile, ...]


def row(
    result: FileResult, output: str, pictures: tuple[rows.Picture, ...], policy_sha256: str
) -> rows.Finished:
    """Return what the ledger takes of a result whose output lies at `output`."""
    return rows.Finished(
        file=result.file,
        outcome=result.outcome,
        code=result.code,
        detail=result.detail,
        validations=result.validations,
        decision=result.decision,
        policy_sha256=policy_sha256,
        migration=result.migration,
        output=output,
        target=result.target,
        checks=result.checks,
        events=result.events,
        seconds=result.seconds,
        evidence=pictures,
        measures=result.measures,
    )
