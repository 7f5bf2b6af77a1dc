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


def replan(ledger: Ledger, old: tuple[str, str], new: Policy) -> int:
    """Reopen the files that the new policy treats otherwise; return how many.

    `old`: SHA-256 and text of a policy that files were decided by. Asked of the decisions
    and not of the last run, which may have ended before it came to this.
    """
    sha256, old_text = old
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        path.write_text(old_text, encoding="utf-8")
        before = policies.load(path)
    return ledger.reopen(list(_affected(ledger, sha256, before, new)))


def _affected(ledger: Ledger, sha256: str, old: Policy, new: Policy) -> Iterator[int]:
    for file, puid, facts in queries.decided(ledger.database, sha256):
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
        decision.keep_original,
        dict(rule.settings),
        dict(rule.thresholds),
        target,
    )
