# SPDX-License-Identifier: AGPL-3.0-or-later
"""A result as pictures: what a person reads at a glance. PNG for pages, SVG for print."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.stages import STAGES, name

# Told apart by people who see no red or green as well (Okabe and Ito, 2008).
_COLOURS = ("#999999", "#56B4E9", "#E69F00", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
_LETTERS = 34
_DOTS = 7  # families that get a colour of their own; the rest is grey


def draw(made: dict[str, Any], folder: Path) -> list[Path]:
    """Draw all that a result has the numbers for; return the pictures' paths."""
    found = []
    if "stages" in made:
        found += _saved(lambda axes: _stages(axes, made["stages"][:10]), folder / "stages", 9, 4.6)
    if "scaling" in made:
        found += _saved(lambda axes: _scaling(axes, made["scaling"]), folder / "scaling", 5.2, 4.2)
    if made.get("files"):
        found += _saved(lambda axes: _sizes(axes, made["files"]), folder / "sizes", 8, 4.8)
    return found


def _saved(paint: Callable[[Any], None], path: Path, width: float, height: float) -> list[Path]:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text in an SVG stays text, and the same numbers give the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "skanearkiv"}):
        figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
        paint(axes)
        axes.spines[["top", "right"]].set_visible(False)
        paths = [path.with_suffix(".png"), path.with_suffix(".svg")]
        figure.savefig(paths[0], dpi=130)
        figure.savefig(paths[1], metadata={"Date": None})
        plt.close(figure)
    return paths


def _label(puid: str) -> str:
    """Return a format's name, cut to what a plot has room for, and its PUID."""
    called = name(puid)
    short = called if len(called) <= _LETTERS else f"{called[: _LETTERS - 1].rstrip()}…"
    return f"{short} ({puid})" if puid and called != puid else short


def _stages(axes: Any, rows: list[dict[str, Any]]) -> None:
    names = [_label(one["puid"]) for one in rows]
    left = [0.0] * len(rows)
    for stage, colour in zip((*STAGES, "other"), _COLOURS, strict=False):
        values = [max(one["stages"].get(stage, 0.0), 0.0) for one in rows]
        axes.barh(names, values, left=left, color=colour, label=stage)
        left = [before + value for before, value in zip(left, values, strict=True)]
    for place, (one, end) in enumerate(zip(rows, left, strict=True)):
        each = one["seconds"] / max(one["files"], 1)
        axes.annotate(
            f"{one['files']} files, {each:.2f} s each", (end, place), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    axes.invert_yaxis()
    axes.margins(x=0.22)
    axes.set_xlabel("seconds of one worker, all files of the format")
    axes.legend(frameon=False, ncols=7, loc="upper center", bbox_to_anchor=(0.3, 1.1), fontsize=8)


def _scaling(axes: Any, rows: list[dict[str, Any]]) -> None:
    counts = [one["workers"] for one in rows]
    axes.plot(counts, counts, "--", color=_COLOURS[0], label="ideal")
    for part, label, colour in (
        ("speedup", "whole run", _COLOURS[3]),
        ("speedup_working", "while working", _COLOURS[4]),
    ):
        middle = [one[part]["median"] for one in rows]
        reach = [
            [one[part]["median"] - one[part]["minimum"] for one in rows],
            [one[part]["maximum"] - one[part]["median"] for one in rows],
        ]
        axes.errorbar(counts, middle, yerr=reach, marker="o", capsize=4, color=colour, label=label)
    for count, one in zip(counts, rows, strict=True):
        axes.annotate(
            f"{one['speedup']['median']:.2f}", (count, one["speedup"]["median"]), xytext=(8, -12),
            textcoords="offset points", fontsize=9,
        )  # fmt: skip
    axes.set_xticks(counts)
    axes.set_xlabel("workers")
    axes.set_ylabel("times one worker")
    axes.legend(frameon=False)


def _sizes(axes: Any, files: dict[str, dict[str, Any]]) -> None:
    kinds: dict[str, list[tuple[float, float]]] = {}
    for one in files.values():
        seconds = statistics.median(time[0] for time in one["times"])
        if seconds > 0 and one["size"]:
            kinds.setdefault(one["puid"], []).append((one["size"], seconds))
    dear = sorted(kinds, key=lambda kind: -sum(seconds for _, seconds in kinds[kind]))
    rest = [point for kind in dear[_DOTS:] for point in kinds[kind]]
    groups = [("all others", rest, _COLOURS[0])] if rest else []
    groups += [
        (_label(kind), kinds[kind], colour)
        for kind, colour in zip(dear[:_DOTS], _COLOURS[1:], strict=False)
    ]
    for kind, points, colour in groups:
        axes.scatter(
            [size / 1e6 for size, _ in points], [seconds for _, seconds in points], s=14,
            color=colour, label=kind, alpha=0.75, linewidths=0,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("size, MB")
    axes.set_ylabel("seconds of one worker, for one file")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
