# SPDX-License-Identifier: AGPL-3.0-or-later
"""Prove an output before it counts: identified, validated, compared with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from format_registry import identifier
from format_registry.policy import Rule, Target
from pipeline.core.plugins import discover
from pipeline.core.records import (
    Check,
    Identification,
    Scalar,
    ValidationResult,
    Verdict,
)
from pipeline.steps.validate import ask, first_error
from validators.catalogue import validators
from validators.fidelity.base import Judge


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of an output."""

    identification: Identification
    validation: ValidationResult
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check was passed."""
        return all(check.passed for check in self.checks)


def judges() -> Mapping[str, Judge]:
    """Return every fidelity judge by its name."""
    return discover("validators.fidelity", "JUDGE")


def verify(
    source: Path, output: Path, puid: str, rule: Rule, target: Target, facts: Mapping[str, Scalar]
) -> Proof:
    """Return the proof. Raises FileError when a judge broke."""
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
    checks.extend(judges()[rule.judge].compare(source, output, puid, thresholds, facts))
    return Proof(identification, validation, tuple(checks))
