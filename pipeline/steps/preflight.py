# SPDX-License-Identifier: AGPL-3.0-or-later
"""What must be right before a run begins: names in the policy, programs on the machine."""

from __future__ import annotations

from pathlib import Path

import pipeline
import validators as validators_
from format_registry import identifier
from format_registry.policy import Policy
from migrators.catalogue import migrators
from pipeline.core import sandbox
from pipeline.core.errors import ConfigError
from pipeline.core.records import Action, Agent
from pipeline.steps.verify import judges
from validators.catalogue import validators


def check_ours() -> None:
    """Raise ConfigError where `validators` is another's: the public index has one too."""
    own, found = Path(pipeline.__file__ or "").parent.parent, Path(validators_.__file__ or "")
    if found.parent.parent != own:
        raise ConfigError(
            f"the package validators is not ours but {found.parent}; "
            "run: pip uninstall validators, then install skanearkiv again"
        )


def check_names(policy: Policy) -> None:
    """Raise ConfigError where the policy names what is not there or cannot do it."""
    for name, target in policy.targets.items():
        if target.validator not in validators():
            raise ConfigError(f"targets.{name}: there is no validator {target.validator!r}")
    for rule in policy.rules:
        if rule.action is not Action.MIGRATE:
            continue
        where = f"rule {rule.id!r}"
        if rule.migrator not in migrators():
            known = ", ".join(sorted(migrators()))
            raise ConfigError(f"{where}: no migrator {rule.migrator!r}; there are {known}")
        if rule.judge not in judges():
            known = ", ".join(sorted(judges()))
            raise ConfigError(f"{where}: no fidelity judge {rule.judge!r}; there are {known}")
        migrator, target = migrators()[rule.migrator], policy.targets[rule.target]
        strange = sorted(rule.puids - migrator.sources)
        if strange:
            raise ConfigError(f"{where}: {rule.migrator} does not read {', '.join(strange)}")
        if not target.puids & migrator.target_puids:
            raise ConfigError(f"{where}: {rule.migrator} does not make {rule.target}")


def check_tools(policy: Policy) -> tuple[Agent, ...]:
    """Return every program the policy's work needs. Raises ToolMissingError, ConfigError."""
    sandbox.check()
    agents: list[Agent] = [*identifier.agents()]
    for name in sorted(validators()):
        agents.extend(validators()[name].agents())
    wanted = {rule.migrator for rule in policy.rules if rule.action is Action.MIGRATE}
    for name in sorted(wanted):
        agents.extend(migrators()[name].agents())
    return tuple(dict.fromkeys(agents))
