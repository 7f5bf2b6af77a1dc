# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ask every validator that a file's format, or another validator, calls for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from pipeline.core.errors import FileError
from pipeline.core.measuring import tool
from pipeline.core.records import (
    Message,
    Outcome,
    Scalar,
    Severity,
    ValidationResult,
    Verdict,
)
from validators.base import Validator
from validators.catalogue import for_puid, validators


def validate(
    path: Path, puid: str | None, candidates: tuple[str, ...] = ()
) -> tuple[ValidationResult, ...]:
    """Return one result per validator. A validator that broke gives an undecided one.

    A file that no engine knows by its content, but whose extension stands for
    `candidates`, is shown to the validators that these have in common: a PDF that is cut
    off matches no signature, and "damaged" says more than "unknown".
    """
    pending = list(for_puid(puid)) if puid else _in_common(candidates)
    results: list[ValidationResult] = []
    while pending:
        result = ask(pending.pop(0), path)
        results.append(result)
        done = {one.validator for one in results} | {one.name for one in pending}
        pending.extend(validators()[name] for name in result.follow_up if name not in done)
    return tuple(results)


def _in_common(candidates: tuple[str, ...]) -> list[Validator]:
    # What is no text under a text's name is misnamed, not damaged: `text` is not asked.
    named = [{one.name for one in for_puid(puid)} - {"text"} for puid in candidates]
    served = [names for names in named if names]
    return [validators()[name] for name in sorted(set.intersection(*served))] if served else []


def ask(validator: Validator, path: Path) -> ValidationResult:
    """Return one validator's result, a FileError turned into an undecided one."""
    started = time.monotonic()
    try:
        with tool(validator.name):
            return validator.validate(path)
    except FileError as error:
        return ValidationResult(
            validator.name,
            Verdict.UNDECIDED,
            error.outcome,
            (Message(error.code, Severity.ERROR, error.detail),),
            seconds=time.monotonic() - started,
            agents=validator.agents(),
        )


def facts(results: tuple[ValidationResult, ...]) -> dict[str, Scalar]:
    """Return the properties that the validators found, as the policy's `when` sees them."""
    merged: dict[str, Scalar] = {}
    for result in results:
        merged.update(result.properties)
    return merged


def obstacle(results: tuple[ValidationResult, ...]) -> ValidationResult | None:
    """Return the result that bars any further work: damaged, password, time-out ...

    A file that is merely not valid for what it claims may still be migrated.
    """
    for result in results:
        if result.outcome not in (Outcome.OK, Outcome.INVALID):
            return result
    return None


def first_error(result: ValidationResult) -> Message:
    """Return the message that says most about a result that is not valid."""
    errors = [one for one in result.messages if one.severity is Severity.ERROR]
    fallback = Message(f"file.{result.outcome.value}", Severity.ERROR)
    return (errors or list(result.messages) or [fallback])[0]


def summary(results: tuple[ValidationResult, ...]) -> Verdict:
    """Return the verdict of all together: the worst of them."""
    verdicts = {result.verdict for result in results}
    for verdict in (Verdict.INVALID, Verdict.VALID):
        if verdict in verdicts:
            return verdict
    return Verdict.UNDECIDED


def shown(properties: Mapping[str, Scalar]) -> str:
    """Return properties as one line for an event's detail."""
    return ", ".join(f"{key}={value}" for key, value in sorted(properties.items()))
