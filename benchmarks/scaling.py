# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv bench scaling`: the same files with one worker and with more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import results, run
from benchmarks.one_run import Asked
from benchmarks.run import Say


def bench(
    asked: Asked, workers: Sequence[int], repeat: int, folder: Path | None, say: Say
) -> dict[str, Any]:
    """Return a result with `scaling`: times one worker, of pairs measured next to each other."""
    counts = sorted({1, *workers})
    made = run.bench(asked, counts, repeat, folder, say, kind="scaling")
    walls = {
        count: [one for one in made["repetitions"] if one["workers"] == count] for count in counts
    }
    made["scaling"] = [
        {
            "workers": count,
            "speedup": results.spread(_ratios(walls[1], walls[count], "wall_seconds")),
            "speedup_working": results.spread(
                alone["phases"]["work"] / more["phases"]["work"]
                for alone, more in zip(walls[1], walls[count], strict=True)
            ),
            # More than 1: the same work takes more processor time when cores are shared.
            "tools_cpu": results.spread(
                more["cpu_seconds"]["tools"] / alone["cpu_seconds"]["tools"]
                for alone, more in zip(walls[1], walls[count], strict=True)
            ),
        }
        for count in counts
    ]
    return made


def _ratios(first: list[dict[str, Any]], other: list[dict[str, Any]], name: str) -> list[float]:
    return [one[name] / two[name] for one, two in zip(first, other, strict=True)]


def markdown(made: dict[str, Any]) -> str:
    """Return the tables of a result."""
    head = ("workers", "times one worker", "while working", "of ideal", "CPU of the tools")
    rows = [
        (
            one["workers"], run.told(one["speedup"]), run.told(one["speedup_working"]),
            f"{100 * one['speedup']['median'] / one['workers']:.0f} %",
            f"x {run.told(one['tools_cpu'])}",
        )
        for one in made["scaling"]
    ]  # fmt: skip
    return f"{run.markdown(made)}\n{results.table(head, rows)}\n"
