# SPDX-License-Identifier: AGPL-3.0-or-later
"""Try `bench compare` on what is known: the same code twice, and a slower one.

    python -m benchmarks.planted FOLDER [--tries 10] [--share 0.2] [--repeat 2] [--out FILE]

Each try makes three results of the same files: two of the code as it is, one in which each
file takes `--share` longer in the worker. Their runs take turns. Exit code 1 unless the same
code is called noise, and the slower one a regression, in nine of ten tries each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import corpus, results, run
from benchmarks.compare import NOISE, REGRESSION, as_data, compare
from benchmarks.one_run import Asked

_SITE = Path(__file__).parent / "site"
_TOLERANCE = 0.05
_ENOUGH = 0.9


def attempt(asked: Asked, share: float, repeat: int, tolerance: float) -> dict[str, Any]:
    """Return what the two comparisons of one try say."""
    slow = replace(asked, env={"SKANEARKIV_PLUGINS": str(_SITE), "SKANEARKIV_PLANTED": str(share)})
    described = corpus.described(asked.source)
    ran = run.repeated([asked, asked, slow], repeat, None, _say)
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-") as folder:
        paths = [Path(folder, f"{name}.json") for name in ("before", "same", "slow")]
        for path, one in zip(paths, ran, strict=True):
            results.write(run.result("run", asked, described, [one]), path)
        same, slower = (compare(paths[0], path, tolerance) for path in paths[1:])
    return {"same": as_data(same), "slower": as_data(slower)}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Make the tries; print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    tries = []
    for number in range(asked.tries):
        one = attempt(
            Asked(asked.folder.resolve(), asked.workers), asked.share, asked.repeat, _TOLERANCE
        )
        tries.append(one)
        _say(f"try {number + 1}: {one['same']['verdict']}, {one['slower']['verdict']}")
    right = {
        "same": sum(one["same"]["verdict"] == NOISE for one in tries),
        "slower": sum(one["slower"]["verdict"] == REGRESSION for one in tries),
    }
    if asked.out:
        results.write({"share": asked.share, "right": right, "tries": tries}, asked.out)
    head = ("try", "same code", "interval", "slower by plan", "interval")
    rows = [
        (number, one["same"]["verdict"], _interval(one["same"]), one["slower"]["verdict"],
         _interval(one["slower"]))
        for number, one in enumerate(tries, 1)
    ]  # fmt: skip
    print(results.table(head, rows))
    print(f"noise {right['same']}, regression {right['slower']} of {len(tries)}")
    raise SystemExit(0 if min(right.values()) >= _ENOUGH * len(tries) else 1)


def _interval(one: dict[str, Any]) -> str:
    return f"{one['ratio']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


if __name__ == "__main__":
    main()
