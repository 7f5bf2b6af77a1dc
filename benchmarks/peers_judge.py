# SPDX-License-Identifier: AGPL-3.0-or-later
"""Judge what a way has made, by the validators and fidelity judges of the product.

All ways alike, and after their time was taken.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers_plan import MEMORY, SECONDS, Planned
from format_registry.policy import Policy
from migrators.base import Options
from migrators.catalogue import migrators
from migrators.office_to_pdfa import FACTS
from pipeline.core.budget import budget
from pipeline.core.errors import FileError
from pipeline.core.hashing import digest
from pipeline.steps.verify import verify
from validators.catalogue import validators

_OWN = "target."  # checks that are about the output alone


class Court:
    """Judges outputs; `folder` is for what it needs meanwhile.

    The judge of office documents asks for LibreOffice's own account of a source. It is taken
    once, by a migration of the product's that is thrown away, and serves for every way. How
    many pages sheets are printed on is left to each way.
    """

    def __init__(self, policy: Policy, folder: Path) -> None:
        self._policy = policy
        self._folder = folder
        self._known: dict[tuple[int, str], dict[str, Any]] = {}

    def judged(self, one: Planned, made: Path | None) -> dict[str, Any]:
        """Return `made`, `valid`, `faithful`, `failed` (checks), `why`, `bytes`."""
        if made is None or not made.exists() or not made.stat().st_size:
            return {"made": False, "valid": False, "faithful": False, "failed": [], "why": ""}
        key = (one.number, digest(made).sha256)
        if key not in self._known:  # the same bytes as another run made
            self._known[key] = self._asked(one, made)
        return dict(self._known[key])

    def _asked(self, one: Planned, made: Path) -> dict[str, Any]:
        work = self._folder / "judging"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        copy = work / one.name
        shutil.copyfile(one.path, copy)
        row: dict[str, Any] = {"made": True, "valid": False, "faithful": False, "failed": []}
        row |= {"why": "", "bytes": made.stat().st_size}
        rule = self._policy.rule(one.rule)
        target = self._policy.targets[rule.target]
        try:
            if rule.judge == "office":
                self._account(one, copy, work)
            facts = {**one.facts, "workdir": os.fspath(work)}
            with budget(SECONDS, MEMORY):
                proof = verify(copy, made, one.puid, rule, target, facts)
        except FileError as error:
            detail = error.detail.replace(f"{work}/", "")
            return row | {"why": f"{error.outcome.value}: {detail}"[:200]}
        failed = [check.property for check in proof.checks if not check.passed]
        valid = f"{_OWN}valid" not in failed
        faithful = valid and not any(not name.startswith(_OWN) for name in failed)
        return row | {"valid": valid, "faithful": faithful, "failed": failed}

    def _account(self, one: Planned, copy: Path, work: Path) -> None:
        """Leave LibreOffice's account of a source in `work`, if it can be had."""
        kept = self._folder / f"account-{one.number}.json"
        if not kept.exists():
            rule = self._policy.rule(one.rule)
            judge = validators()[self._policy.targets[rule.target].validator].validate
            options = Options(one.puid, rule.target, work, judge, rule.settings, one.facts)
            try:
                with budget(SECONDS, MEMORY):
                    migrators()[rule.migrator].migrate(copy, work / "thrown-away.pdf", options)
            except FileError:
                kept.write_text("", encoding="ascii")
                return
            known = json.loads((work / FACTS).read_text(encoding="ascii"))
            if known.get("kind") == "calc":
                known["pages"] = None
            kept.write_text(json.dumps(known), encoding="ascii")
        text = kept.read_text(encoding="ascii")
        if text:
            (work / FACTS).write_text(text, encoding="ascii")


def counts(planned: Sequence[Planned], rows: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many files a way was asked for, and how many it made, validly and truly.

    Of files that open; what was made of those that do not is counted apart.
    """
    asked = [one for one in planned if one.wanted and not one.barred]
    barred = [one for one in planned if one.wanted and one.barred]
    found: dict[str, Any] = {"asked": len(asked)}
    for name in ("made", "valid", "faithful"):
        found[name] = sum(bool(rows[one.number][name]) for one in asked)
        found[f"share_{name}"] = round(found[name] / len(asked), 4) if asked else None
    found["made_of_barred"] = sum(bool(rows[one.number]["made"]) for one in barred)
    found["barred"] = len(barred)
    failed = Counter(check for one in asked for check in rows[one.number]["failed"])
    found["failed_checks"] = dict(sorted(failed.items()))
    return found


def unnoticed(planned: Sequence[Planned], rows: Mapping[int, Mapping[str, Any]]) -> int:
    """Return how many outputs a way hands on as good that are not valid, or not faithful.

    Also of files that do not open. A row's `accepted` is the way's own verdict; a way that
    has none hands everything on.
    """
    said = [rows[one.number] for one in planned if one.wanted]
    return sum(row["made"] and row["accepted"] and not row["faithful"] for row in said)
