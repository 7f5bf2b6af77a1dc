# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv bench run`: whole runs, repeated, with each number of workers that is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import corpus, results
from benchmarks.one_run import Asked, Ran, measure, place, summed
from format_registry.policy import default_path

Say = Callable[[str], None]
_RATES = (
    "wall_seconds", "files_per_hour", "gb_per_hour", "files_per_core_hour", "overhead",
    "overhead_working",
)  # fmt: skip


def repeated(
    asked: Sequence[Asked], repeat: int, folder: Path | None, say: Say
) -> list[tuple[Asked, list[Ran]]]:
    """Return what each asked run came to, so often; a slow minute falls on each alike."""
    found: list[tuple[Asked, list[Ran]]] = [(one, []) for one in asked]
    with place(folder) as base:
        for turn in range(repeat):
            for number, one in enumerate(asked):
                out = base / f"{turn}-{number}"
                ran = measure(one, out)
                shutil.rmtree(out)
                found[number][1].append(ran)
                say(
                    f"{turn + 1} of {repeat}, {one.workers} workers: "
                    f"{ran.told['wall_seconds']:.1f} s, overhead {ran.told['overhead']:.2f}"
                )
    return found


def bench(
    asked: Asked, workers: Sequence[int], repeat: int, folder: Path | None, say: Say,
    kind: str = "run",
) -> dict[str, Any]:  # fmt: skip
    """Return a result. Raises ConfigError, RunStoppedError, OSError."""
    described = corpus.described(asked.source)
    say(f"{described['files']} files, {described['bytes'] / 1e6:.0f} MB: {asked.source}")
    each = [replace(asked, workers=count) for count in workers]
    ran = repeated(each, repeat, folder, say)
    return result(kind, asked, described, ran)


def result(
    kind: str, asked: Asked, described: dict[str, Any], ran: Sequence[tuple[Asked, list[Ran]]]
) -> dict[str, Any]:
    """Return runs as a result."""
    every = [one for _, runs in ran for one in runs]
    return results.result(
        kind,
        asked.policy or default_path(),
        described,
        repetitions=[one.told for one in every],
        summary=[
            {"workers": one.workers}
            | {name: results.spread(run.told[name] for run in runs) for name in _RATES}
            for one, runs in ran
        ],
        costs=[
            {"workers": one.workers, **row}
            for one, runs in ran
            for row in summed([cost for run in runs for cost in run.costs])
        ],
        mix=every[0].mix,
        files=_files(every),
    )


def _files(every: Sequence[Ran]) -> dict[str, dict[str, Any]]:
    """Return each file that was worked on, with the seconds and processor seconds of each run."""
    found: dict[str, dict[str, Any]] = {}
    for ran in every:
        for path, one in ran.files.items():
            row = found.setdefault(path, {"puid": one.puid, "size": one.size, "times": []})
            row["times"].append([one.seconds, one.cpu])
    return found


def markdown(made: dict[str, Any]) -> str:
    """Return the tables of a result."""
    head = ("workers", "runs", "wall s", "files/h", "GB/h", "files/core-h", "overhead",
            "while working", "peak MB", "coordinator MB")  # fmt: skip
    rows = []
    for one in made["summary"]:
        runs = [run for run in made["repetitions"] if run["workers"] == one["workers"]]
        peaks = [run["peak_memory_bytes"] for run in runs]
        rows.append(
            (
                one["workers"], len(runs), told(one["wall_seconds"]), told(one["files_per_hour"]),
                told(one["gb_per_hour"]), told(one["files_per_core_hour"]),
                told(one["overhead"]), told(one["overhead_working"]),
                max(peak["all"] for peak in peaks) / 1e6,
                max(peak["coordinator"] for peak in peaks) / 1e6,
            )
        )  # fmt: skip
    shares = _shares(made)
    return f"{heading(made)}\n\n{results.table(head, rows)}\n\n{shares}\n"


def heading(made: dict[str, Any]) -> str:
    """Return what was measured, on what, in words."""
    where, what = made["machine"], made["corpus"]
    memory = where["memory_bytes"] / 2**30
    return (
        f"{made['made'][:10]}: {what['files']:,} files, {what['bytes'] / 1e6:,.0f} MB "
        f"(`{what['sha256'][:12]}`); skanearkiv {made['versions']['skanearkiv']}, policy "
        f"{made['policy']['name']}; {where['processor']}, {where['cores']} cores, "
        f"{memory:.0f} GiB, {where['system']}. Median (minimum to maximum)."
    )


def told(found: dict[str, float]) -> str:
    """Return median, minimum and maximum as people read them."""
    digits = 0 if found["median"] >= 100 else 1 if found["median"] >= 10 else 2
    middle, least, most = (f"{found[one]:,.{digits}f}" for one in ("median", "minimum", "maximum"))
    return f"{middle} ({least} to {most})"


def _shares(made: dict[str, Any]) -> str:
    """Return where the slots' time went, of each number of workers."""
    head = ("workers", "start s", "work s", "records s", "CPU s: tools", "workers'",
            "coordinator's")  # fmt: skip
    rows = []
    for one in made["summary"]:
        runs = [run for run in made["repetitions"] if run["workers"] == one["workers"]]
        phases = [
            told(results.spread(run["phases"][name] for run in runs))
            for name in ("start", "work", "records")
        ]
        cpu = [
            told(results.spread(run["cpu_seconds"][name] for run in runs))
            for name in ("tools", "workers", "coordinator")
        ]
        rows.append((one["workers"], *phases, *cpu))
    return results.table(head, rows)
