# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a migrator is. A module of this package ends with `MIGRATOR = ...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from pipeline.core.records import Agent, MigrationNote, Scalar, ValidationResult


@dataclass(frozen=True, slots=True)
class Options:
    """What the policy's rule and target say; `settings` are the rule's own options.

    `puid` is the source's format. `facts` are the properties that the validators found
    (see `ValidationResult.properties`). `workdir` is an empty folder that is the
    migrator's to use and that the caller removes. `judge` asks the target's validator,
    for a migrator that tries one way after another.
    """

    puid: str
    target: str
    workdir: Path
    judge: Callable[[Path], ValidationResult]
    settings: Mapping[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)
    facts: Mapping[str, Scalar] = field(default_factory=dict)


@runtime_checkable
class Migrator(Protocol):
    """A maker of one path from source formats to a target format.

    The contract test in `tests/contract` holds for each: source untouched, the same
    bytes when run twice, output passes the target's validator, bad input is a FileError.
    """

    name: str
    sources: frozenset[str]
    target_puids: frozenset[str]

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs it uses, with versions. Raises ToolMissingError."""
        ...

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write `target`, which does not exist yet, from `source`; or raise a FileError.

        Native libraries are called only through `pipeline.core.isolate` or
        `pipeline.core.bounded`.
        """
        ...
