# SPDX-License-Identifier: AGPL-3.0-or-later
"""After a change of policy: which files that are done does it treat otherwise than before?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from format_registry import policy as policies
from format_registry.policy import Policy, Target
from pipeline.core.records import Scalar
from pipeline.ledger import queries
from pipeline.ledger.store import Ledger


def replan(ledger: Ledger, old_text: str, new: Policy) -> int:
    """Reopen the files that the new policy treats otherwise; return how many."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        path.write_text(old_text, encoding="utf-8")
        old = policies.load(path)
    return ledger.reopen(list(_affected(ledger, old, new)))


def _affected(ledger: Ledger, old: Policy, new: Policy) -> Iterator[int]:
    for file, puid, facts in queries.decided(ledger.database):
        if _treatment(old, puid, facts) != _treatment(new, puid, facts):
            yield file


def _treatment(policy: Policy, puid: str, facts: Mapping[str, Scalar]) -> tuple[object, ...]:
    """Return all of a decision that changes what happens, and nothing of its wording."""
    decision = policies.decide(policy, puid, facts)
    if not decision.rule:
        return (decision.action,)
    rule = policy.rule(decision.rule)
    target: Target | None = policy.targets.get(rule.target)
    return (
        rule.action,
        rule.migrator,
        rule.judge,
        rule.keep_original,
        dict(rule.settings),
        dict(rule.thresholds),
        target,
    )
