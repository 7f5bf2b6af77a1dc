# SPDX-License-Identifier: AGPL-3.0-or-later
"""Small deliveries and results for the tests of capacity planning."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from benchmarks.capacity.costs import Cost, Costs, Part
from benchmarks.capacity.delivery import Delivery
from benchmarks.capacity.mix import Kind, Mix
from benchmarks.capacity.rates import Rates
from benchmarks.results import FORMAT

_CLASS = 10


def rates(**known: float) -> Rates:
    """Return rates that are nothing but what is named."""
    return Rates(**{one.name: 0.0 for one in fields(Rates)} | known)


def delivery(
    files: int, survey: float = 0.1, file: float = 0.4, *, cpu: float = 0.0, **more: Any
) -> Delivery:
    """Return a delivery of files that are all alike: 1,000 bytes, one format."""
    copies = more.pop("copies", 0.0)
    made = more.pop("output_bytes", 0.0)
    mix = Mix("test", (Kind("fmt/1", _CLASS, files, 1000.0 * files, made, copies),))
    cost = Cost(Part(9, survey, cpu * survey, survey), Part(9, file, cpu * file, file))
    return Delivery(mix, Costs({("fmt/1", _CLASS): cost}, "test"), files, **more)


def varied(files: int, **more: Any) -> Delivery:
    """Return a delivery of three formats: many light files, some that take 3 s, few 60 s."""
    kinds, costs = [], {}
    for puid, share, seconds, longest in (
        ("fmt/1", 0.8, 0.01, 0.05), ("fmt/2", 0.19, 3.0, 9.0), ("fmt/3", 0.01, 60.0, 200.0),
    ):  # fmt: skip
        kinds.append(Kind(puid, _CLASS, share * files, share * files * 1e5, None, 0.0))
        costs[puid, _CLASS] = Cost(
            Part(99, 0.02, 0.01, 0.03), Part(99, seconds, seconds * 0.7, longest)
        )
    return Delivery(Mix("test", tuple(kinds)), Costs(costs, "test"), files, **more)


def result(walls: dict[int, float], **more: Any) -> dict[str, Any]:
    """Return a benchmark's result of 100 files of one format, by workers: wall seconds."""
    row = {"puid": "fmt/1", "size_class": _CLASS}
    whole = {"tool": "", "count": 100, "longest": 3.0, "memory": 2**28, **row}
    return {
        "format": FORMAT,
        "kind": "run",
        "machine": {"cores": 8, "memory_bytes": 2**33},
        "repetitions": [
            {
                "workers": workers, "cold": False, "files": 100, "bytes": 10**5,
                "wall_seconds": wall, "phases": {"start": 4.0, "work": wall - 5, "records": 1.0},
                "output_bytes": 2 * 10**5, "ledger_bytes": 3 * 10**5,
                "yardstick": 0.015, "cpu_seconds": {"tools": 51.0},
            }
            for workers, wall in walls.items()
        ],
        "costs": [
            {"workers": workers, "stage": stage, "seconds": seconds, "cpu": cpu, **whole}
            for workers in walls
            for stage, seconds, cpu in (("survey", 2.0, 1.0), ("file", 200.0, 50.0))
        ],
        "mix": [{"files": 100, "bytes": 10**5, "output_bytes": 2 * 10**5, "copies": 0, **row}],
        **more,
    }  # fmt: skip
