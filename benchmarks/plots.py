# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plots that a person reads at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_COLOURS = ("#8a8f98", "#0b6e4f", "#c46a1b", "#2b5c8a")


def bars(groups: Mapping[str, Mapping[str, Mapping[str, float]]], what: str, path: Path) -> None:
    """Draw a bar for each value of each group, with its least and greatest, as a PNG.

    `groups`: group -> name -> median, minimum, maximum.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        1, len(groups), figsize=(5.2 * len(groups), 3.2), squeeze=False, layout="constrained"
    )
    for one, (group, values) in zip(axes[0], groups.items(), strict=True):
        names = list(values)
        medians = [values[name]["median"] for name in names]
        spread = [
            [values[name]["median"] - values[name]["minimum"] for name in names],
            [values[name]["maximum"] - values[name]["median"] for name in names],
        ]
        colours = [_COLOURS[number % len(_COLOURS)] for number in range(len(names))]
        one.barh(names, medians, xerr=spread, color=colours, ecolor="#333333", capsize=3)
        one.invert_yaxis()
        one.set_title(group, loc="left", fontsize=11)
        one.set_xlabel(what)
        one.spines[["top", "right"]].set_visible(False)
        for number, (median, most) in enumerate(zip(medians, spread[1], strict=True)):
            one.annotate(
                f"{median:,.0f}", (median + most, number), xytext=(5, 0),
                textcoords="offset points", va="center",
            )  # fmt: skip
        one.margins(x=0.15)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def shares(
    groups: Mapping[str, Mapping[str, float]], costs: Mapping[str, float], path: Path
) -> None:
    """Draw what share each way reached, by criterion, and beside it what it cost, as a PNG.

    `groups`: way -> criterion -> share (0-1); `costs`: way -> CPU seconds.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 3.6), width_ratios=(2.2, 1), layout="constrained"
    )
    ways = list(groups)
    criteria = list(groups[ways[0]])
    thick = 0.8 / len(criteria)
    for number, criterion in enumerate(criteria):
        places = [place + number * thick for place in range(len(ways))]
        values = [100 * groups[way][criterion] for way in ways]
        left.barh(places, values, thick * 0.9, label=criterion, color=_COLOURS[number + 1])
        for place, value in zip(places, values, strict=True):
            left.annotate(
                f"{value:.0f}", (value, place), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=9,
            )  # fmt: skip
    left.set_yticks([place + thick * (len(criteria) - 1) / 2 for place in range(len(ways))], ways)
    left.invert_yaxis()
    left.set_xlim(0, 109)
    left.set_xlabel("per cent of the files that open")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, 1.17), ncols=3, frameon=False)
    right.barh(ways, [costs[way] for way in ways], 0.5, color=_COLOURS[0])
    right.invert_yaxis()
    right.set_xlabel("CPU seconds, all files")
    for place, way in enumerate(ways):
        right.annotate(
            f"{costs[way]:,.0f}", (costs[way], place), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=9,
        )  # fmt: skip
    right.margins(x=0.18)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
