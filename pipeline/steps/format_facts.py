# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is known of a format, joined with which of our judges and makers take it."""

from __future__ import annotations

from dataclasses import dataclass

from format_registry import reports
from format_registry.knowledge import Knowledge, knowledge
from format_registry.policy import Policy
from migrators.catalogue import migrators
from validators.catalogue import for_puid


@dataclass(frozen=True, slots=True)
class Maker:
    """A migrator and the formats that it can make."""

    name: str
    makes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """All about one format. `made_by` names the migrators that can make it."""

    known: Knowledge
    validators: tuple[str, ...]
    migrators: tuple[Maker, ...]
    made_by: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether anything at all is known."""
        return bool(self.known.found or self.validators or self.migrators or self.made_by)


def facts(puid: str, policy: Policy) -> FormatFacts:
    """Return all about a format; `found` tells whether that is anything."""
    makers = sorted(migrators().items())
    return FormatFacts(
        knowledge(puid, policy),
        tuple(one.name for one in for_puid(puid)),
        tuple(
            Maker(name, tuple(sorted(one.target_puids, key=reports.order)))
            for name, one in makers
            if puid in one.sources
        ),
        tuple(name for name, one in makers if puid in one.target_puids),
    )
