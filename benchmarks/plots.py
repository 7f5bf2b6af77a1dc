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
