# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of menders: which ones a broken rule asks for."""

from __future__ import annotations

import importlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from migrators.pdf.menders.base import Mender


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `table.toml`."""

    name: str
    rules: frozenset[str]
    rules_1: frozenset[str]
    rules_3: frozenset[str]
    cause: str
    mend: str
    lost: str

    def answers(self, rule: str, part: int) -> bool:
        """Whether it mends a rule ("6.2.5-1") of a part of ISO 19005."""
        if part == 1:
            return rule in self.rules_1
        return rule in self.rules or (part == 3 and rule in self.rules_3)

    def mender(self) -> Mender:
        """Return the function."""
        module, _, function = self.name.partition(".")
        found: Mender = getattr(
            importlib.import_module(f"migrators.pdf.menders.{module}"), function
        )
        return found


@lru_cache(maxsize=1)
def table() -> tuple[Entry, ...]:
    """Return the table, in the order in which menders work."""
    text = files("migrators.pdf.menders").joinpath("table.toml").read_text(encoding="utf-8")
    return tuple(
        Entry(
            one["name"],
            frozenset(one.get("rules", ())),
            frozenset(one.get("rules_1", ())),
            frozenset(one.get("rules_3", ())),
            one["cause"],
            one["mend"],
            one["lost"],
        )
        for one in tomllib.loads(text)["mender"]
    )


def wanted(rules: frozenset[str], part: int) -> tuple[Entry, ...]:
    """Return the menders that these broken rules ask for, each once, in order."""
    return tuple(one for one in table() if any(one.answers(rule, part) for rule in rules))
