# SPDX-License-Identifier: AGPL-3.0-or-later
"""From files that are named to an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.capacity import mix as mixes
from benchmarks.capacity import plan, rates, sample, taken_out
from benchmarks.capacity.plan import Asked, Given, Planner
from pipeline.core.errors import ConfigError


def answered(
    asked: Asked, mix: Path, costs: Path | None = None, own_rates: Path | None = None
) -> dict[str, Any]:
    """Return the answer as plain data. Raises ConfigError for what cannot be used."""
    given = read(mix, costs, own_rates)
    found = plan.answer(asked, given)
    if not found["met"] and not asked.workers:
        found["parts"] = plan.coordinators(Planner(asked, given), found["workers"])
    return found


def read(mix: Path, costs: Path | None = None, own_rates: Path | None = None) -> Given:
    """Return what an answer rests on. Raises ConfigError."""
    constants, servers = rates.load(own_rates)
    asked = mixes.read(mix)
    source = costs
    if source is None:
        source = mix if sample.has_costs(mix) else sample.SHIPPED
        if source is sample.SHIPPED and not source.exists():
            raise ConfigError(
                f"{mix} carries no measured costs, and none came with this program ({source} is "
                "missing); give some with --costs: the folder of a finished run, or a result of "
                "the benchmarks"
            )
    measured = sample.read(source)
    if own_rates is None:
        constants = taken_out.fitted(constants, measured)
    return Given(asked, taken_out.costs(measured, constants, servers), constants, measured.stored)
