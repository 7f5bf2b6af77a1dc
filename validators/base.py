# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a validator is. A module of this package ends with `VALIDATOR = ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from pipeline.core.records import Agent, ValidationResult


@runtime_checkable
class Validator(Protocol):
    """A judge of one format family.

    `puids` are the formats it is asked about without being named. `validate` reads a
    file with an ASCII path that ends in the format's extension (the caller sees to
    that) and never writes next to it. It calls native libraries only through
    `pipeline.core.isolate` or `pipeline.core.bounded`.
    """

    name: str
    puids: frozenset[str]

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it uses, with versions. Raises ToolMissingError."""
        ...

    def validate(self, path: Path) -> ValidationResult:
        """Judge a file.

        An invalid file is a result, also a damaged, encrypted or empty one; a tool that
        broke on it (time, memory, crash) is a FileError.
        """
        ...
