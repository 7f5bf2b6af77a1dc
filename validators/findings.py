# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a validator gathers while it reads, and the verdict that follows from it.

One rule for all of this package: an error means invalid; something that could not be
examined means undecided; warnings leave a file valid. What was found first names the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.core.records import (
    Agent,
    Message,
    Outcome,
    Scalar,
    Severity,
    ValidationResult,
    Verdict,
)
from pipeline.core.versions import wheel_agent

_DETAIL_LIMIT = 500  # a decoder can repeat itself for each of a thousand strips
_MESSAGE_LIMIT = 20


@dataclass(slots=True)
class Findings:
    """Messages and properties of one file under examination."""

    validator: str
    agents: tuple[Agent, ...] = ()
    properties: dict[str, Scalar] = field(default_factory=dict)
    _messages: list[Message] = field(default_factory=list)
    _invalid: Outcome | None = None
    _undecided: Outcome | None = None

    @property
    def failed(self) -> bool:
        """Whether an error has been found."""
        return self._invalid is not None

    @property
    def open(self) -> bool:
        """Whether the file may still turn out valid."""
        return self._invalid is None and self._undecided is None

    def error(self, code: str, detail: str = "", outcome: Outcome = Outcome.DAMAGED) -> None:
        """Note what makes the file invalid."""
        self._invalid = self._invalid or outcome
        self._add(code, Severity.ERROR, detail)

    def undecided(self, code: str, detail: str, outcome: Outcome) -> None:
        """Note what keeps the validator from an answer: too large, encrypted, unsupported."""
        self._undecided = self._undecided or outcome
        self._add(code, Severity.ERROR, detail)

    def warn(self, code: str, detail: str = "") -> None:
        """Note an oddity that leaves the file valid."""
        self._add(code, Severity.WARNING, detail)

    def inform(self, code: str, detail: str = "") -> None:
        """Note a fact that someone may want to know."""
        self._add(code, Severity.INFO, detail)

    def _add(self, code: str, severity: Severity, detail: str) -> None:
        message = Message(code, severity, " ".join(detail.split())[:_DETAIL_LIMIT])
        if len(self._messages) < _MESSAGE_LIMIT and message not in self._messages:
            self._messages.append(message)

    def result(self) -> ValidationResult:
        """Return the verdict."""
        if self._invalid is not None:
            verdict, outcome = Verdict.INVALID, self._invalid
        elif self._undecided is not None:
            verdict, outcome = Verdict.UNDECIDED, self._undecided
        else:
            verdict, outcome = Verdict.VALID, Outcome.OK
        return ValidationResult(
            validator=self.validator,
            verdict=verdict,
            outcome=outcome,
            messages=tuple(self._messages),
            properties=dict(self.properties),
            agents=self.agents,
        )


def empty(validator: str, path: Path, agents: tuple[Agent, ...]) -> ValidationResult | None:
    """Return the result for a file without content, None for one that has some."""
    if path.stat().st_size:
        return None
    found = Findings(validator, agents)
    found.error("file.empty", outcome=Outcome.EMPTY)
    return found.result()


def packages(*names: str) -> tuple[Agent, ...]:
    """Return Python packages as agents, without importing them. Raises ToolMissingError."""
    return tuple(wheel_agent(name) for name in names)
