# SPDX-License-Identifier: AGPL-3.0-or-later
"""The product beside what archives use instead, on the same files, in the same hour.

(a) The whole chain: `skanearkiv run` against a script that calls ready-made tools file by
file, each started anew. (b) Each stage beside its peers. Ways run in turn, so that a slow
minute falls on each alike. What is compared, and what is not fair to whom: docs/peers.md.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import corpus, one_run, peers_stages, peers_tools
from benchmarks.peers_judge import Court, counts, unnoticed
from benchmarks.peers_plan import Planned, planned, sampled, steps, task
from benchmarks.peers_run import answers, chain, cost, listing, told
from benchmarks.peers_stages import Bench
from benchmarks.progress import show
from benchmarks.results import table
from format_registry import policy as policies
from migrators.libreoffice.client import OFFICE
from migrators.pdf import ghostscript
from pipeline.core import isolate
from pipeline.core.errors import ConfigError
from pipeline.ledger.connection import open_reader

OURS, CHAIN = "ours", "a script of ready-made tools"
STAGES = ("chain", "identification", "pdf", "office", "validation")
_PACKAGES = ("opf-fido", "pygfried", "ocrmypdf", "pikepdf", "jpylyzer", "pillow",
             "opendataloader-pdf")  # fmt: skip
_VALIDATED = 50  # outputs at the most that are validated once more, cold


def measure(
    folder: Path,
    out: Path,
    repeat: int = 3,
    limit: int | None = None,
    *,
    stages: Sequence[str] = STAGES,
    workers: Sequence[int] = (1,),
    policy: Path | None = None,
    seconds: float = 300.0,
    seed: int = 1,
) -> dict[str, Any]:
    """Measure and return everything, ready for JSON.

    `folder` is only read. `out` is a folder for work and outputs that does not exist or is
    empty; what is in it afterwards may be removed. `limit`: files of each family (seeded
    sample), None for all. `workers`: of the product, one way for each; the script is serial.
    `seconds`: limit of one call of a tool. Raises ConfigError, ToolMissingError,
    RunStoppedError.
    """
    _check(folder, out, repeat, stages)
    rules_path = policy or policies.default_path()
    rules = policies.load(rules_path)
    sample = sampled(folder, limit, seed, rules, show)
    if not sample:
        raise ConfigError(f"{folder} holds no file")
    out.mkdir(parents=True, exist_ok=True)
    delivery, sample = _delivery(folder, sample, out) if limit is not None else (folder, sample)
    files = planned(sample, rules, out / "plan", show)
    bench = Bench(files, rules, out, repeat, seconds, Court(rules, out / "court"), show)
    found: dict[str, Any] = {
        "files": len(files), "bytes": sum(one.size for one in files), "limit": limit,
        "seed": seed, "repeat": repeat, "tool_seconds": seconds,
        "corpus": corpus.described(delivery),
        "families": dict(sorted(Counter(one.family for one in files).items())),
        "tools": {name: version(name) for name in _PACKAGES} | peers_tools.which()
        | {"ghostscript": ghostscript.PROBE.version(), "libreoffice": OFFICE.version()},
        "stages": {},
    }  # fmt: skip
    if "chain" in stages:
        found["chain"] = _whole(bench, delivery, rules_path, workers)
    for name in ("identification", "pdf", "office"):
        if name in stages:
            found["stages"][name] = getattr(peers_stages, name)(bench)
    if "validation" in stages:
        found["stages"]["validation"] = peers_stages.validation(bench, _made(out, limit))
    isolate.close_all()
    show("")
    return found


def _check(folder: Path, out: Path, repeat: int, stages: Sequence[str]) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{out} lies in what is measured; nothing is written there")
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty")
    unknown = set(stages) - set(STAGES)
    if unknown or not stages:
        raise ConfigError(f"there is no stage {sorted(unknown)}; there are {', '.join(STAGES)}")
    if repeat < 1:
        raise ConfigError("once is the least that can be measured")


def _delivery(folder: Path, sample: Sequence[Planned], out: Path) -> tuple[Path, list[Planned]]:
    """Copy a sample to a folder of its own, names and all; return it, and the files there."""
    delivery, copies = out / "delivery", []
    for one in sample:
        path = delivery / one.path.relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(one.path, path)
        copies.append(replace(one, path=path))
    return delivery, copies


def _whole(bench: Bench, delivery: Path, policy: Path, workers: Sequence[int]) -> dict[str, Any]:
    """Measure the whole chain, both ways in turn; judge what the first round made."""
    names = [OURS if count == 1 else f"{OURS}, {count} workers" for count in workers]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in [*names, CHAIN]}
    work = bench.folder / "chain"
    work.mkdir()
    for number in range(bench.repeat):
        turns: list[tuple[str, Callable[[], dict[str, Any]]]] = [
            (name, _run(delivery, work / f"ours-{count}-{number}", policy, count))
            for name, count in zip(names, workers, strict=True)
        ]
        turns.append((CHAIN, _script(bench, work / f"script-{number}")))
        for way, run in turns if number % 2 == 0 else turns[::-1]:
            bench.say(f"{way}, {number + 1} of {bench.repeat}")
            runs[way].append(run())
        if number:
            for old in work.glob(f"*-{number}"):
                shutil.rmtree(old)
    outputs = {
        **{name: _of_ledger(bench.planned, work / f"ours-{count}-0")
           for name, count in zip(names, workers, strict=True)},
        CHAIN: _of_script(bench.planned, work / "script-0"),
    }  # fmt: skip
    ways = told(runs, len(bench.planned))
    rows = [one.row() | {"ways": {}} for one in bench.planned]
    for name, made in outputs.items():
        verdicts = {}
        for at, one in enumerate(bench.planned):
            bench.say(f"judging {name}: {at + 1} of {len(rows)}")
            path, said = made.get(one.number, (None, {"accepted": False}))
            said |= bench.court.judged(one, path if one.wanted else None)
            rows[at]["ways"][name] = verdicts[one.number] = said
        ways[name] |= counts(bench.planned, verdicts)
        ways[name]["unnoticed"] = unnoticed(bench.planned, verdicts)
    return {"count": len(bench.planned), "ways": ways, "files": rows}


def _run(delivery: Path, out: Path, policy: Path, workers: int) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        ran = one_run.measure(one_run.Asked(delivery, workers, policy=policy), out)
        return {
            "cpu_seconds": ran.told["cpu_seconds"]["all"],
            "wall_seconds": ran.told["wall_seconds"], "exact": ran.told["cpu_exact"],
            "exit": 0, "yardstick": ran.told["yardstick"],
        }  # fmt: skip

    return run


def _script(bench: Bench, out: Path) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        out.mkdir()
        rows = [task(one, steps(one, bench.policy), out) for one in bench.planned]
        tasks = listing(out / "tasks.json", rows, CHAIN, bench.seconds)
        return cost(chain(tasks, out), {}, out / "said.log")

    return run


_Outputs = dict[int, tuple[Path | None, dict[str, Any]]]


def _of_ledger(files: Sequence[Planned], out: Path) -> _Outputs:
    """Return what the product made of each file, and its own verdict."""
    numbers = {one.raw: one.number for one in files}
    found: _Outputs = {}
    with closing(open_reader(out)) as db:
        for row in db.execute(
            "SELECT f.raw, f.outcome, f.code, f.puid, m.output, m.accepted, m.method FROM files f"
            " LEFT JOIN migrations m ON m.file = f.id AND m.generation = f.generation"
        ):
            if row["raw"] in numbers:
                said = {name: row[name] for name in ("outcome", "code", "puid", "method")}
                path = out / row["output"] if row["output"] else None
                accepted = {"accepted": bool(row["accepted"])}
                found[numbers[row["raw"]]] = (path, said | accepted)
    return found


def _of_script(files: Sequence[Planned], out: Path) -> _Outputs:
    said = answers(out)
    return {
        one.number: (one.output(out), {"steps": said.get(one.number, []), "accepted": True})
        for one in files
    }


def _made(out: Path, limit: int | None) -> list[Path]:
    """Return PDF/A that the product made in the first round, as many as may be."""
    every = sorted(out.glob("chain/ours-1-0/migrated/**/*.pdf"))
    return every[: _VALIDATED if limit is None else limit]


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables for people."""
    parts = [
        f"{found['files']} files, {found['bytes'] / 1e6:.1f} MB"
        + (f", {found['limit']} of each family at the most" if found["limit"] else "")
        + f"; medians of {found['repeat']} round{'s' if found['repeat'] > 1 else ''} in turn."
    ]
    if "chain" in found:
        parts += ["### The whole chain", _shown(found["chain"])]
    for name, stage in found["stages"].items():
        if stage:
            parts += [f"### {_TITLES[name]}", _shown(stage)]
    return "\n\n".join(parts) + "\n"


