# SPDX-License-Identifier: AGPL-3.0-or-later
"""One picture of a comparison with peers, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OURS, _OTHER = "#0b6e4f", "#8a8f98"
_TITLES = {
    "chain": "The whole chain",
    "identification": "Identification",
    "pdf": "PDF to PDF/A",
    "office": "Office to PDF/A",
    "validation": "Validation of PDF/A",
}


def draw(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw `peers.png` and `peers.svg` in `folder`; return their paths.

    Left: files for an hour of one processor, with the least and the most of the rounds; right,
    for what is made: the share that is valid and faithful. `found` is what `peers.measure`
    returned.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    # SVG without a time and with names that do not change: the same data, the same file.
    mpl.rcParams.update({"svg.hashsalt": "skanearkiv", "svg.fonttype": "path"})
    from matplotlib import pyplot as plt

    stages = {"chain": found.get("chain"), **found["stages"]}
    shown = {name: stage for name, stage in stages.items() if stage}
    heights = [len(stage["ways"]) + 1.2 for stage in shown.values()]
    figure, axes = plt.subplots(
        len(shown), 2, figsize=(10.5, 0.42 * sum(heights) + 0.6), squeeze=False,
        height_ratios=heights, width_ratios=(1.6, 1), layout="constrained",
    )  # fmt: skip
    for row, (name, stage) in zip(axes, shown.items(), strict=True):
        _speed(row[0], _TITLES[name], stage)
        _quality(row[1], stage)
    axes[-1][0].set_xlabel("files for an hour of one processor (more is better)")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "peers.png", folder / "peers.svg"]
    for path in paths:
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=130, metadata=metadata)
    plt.close(figure)
    return paths


def _speed(axes: Any, title: str, stage: Mapping[str, Any]) -> None:
    ways = stage["ways"]
    rates = [way["files_per_core_hour"] for way in ways.values()]
    medians = [rate["median"] for rate in rates]
    spread = [
        [rate["median"] - rate["minimum"] for rate in rates],
        [rate["maximum"] - rate["median"] for rate in rates],
    ]
    axes.barh(list(ways), medians, 0.62, xerr=spread, color=_colours(ways), ecolor="#333333",
              capsize=2)  # fmt: skip
    axes.set_xlim(0, 1.2 * max(rate["maximum"] for rate in rates))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.locator_params(axis="x", nbins=5)
    for number, rate in enumerate(rates):
        axes.annotate(
            f"{rate['median']:,.0f}", (rate["maximum"], number), xytext=(5, 0),
            textcoords="offset points", va="center", fontsize=9,
        )  # fmt: skip
    axes.set_title(f"{title}, {stage['count']} files", loc="left", fontsize=10.5, weight="bold")
    _tidy(axes)


def _quality(axes: Any, stage: Mapping[str, Any]) -> None:
    ways = stage["ways"]
    shares = [way.get("share_faithful") for way in ways.values()]
    if not any(share is not None for share in shares):
        axes.axis("off")
        return
    values = [100 * (share or 0.0) for share in shares]
    axes.barh(list(ways), values, 0.62, color=_colours(ways))
    for number, value in enumerate(values):
        axes.annotate(
            f"{value:.1f} %", (value, number), xytext=(5, 0), textcoords="offset points",
            va="center", fontsize=9,
        )  # fmt: skip
    asked = next(iter(ways.values()))["asked"]
    axes.set_title(f"valid and faithful, of {asked} that open", loc="left", fontsize=10)
    axes.set_xlim(0, 118)
    axes.set_yticklabels([])
    _tidy(axes)


def _colours(ways: Mapping[str, Any]) -> list[str]:
    return [_OURS if name.startswith("ours") else _OTHER for name in ways]


def _tidy(axes: Any) -> None:
    axes.invert_yaxis()
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
