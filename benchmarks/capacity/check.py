# SPDX-License-Identifier: AGPL-3.0-or-later
"""Predict runs that were measured: `python -m benchmarks.capacity.check SAMPLE RESULT ...`.

From the costs of SAMPLE alone, what each RESULT's mix takes with each of its numbers of
workers, beside the median of what was measured. A run whose files had to be read from disk
first (`cold`) is predicted only where there is no other. Exit code 1 when any error is above
15 per cent, 2 when a file cannot be used.

Machines that others use are fast at one time and slow at another, by a fifth here: measure the
sample and the results on the same day. Their `yardstick` is of no help: it tells the pace of
runs of the same files, and not of others (with it, the same files in a smaller delivery were
predicted by 17 per cent off, and without it by 5).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import results
from benchmarks.capacity import rates, sample, taken_out
from benchmarks.capacity.costs import Costs
from benchmarks.capacity.delivery import Delivery
from benchmarks.capacity.model import simulate
from benchmarks.capacity.rates import Rates
from benchmarks.capacity.sample import Sample
from benchmarks.capacity.site import Site
from pipeline.core.errors import ConfigError

LIMIT = 15.0
# Of a short run, the order in which its few long files come decides: the middle of so many.
_ORDERS = 9


@dataclass(frozen=True, slots=True)
class Row:
    """A prediction. Seconds from the command to its last report; error in per cent."""

    result: str
    workers: int
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """How far the prediction is off, in per cent of what was measured."""
        return 100 * (self.predicted - self.measured) / self.measured


def predicted(costs: Costs, constants: Rates, measured: Sample, workers: int) -> float:
    """Return the seconds that a sample's mix takes with so many workers on its machine."""
    site = Site(workers, workers, measured.cores, local=True)
    files = round(measured.mix.files)
    found = [
        simulate(Delivery(measured.mix, costs, files, seed), site, constants, seed=seed).seconds
        for seed in range(_ORDERS)
    ]
    return statistics.median(found)


def rows(given: Sample, measured: Sample, name: str) -> list[Row]:
    """Return a row for each number of workers that a result was measured with.

    Raises ConfigError for one that tells no times.
    """
    constants, servers = rates.load()
    constants = taken_out.fitted(constants, given)
    costs = taken_out.costs(given, constants, servers)
    known = [one for one in measured.repetitions if one.wall > 0]
    if not known:
        raise ConfigError(f"{name} tells no times; give a result of `skanearkiv bench`")
    runs = [one for one in known if not one.cold] or known
    found = []
    for workers in sorted({one.workers for one in runs}):
        these = [one for one in runs if one.workers == workers]
        wall = statistics.median(one.wall for one in these)
        found.append(Row(name, workers, predicted(costs, constants, measured, workers), wall))
    return found


def _name(path: Path) -> str:
    """Return the file with its folder: most results are called `run.json`."""
    return f"{path.resolve().parent.name}/{path.name}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print predictions beside what was measured; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python -m benchmarks.capacity.check sample.json mixed.json scans.json",
    )
    parser.add_argument("sample", type=Path, help="a run's folder, or a result (.json)")
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULT")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    try:
        given = sample.read(asked.sample)
        found = [
            row for path in asked.results for row in rows(given, sample.read(path), _name(path))
        ]
    except ConfigError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    if asked.json:
        print(json.dumps([{**asdict(one), "error": one.error} for one in found], indent=1))
    else:
        print(
            results.table(
                ("result", "workers", "predicted s", "measured s", "error %"),
                [
                    (one.result, one.workers, one.predicted, one.measured, f"{one.error:+.1f}")
                    for one in found
                ],
            )
        )  # fmt: skip
    return 1 if any(abs(one.error) > LIMIT for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
