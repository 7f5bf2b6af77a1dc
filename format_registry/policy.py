# SPDX-License-Identifier: AGPL-3.0-or-later
"""The format policy: what is wanted of each format, as data with its basis.

A policy file has one `[policy]` table, `[targets.NAME]` tables (what a migration must
give, and how alike it must be) and `[[rules]]`, tried in order; the first whose PUIDs
and `when` fit decides. Each rule states on what it rests, from where and of which date.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path

from pipeline.config import tables
from pipeline.core.errors import ConfigError
from pipeline.core.records import Action, Decision, Scalar

_PUID = re.compile(r"(x-)?fmt/[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Header:
    """Whose policy this is; `unlisted` is the action for formats without a rule."""

    name: str
    version: str
    date: date
    basis: str
    unlisted: Action = Action.REVIEW


@dataclass(frozen=True, slots=True)
class Target:
    """What a migration must give.

    `validator` judges it, `puids` are the formats it must be identified as,
    `thresholds` are the fidelity judge's.
    """

    extension: str
    puids: frozenset[str]
    validator: str
    thresholds: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `when`: property of a validation -> value, or list of values, it must have."""

    id: str
    puids: frozenset[str]
    action: Action
    reason: str
    basis: str
    source: str
    date: date
    when: Mapping[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)
    migrator: str = ""
    target: str = ""
    judge: str = ""
    keep_original: bool = True
    settings: Mapping[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)
    thresholds: Mapping[str, Scalar] = field(default_factory=dict)
    reason_sv: str = ""  # for the Swedish report; the English one where there is none

    def fits(self, puid: str, facts: Mapping[str, Scalar]) -> bool:
        """Whether the rule speaks of such a file."""
        return puid in self.puids and all(
            facts.get(key) in (wanted if isinstance(wanted, tuple) else (wanted,))
            for key, wanted in self.when.items()
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as loaded; `sha256` is of the file's bytes."""

    header: Header
    targets: Mapping[str, Target]
    rules: tuple[Rule, ...]
    sha256: str

    def rule(self, name: str) -> Rule:
        """Return a rule by its id. Raises KeyError."""
        return next(rule for rule in self.rules if rule.id == name)


def default_path() -> Path:
    """Return the policy that ships with the program."""
    return Path(str(files("format_registry") / "policies" / "skanearkiv.toml"))


def load(path: Path) -> Policy:
    """Return a policy, checked against its schema. Raises ConfigError naming the place."""
    table, data = tables.read(path)
    unknown = set(table) - {"policy", "targets", "rules"}
    if unknown:
        raise ConfigError(f"{path}: unknown table {sorted(unknown)[0]!r}")
    for needed in ("policy", "rules"):
        if needed not in table:
            raise ConfigError(f"{path}: the table {needed!r} is missing")
    header = tables.build(Header, table["policy"], f"{path}: policy")
    targets = {
        name: tables.build(Target, body, f"{path}: targets.{name}")
        for name, body in table.get("targets", {}).items()
    }
    rules = tuple(
        tables.build(Rule, body, f"{path}: rule {body.get('id', number + 1)!r}")
        for number, body in enumerate(table["rules"])
    )
    policy = Policy(header, targets, rules, hashlib.sha256(data).hexdigest())
    _lint(policy, path)
    return policy


def _lint(policy: Policy, path: Path) -> None:
    """Refuse what would only show, or never show, in the middle of a run."""
    ids: set[str] = set()
    decided: dict[str, str] = {}
    for name, target in policy.targets.items():
        _check_puids(target.puids, f"{path}: targets.{name}")
    for rule in policy.rules:
        where = f"{path}: rule {rule.id!r}"
        if rule.id in ids:
            raise ConfigError(f"{where}: there are two of this id")
        ids.add(rule.id)
        _check_puids(rule.puids, where)
        if rule.action is Action.MIGRATE:
            if rule.target not in policy.targets:
                raise ConfigError(f"{where}: target {rule.target!r} is not defined")
            if not rule.migrator or not rule.judge:
                raise ConfigError(f"{where}: a migration needs a migrator and a judge")
        elif rule.migrator or rule.target or rule.judge:
            raise ConfigError(f"{where}: only a migration has migrator, target and judge")
        for puid in rule.puids & decided.keys():
            raise ConfigError(f"{where}: {puid} is never reached, {decided[puid]!r} decides it")
        if not rule.when:
            decided.update(dict.fromkeys(rule.puids, rule.id))


def _check_puids(puids: frozenset[str], where: str) -> None:
    if not puids:
        raise ConfigError(f"{where}: no PUIDs")
    for puid in sorted(puids):
        if not _PUID.fullmatch(puid):
            raise ConfigError(f"{where}: {puid!r} is not a PUID such as fmt/412")


def decide(policy: Policy, puid: str, facts: Mapping[str, Scalar]) -> Decision:
    """Return what the policy says of a file of this format with these properties.

    The original of a signed file is kept whatever the rule says: a signature holds for
    the bytes that were signed, and no migration can carry it over (ISO 32000-2, 12.8.1).
    """
    signed = bool(facts.get("signatures"))
    for rule in policy.rules:
        if rule.fits(puid, facts):
            return Decision(
                rule.action,
                rule.id,
                rule.reason,
                rule.migrator,
                rule.target,
                rule.keep_original or signed,
            )
    return Decision(policy.header.unlisted, "", "no rule for this format")
