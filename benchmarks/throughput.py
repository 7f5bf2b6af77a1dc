# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whole runs over a folder, with one worker and more: `python -m benchmarks.throughput`.

Machines are noisy: compare within one result only, by medians, and look at the spread.
Each run gets an output folder of its own that is removed afterwards.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_COMMAND = [sys.executable, "-c", "from pipeline.cli.main import run; run()", "run"]


def measure(source: Path, workers: int) -> dict[str, Any]:
    """Run once; return wall and CPU seconds, files and outcomes."""
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-") as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        answer = subprocess.run(
            [*_COMMAND, str(source), "--out", f"{folder}/out", "--workers", str(workers), "--json"],
            stdout=subprocess.PIPE,
            check=False,
            text=True,
        )
        wall = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode not in (0, 1):
        raise SystemExit(f"the run ended with exit code {answer.returncode}")
    result = json.loads(answer.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "workers": workers,
        "files": result["files"],
        "outcomes": result["outcomes"],
        "wall_seconds": round(wall, 2),
        "cpu_seconds_of_reaped_children": round(cpu, 2),
        "files_per_second": round(result["files"] / wall, 2),
    }


def main() -> None:
    """Measure what the command line asks for; print a table, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python -m benchmarks.throughput DELIVERY --workers 1 2 --repeat 3",
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("throughput.json"))
    arguments = parser.parse_args()
    # Interleaved, so that a slow minute of the machine falls on each setting alike.
    runs = [
        measure(arguments.source, workers)
        for _ in range(arguments.repeat)
        for workers in arguments.workers
    ]
    machine = {"system": platform.platform(), "python": platform.python_version()}
    arguments.out.write_text(json.dumps({"machine": machine, "runs": runs}, indent=1))
    for workers in arguments.workers:
        rates = [run["files_per_second"] for run in runs if run["workers"] == workers]
        median = statistics.median(rates)
        print(f"{workers} workers: median {median:.2f} files/s, {min(rates)}-{max(rates)}")


if __name__ == "__main__":
    main()
