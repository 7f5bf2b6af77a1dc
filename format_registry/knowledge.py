# SPDX-License-Identifier: AGPL-3.0-or-later
"""All that is known of a format in one value: PRONOM, the risk table and a policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from format_registry import pronom, reports, risk
from format_registry.policy import Policy, Rule
from format_registry.reports import Record
from format_registry.risk import Risk
from pipeline.core.records import Action, Scalar


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule of the policy that names the format; `makes` are the target's PUIDs."""

    id: str
    action: Action
    when: Mapping[str, Scalar | tuple[Scalar, ...]]
    migrator: str
    target: str
    makes: tuple[str, ...]
    reason: str
    basis: str
    source: str
    date: date


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of a format, and what a policy does with it.

    `rules` stand in the policy's order: the first whose conditions a file meets decides,
    and `otherwise` is what is done where none does. `target_of` names the policy's targets
    that this format is a right answer to.
    """

    puid: str
    record: Record | None
    risks: tuple[Risk, ...]
    rules: tuple[RuleUse, ...]
    otherwise: Action
    target_of: tuple[str, ...]
    policy: str

    @property
    def name(self) -> str:
        """Return the format's name, NARA's where PRONOM's is not at hand."""
        if self.record:
            return self.record.name
        return self.risks[0].nara_name if self.risks else ""

    @property
    def found(self) -> bool:
        """Whether anything at all is known."""
        return bool(self.record or self.risks or self.rules or self.target_of)


def knowledge(puid: str, policy: Policy) -> Knowledge:
    """Return what is known of a format; `found` tells whether that is anything."""
    return Knowledge(
        puid,
        pronom.record(puid),
        risk.lookup(puid),
        tuple(_use(rule, policy) for rule in policy.rules if puid in rule.puids),
        policy.header.unlisted,
        tuple(name for name, target in policy.targets.items() if puid in target.puids),
        f"{policy.header.name} {policy.header.version} of {policy.header.date}",
    )


def _use(rule: Rule, policy: Policy) -> RuleUse:
    target = policy.targets.get(rule.target)
    return RuleUse(
        rule.id,
        rule.action,
        rule.when,
        rule.migrator,
        rule.target,
        tuple(sorted(target.puids, key=reports.order)) if target else (),
        rule.reason,
        rule.basis,
        rule.source,
        rule.date,
    )
