# SPDX-License-Identifier: AGPL-3.0-or-later
"""Try `bench compare` on what is known: the same code twice, and a slower one.

    python -m benchmarks.planted FOLDER RESULTS [--tries 10] [--share 0.2] [--repeat 3]

Each try makes two results of the same files, whose runs take turns: one of the code as it is,
one in which each file takes `--share` longer in the worker. The same code is compared with
that of the try before, some minutes earlier. RESULTS gets every result, and planted.json with
the verdicts. Exit code 1 unless the same code is called noise, and the slower one a
regression, in nine of ten tries each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import corpus, results, run
from benchmarks.compare import NOISE, REGRESSION, as_data, compare
from benchmarks.one_run import Asked

_SITE = Path(__file__).parent / "site"
_TOLERANCE = 0.05
_ENOUGH = 0.9


def measured(asked: Asked, share: float, repeat: int, paths: Sequence[Path]) -> None:
    """Write a result for each path: of the code as it is, and of slower code if there are two."""
    slow = replace(asked, env={"SKANEARKIV_PLUGINS": str(_SITE), "SKANEARKIV_PLANTED": str(share)})
    described = corpus.described(asked.source)
    ran = run.repeated([asked, slow][: len(paths)], repeat, None, _say)
    for path, one in zip(paths, ran, strict=True):
        results.write(run.result("run", asked, described, [one]), path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Make the tries; print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    what = Asked(asked.folder.resolve(), asked.workers)
    last = asked.results / "planted-0.json"
    measured(what, asked.share, asked.repeat, [last])
    tries = []
    for number in range(asked.tries):
        now = asked.results / f"planted-{number + 1}.json"
        slow = asked.results / f"planted-{number + 1}-slower.json"
        measured(what, asked.share, asked.repeat, [now, slow])
        one = {
            "same": as_data(compare(last, now, _TOLERANCE)),
            "slower": as_data(compare(now, slow, _TOLERANCE)),
        }
        last = now
        tries.append(one)
        _say(f"try {number + 1}: {one['same']['verdict']}, {one['slower']['verdict']}")
    right = {
        "same": sum(one["same"]["verdict"] == NOISE for one in tries),
        "slower": sum(one["slower"]["verdict"] == REGRESSION for one in tries),
    }
    results.write(
        {"share": asked.share, "repeat": asked.repeat, "right": right, "tries": tries},
        asked.results / "planted.json",
    )
    head = ("try", "same code", "files", "runs", "slower by plan", "files", "runs")
    rows = [
        (number, *(text for which in ("same", "slower") for text in _cells(one[which])))
        for number, one in enumerate(tries, 1)
    ]
    print(results.table(head, rows))
    print(f"noise {right['same']}, regression {right['slower']} of {len(tries)}")
    raise SystemExit(0 if min(right.values()) >= _ENOUGH * len(tries) else 1)


def _cells(one: dict[str, Any]) -> list[str]:
    ratios = [one[name] for name in ("files", "runs")]
    return [
        one["verdict"],
        *(f"{r['ratio']:.2f} ({r['low']:.2f} to {r['high']:.2f})" for r in ratios),
    ]


if __name__ == "__main__":
    main()
