# SPDX-License-Identifier: AGPL-3.0-or-later
"""Run ways in turn, each in processes of its own; what each took, and the ratio by pairs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import Pace
from benchmarks.processes import Watched
from benchmarks.results import spread

ANSWERS = "answers.jsonl"  # a line for each file, so that one that ends a way costs no other
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing a stage. `command(out)`: the command line that writes to `out`."""

    name: str
    command: Callable[[Path], Sequence[str]]
    env: Mapping[str, str] = field(default_factory=dict)


def cost(command: Sequence[str], env: Mapping[str, str], log: Path) -> dict[str, Any]:
    """Run a command; return seconds of processor and wall, exit code, and the yardstick."""
    with log.open("a", encoding="utf-8") as stream, Pace() as pace:
        watched = Watched(command, stream, dict(env))
        wall = watched.wait()
    return {
        "cpu_seconds": watched.cpu["all"], "wall_seconds": round(wall, 2),
        "exact": watched.exact, "exit": watched.child.returncode,
        "yardstick": pace.yardstick,
    }  # fmt: skip


def in_turn(
    ways: Sequence[Way], repeat: int, folder: Path, say: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    """Run every way `repeat` times, each round begun by another; return costs by way.

    What a way writes in its first round lies in `folder/WAY-0` afterwards, its answers in
    `answers.jsonl` there; what it writes later is removed.
    """
    found: dict[str, list[dict[str, Any]]] = {way.name: [] for way in ways}
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(repeat):
        first = number % len(ways)
        for way in [*ways[first:], *ways[:first]]:
            say(f"{way.name}, {number + 1} of {repeat}")
            out = place(folder, way.name, number)
            out.mkdir(parents=True)
            row = cost(way.command(out), way.env, folder / "said.log")
            found[way.name].append(row)
            if number:
                shutil.rmtree(out)
    return found


def place(folder: Path, way: str, number: int) -> Path:
    """Return where a way writes in a round."""
    return folder / f"{''.join(c if c.isalnum() else '-' for c in way)}-{number}"


def answers(out: Path) -> dict[int, list[dict[str, Any]]]:
    """Return what was said of each file: number -> steps; nothing where a way broke."""
    path = out / ANSWERS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {row["number"]: row["steps"] for row in map(json.loads, lines)}


def told(runs: Mapping[str, Sequence[dict[str, Any]]], files: int) -> dict[str, dict[str, Any]]:
    """Return, per way, its runs, files for an hour of one processor, and its cost in pairs.

    `times_ours`: its processor seconds over those of the first way, round by round.
    """
    ours = next(iter(runs.values()))
    return {
        name: {
            "runs": list(several),
            "cpu_seconds": spread(one["cpu_seconds"] for one in several),
            "wall_seconds": spread(one["wall_seconds"] for one in several),
            "files_per_core_hour": spread(
                files * _HOUR / max(one["cpu_seconds"], 0.01) for one in several
            ),
            "times_ours": spread(
                one["cpu_seconds"] / max(other["cpu_seconds"], 0.01)
                for one, other in zip(several, ours, strict=True)
            ),
        }
        for name, several in runs.items()
    }


def listing(path: Path, tasks: Sequence[dict[str, Any]], name: str, seconds: float) -> Path:
    """Write a list of tasks for a child; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    asked = {"name": name, "seconds": seconds, "tasks": list(tasks)}
    path.write_text(json.dumps(asked), encoding="utf-8")
    return path


def chain(tasks: Path, out: Path) -> list[str]:
    """Return the command line of a script of ready-made tools."""
    return [sys.executable, "-m", "benchmarks.peers_chain", str(tasks), str(out / ANSWERS)]


def ours(stage: str, tasks: Path, out: Path) -> list[str]:
    """Return the command line of one stage of the product."""
    words = [sys.executable, "-m", "benchmarks.peers_ours", stage]
    return [*words, str(tasks), str(out / ANSWERS)]
