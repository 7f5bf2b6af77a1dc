# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a fidelity judge is. A module of this package ends with `JUDGE = ...`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from pipeline.core.records import Agent, Check, Scalar


@runtime_checkable
class Judge(Protocol):
    """Compares a source with what was made from it.

    `thresholds` come from the policy's target table; a check below its threshold has
    `passed` false. Each check's `property` names a text of the reports.
    """

    name: str

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it compares with. Raises ToolMissingError."""
        ...

    def compare(
        self,
        source: Path,
        target: Path,
        puid: str,
        thresholds: Mapping[str, Scalar],
        facts: Mapping[str, Scalar],
    ) -> tuple[Check, ...]:
        """Return every check made. Raises FileError when it cannot be made."""
        ...
