# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is to be done with each file, so that two ways can be made to do the same.

Found before anything is measured, by the product's own identification, validators and
policy: a script of ready-made tools is not measured on deciding, only on doing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import corpus
from format_registry import identifier
from format_registry.policy import Policy, decide
from migrators.libreoffice.readers import FILTERS
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import FileError
from pipeline.core.paths import display
from pipeline.core.records import Action, Identification, Scalar
from pipeline.steps.validate import facts, obstacle, validate
from pipeline.steps.workplace import safe_name

SECONDS, MEMORY = 300.0, 3072 * MIB
# Validators for which a script has a program of its own.
_CHECKED_BY = {"verapdf": "verapdf", "jpeg2000": "jpylyzer", "xml": "xmllint"}
_MADE_BY = {
    "pdf_to_pdfa": "ghostscript",
    "scan_to_pdfa": "ocrmypdf",
    "picture_to_pdfa": "ocrmypdf",
    "office_to_pdfa": "soffice",
    "sheet_to_ods": "soffice",
    "sheet_to_csv": "soffice",
    "image_to_tiff": "image",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A file and what the policy wants of it.

    `raw`: path below the folder; `facts`: what validators found; `barred`: why it cannot be
    worked on ("damaged", "password", "empty" ...), "" for a file that opens. `extension`:
    of what shall be made, "" where the policy has nothing made.
    """

    number: int
    raw: bytes
    path: Path
    size: int
    puid: str
    family: str
    action: str = ""
    rule: str = ""
    migrator: str = ""
    extension: str = ""
    checks: tuple[str, ...] = ()
    barred: str = ""
    facts: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """An ASCII name with the file's extension, which every tool takes."""
        return safe_name(self.raw)

    @property
    def wanted(self) -> bool:
        """Whether something shall be made of it."""
        return bool(self.extension)

    def output(self, folder: Path) -> Path:
        """Return where a way leaves what it made of the file."""
        return folder / f"{self.number:06}.{self.extension or 'none'}"

    def row(self) -> dict[str, Any]:
        """Return it as a result holds it."""
        return {
            "path": display(self.raw), "puid": self.puid, "family": self.family,
            "bytes": self.size, "action": self.action, "rule": self.rule, "barred": self.barred,
        }  # fmt: skip


def sampled(
    folder: Path, limit: int | None, seed: int, policy: Policy, say: Callable[[str], None]
) -> list[Planned]:
    """Return the files of a folder, of each family `limit` at the most; identified only."""
    families: dict[str, list[Planned]] = {}
    for number, path in enumerate(corpus.files(folder)):
        say(f"identifying: {number + 1}")
        found = _identified(path)
        puid = (found.puid if found else None) or ""
        one = Planned(
            number, os.fsencode(path.relative_to(folder)), path, path.stat().st_size, puid,
            family(policy, puid),
            barred="conflict" if found and found.conflict else "" if puid else "unidentified",
        )  # fmt: skip
        families.setdefault(one.family, []).append(one)
    rng = Random(seed)  # noqa: S311 - the same sample on every run
    chosen = [
        one
        for _, several in sorted(families.items())
        for one in (several if limit is None else rng.sample(several, min(limit, len(several))))
    ]
    return sorted(chosen, key=lambda one: one.number)


def family(policy: Policy, puid: str) -> str:
    """Return what a format is treated as: the last, most general rule that names it."""
    rules = [rule.id for rule in policy.rules if puid in rule.puids]
    return rules[-1] if rules else "no rule" if puid else "unidentified"


def _identified(path: Path) -> Identification | None:
    if not path.stat().st_size:
        return None
    try:
        with budget(SECONDS, MEMORY):
            return identifier.identify(path)
    except FileError:
        return None  # neither way can be asked for more than to survive such a file


def planned(
    sample: Iterable[Planned], policy: Policy, scratch: Path, say: Callable[[str], None]
) -> list[Planned]:
    """Return the sample with what validators found and the policy decides."""
    found = []
    for one in sample:
        say(f"planning: {one.number + 1}")
        folder = scratch / f"plan-{one.number}"
        folder.mkdir(parents=True)
        copy = folder / one.name
        shutil.copyfile(one.path, copy)
        found.append(_decided(one, copy, policy))
        shutil.rmtree(folder)
    return found


def _decided(one: Planned, copy: Path, policy: Policy) -> Planned:
    if not one.size:
        return replace(one, barred="empty")
    try:
        with budget(SECONDS, MEMORY):
            results = validate(copy, one.puid or None)
    except FileError as error:
        return replace(one, barred=error.outcome.value)
    barring = obstacle(results)
    known = facts(results)
    decision = decide(policy, one.puid, known)
    migrating = decision.action is Action.MIGRATE
    return replace(
        one,
        action=decision.action.value,
        rule=decision.rule,
        migrator=decision.migrator,
        extension=policy.targets[decision.target].extension if migrating else "",
        checks=tuple(result.validator for result in results),
        barred=one.barred or (barring.outcome.value if barring else ""),
        facts=known,
    )


def steps(one: Planned, policy: Policy) -> list[dict[str, str]]:
    """Return what a script of ready-made tools does with the file, in order.

    Each step: `tool`, `on` ("source", or "made" for what the script has made), and `with`.
    """
    found = [{"tool": "fido", "on": "source", "with": ""}]
    for check in one.checks:
        if check in _CHECKED_BY:
            found.append({"tool": _CHECKED_BY[check], "on": "source", "with": ""})
    if one.wanted and one.migrator in _MADE_BY:
        found.append(making(one, policy))
        if policy.targets[policy.rule(one.rule).target].validator == "verapdf":
            found.append({"tool": "verapdf", "on": "made", "with": ""})
    return found


def making(one: Planned, policy: Policy) -> dict[str, str]:
    """Return the step that makes what is wanted of the file."""
    tool, given = _MADE_BY[one.migrator], ""
    if tool == "soffice":
        given = FILTERS[one.puid][1] if one.extension == "pdf" else one.extension
    elif tool == "ocrmypdf":
        given = str(policy.rule(one.rule).settings.get("languages") or "swe+eng")
    return {"tool": tool, "on": "source", "with": given}


def task(one: Planned, wanted: list[dict[str, str]], out: Path) -> dict[str, Any]:
    """Return a file's work as `peers_chain` takes it."""
    return {
        "number": one.number, "source": str(one.path), "name": one.name,
        "made": str(one.output(out)), "puid": one.puid, "steps": wanted,
    }  # fmt: skip
