# SPDX-License-Identifier: AGPL-3.0-or-later
"""Prove an output before it counts: identified, validated, compared with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from format_registry import identifier
from format_registry.policy import Rule, Target
from pipeline.core.measuring import tool
from pipeline.core.plugins import discover
from pipeline.core.records import (
    Agent,
    Check,
    Event,
    EventType,
    Identification,
    Scalar,
    ValidationResult,
    Verdict,
    now,
)
from pipeline.core.versions import own_agent
from pipeline.steps.validate import ask, first_error
from validators.catalogue import validators
from validators.fidelity.base import Judge


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of an output."""

    identification: Identification
    validation: ValidationResult
    checks: tuple[Check, ...]
    judges: tuple[Agent, ...]
    pictures: tuple[Path, ...] = ()  # of what differs, for people; in `facts["workdir"]`

    @property
    def passed(self) -> bool:
        """Whether every check was passed."""
        return all(check.passed for check in self.checks)

    def events(self) -> tuple[Event, ...]:
        """Return what was done with the output, each with those who did it."""
        found, said = self.identification, self.validation
        engines = tuple(Agent(o.engine, o.engine_version, o.signatures) for o in found.opinions)
        word = {"valid": "success", "invalid": "failure"}.get(said.verdict.value, "warning")
        failed = [check.property for check in self.checks if not check.passed]
        compared = f"output compared with its source: {len(self.checks)} checks, "
        compared += f"not passed: {', '.join(failed)}" if failed else "all passed"
        if self.pictures:
            compared += f"; {len(self.pictures)} pages shown side by side"
        told: tuple[tuple[EventType, str, str, tuple[Agent, ...]], ...] = (
            (
                EventType.IDENTIFICATION,
                "success",
                f"output: {found.puid} by {found.basis.value}",
                engines,
            ),
            (
                EventType.VALIDATION,
                word,
                f"output, {said.validator}: {said.verdict.value}",
                said.agents,
            ),
            (EventType.COMPARISON, "warning" if failed else "success", compared, self.judges),
        )
        return tuple(
            Event(kind, now(), outcome, detail, agents or (own_agent(),), "output")
            for kind, outcome, detail, agents in told
        )


def judges() -> Mapping[str, Judge]:
    """Return every fidelity judge by its name."""
    return discover("validators.fidelity", "JUDGE")


def verify(
    source: Path, output: Path, puid: str, rule: Rule, target: Target, facts: Mapping[str, Scalar]
) -> Proof:
    """Return the proof. Raises FileError when a judge broke."""
    with tool("+".join(identifier.engines())):
        identification = identifier.identify(output)
    validation = ask(validators()[target.validator], output)
    right = identification.puid in target.puids
    valid = validation.verdict is Verdict.VALID
    checks = [
        Check(
            "target.format",
            " ".join(sorted(target.puids)),
            identification.puid or "",
            float(right),
            right,
        ),
        Check(
            "target.valid",
            target.validator,
            validation.verdict.value,
            float(valid),
            valid,
            "" if valid else first_error(validation).detail[:300],
        ),
    ]
    thresholds = {**target.thresholds, **rule.thresholds}
    judge = judges()[rule.judge]
    with tool(rule.judge):
        checks.extend(judge.compare(source, output, puid, thresholds, facts))
    pictures = _pictures(facts.get("workdir"))
    agents = (own_agent(), *judge.agents())
    return Proof(identification, validation, tuple(checks), agents, pictures)


def _pictures(workdir: Scalar) -> tuple[Path, ...]:
    """Return what the judge left for people to see, in the order of the pages."""
    folder = Path(str(workdir)) / "evidence" if workdir else None
    return tuple(sorted(folder.glob("*.png"))) if folder is not None else ()
