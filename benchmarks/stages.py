# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv bench stages`: which formats cost most, in which stage, by which tool."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import corpus, results, run
from benchmarks.one_run import Asked
from benchmarks.run import Say
from format_registry import pronom
from format_registry.policy import default_path
from pipeline.core.errors import RunStoppedError
from pipeline.core.measuring import FILE, SURVEY

STAGES = ("hash", "identify", "snapshot", "validate", "migrate", "verify")
_LIMIT = 600  # seconds for a file that is done three times


def bench(asked: Asked, repeat: int, folder: Path | None, top: int, say: Say) -> dict[str, Any]:
    """Return a result with `stages`, the formats that cost most first, and `tools`."""
    described = corpus.described(asked.source)
    ran = run.repeated([asked], repeat, folder, say)
    made = run.result("stages", asked, described, ran)
    puids = formats(made["costs"], repeat)
    dearest = puids[:top]
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-") as scratch:
        for number, one in enumerate(dearest):
            path = _middle(made, asked, one["puid"])
            if not path:
                continue
            say(f"cold: {one['puid'] or 'unidentified'}: {path}")
            place = Path(scratch, str(number))
            place.mkdir()
            one["example"] = path
            one["cold"] = _cold(asked, path, place)
    made["stages"] = puids
    made["tools"] = tools(made["costs"], repeat)
    return made


def formats(costs: Iterable[dict[str, Any]], repeat: int) -> list[dict[str, Any]]:
    """Return a row for each PUID, the dearest first; seconds and bytes are of one run.

    `other`: what the two jobs took beside their stages: our own hands.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in costs:
        row = found.setdefault(
            one["puid"],
            {"puid": one["puid"], "name": name(one["puid"]), "files": 0, "seconds": 0.0,
             "cpu": 0.0, "memory": 0, "longest": 0.0, "stages": defaultdict(float),
             "tools": defaultdict(float)},
        )  # fmt: skip
        if one["tool"]:
            row["tools"][f"{one['stage']}: {one['tool']}"] += one["seconds"] / repeat
        elif one["stage"] in (SURVEY, FILE):
            row["seconds"] += one["seconds"] / repeat
            row["cpu"] += one["cpu"] / repeat
            row["memory"] = max(row["memory"], one["memory"])
            if one["stage"] == SURVEY:
                row["files"] += one["count"] // repeat
            else:
                row["longest"] = max(row["longest"], one["longest"])
        else:
            row["stages"][one["stage"]] += one["seconds"] / repeat
    for row in found.values():
        row["stages"]["other"] = row["seconds"] - sum(row["stages"].values())
        for part in ("stages", "tools"):
            row[part] = {key: round(value, 3) for key, value in sorted(row[part].items())}
        row["seconds"], row["cpu"] = round(row["seconds"], 3), round(row["cpu"], 2)
    return sorted(found.values(), key=lambda row: -row["seconds"])


def tools(costs: Iterable[dict[str, Any]], repeat: int) -> list[dict[str, Any]]:
    """Return a row for each tool of each stage, the dearest first, of one run."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in costs:
        if not one["tool"]:
            continue
        row = found.setdefault(
            (one["stage"], one["tool"]),
            {"stage": one["stage"], "tool": one["tool"], "calls": 0, "seconds": 0.0, "cpu": 0.0,
             "memory": 0, "longest": 0.0},
        )  # fmt: skip
        row["calls"] += one["count"] / repeat
        row["seconds"] += one["seconds"] / repeat
        row["cpu"] += one["cpu"] / repeat
        row["memory"] = max(row["memory"], one["memory"])
        row["longest"] = max(row["longest"], one["longest"])
    for row in found.values():
        row["calls"] = round(row["calls"])
        row["seconds"], row["cpu"] = round(row["seconds"], 2), round(row["cpu"], 2)
    return sorted(found.values(), key=lambda row: -row["seconds"])


def name(puid: str) -> str:
    """Return what PRONOM calls a format, with its version once."""
    known = pronom.record(puid) if puid else None
    if known is None:
        return puid or "not identified"
    return known.name if known.version in known.name else f"{known.name} {known.version}"


def _middle(made: dict[str, Any], asked: Asked, puid: str) -> str:
    """Return the path of a file of this format that takes neither long nor short."""
    times = {
        path: statistics.median(time[0] for time in one["times"])
        for path, one in made["files"].items()
        # A name that is no Unicode is told otherwise than it is.
        if one["puid"] == puid and (asked.source / path).is_file()
    }
    ordered = sorted(times, key=lambda path: times[path])
    return ordered[len(ordered) // 2] if ordered else ""


def _cold(asked: Asked, path: str, scratch: Path) -> list[float]:
    command = [
        sys.executable, "-m", "benchmarks.cold_file", str(asked.source / path), str(scratch),
        str(asked.policy or default_path()),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    if done.returncode:
        raise RunStoppedError(f"{path}, alone: {done.stderr.strip()[-500:]}")
    found: list[float] = json.loads(done.stdout)
    return found


def markdown(made: dict[str, Any], top: int = 10) -> str:
    """Return the tables of a result."""
    head = ("PUID", "format", "files", "s", "s/file", "longest s", *(f"{one} %" for one in STAGES),
            "other %", "dearest tool", "cold s", "warm s", "peak MB")  # fmt: skip
    rows = [_row(one) for one in made["stages"][:top]]
    rest = made["stages"][top:]
    other = f"The other {len(rest)} formats took {sum(one['seconds'] for one in rest):,.1f} s."
    tool_head = ("stage", "tool", "calls", "s", "s/call", "CPU s", "longest s", "peak MB")
    tool_rows = [
        (one["stage"], one["tool"], one["calls"], one["seconds"],
         one["seconds"] / max(one["calls"], 1), one["cpu"], one["longest"], one["memory"] / 1e6)
        for one in made["tools"]
    ]  # fmt: skip
    cold = (
        "`cold`: one file of the format in a new process, every server to be started; `warm`: "
        "the same file again in that process."
    )
    return (
        f"{run.heading(made)}\n\n{results.table(head, rows)}\n\n{other} {cold}\n\n"
        f"{results.table(tool_head, tool_rows)}\n"
    )


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    whole = one["seconds"] or 1.0
    shares = [f"{100 * one['stages'].get(part, 0.0) / whole:.0f}" for part in (*STAGES, "other")]
    dearest = max(one["tools"].items(), key=lambda item: item[1], default=("", 0.0))
    cold = one.get("cold") or [0.0, 0.0]
    return (
        one["puid"] or "–", one["name"], one["files"], one["seconds"],
        one["seconds"] / max(one["files"], 1), one["longest"], *shares,
        f"{dearest[0]} {100 * dearest[1] / whole:.0f} %", cold[0], min(cold[1:]),
        one["memory"] / 1e6,
    )  # fmt: skip