_TITLES = {
    "identification": "Identification",
    "pdf": "PDF to PDF/A",
    "office": "Office documents to PDF/A",
    "validation": "Validation of PDF/A",
}


def _shown(stage: Mapping[str, Any]) -> str:
    """Return a stage's table: what each way took and, where it makes something, how well."""
    making = any("asked" in way for way in stage["ways"].values())
    head = ["way", "CPU s", "wall s", "files per core-hour", "CPU, times ours"]
    if making:
        head += ["asked", "made", "valid", "valid and faithful", "made of files that do not open"]
    proving = any("unnoticed" in way for way in stage["ways"].values())
    head += ["handed on though it is not"] if proving else []
    named = any("as_planned" in way for way in stage["ways"].values())
    head += ["same PUID as the plan"] if named else []
    rows = []
    for name, way in stage["ways"].items():
        row: list[object] = [
            name, way["cpu_seconds"]["median"], way["wall_seconds"]["median"],
            way["files_per_core_hour"]["median"], way["times_ours"]["median"],
        ]  # fmt: skip
        if making:
            row += [way["asked"], *(_share(way, one) for one in ("made", "valid", "faithful"))]
            row.append(way["made_of_barred"])
        if proving:
            row.append(way["unnoticed"])
        if named:
            row.append(f"{way['as_planned']} of {stage['count']}")
        rows.append(row)
    told_more = (
        f"\n\nThe same verdict: {stage['agree']} of {stage['count']}." if "agree" in stage else ""
    )
    broken = [
        f"\n\n{name} ended with exit code {run['exit']}: its numbers are of what it got to."
        for name, way in stage["ways"].items()
        for run in way["runs"][:1]
        if run["exit"]
    ]
    return "".join([table(head, rows), told_more, *broken])


def _share(way: Mapping[str, Any], name: str) -> str:
    share = way[f"share_{name}"]
    return str(way[name]) if share is None else f"{way[name]} ({share:.1%})"


if __name__ == "__main__":
    print(markdown(measure(Path(sys.argv[1]), Path(sys.argv[2]), 1, 2)))
