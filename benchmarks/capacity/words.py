# SPDX-License-Identifier: AGPL-3.0-or-later
"""The answer for people: a table, and what gives out first, in words (`texts.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pipeline.cli.output import duration

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
# Less than this of the work is not worth a remark.
_REMARK = 0.01


def texts() -> dict[str, dict[str, str]]:
    """Return the texts by resource."""
    found: dict[str, dict[str, str]] = tomllib.loads(
        (files(__package__) / "texts.toml").read_text(encoding="utf-8")
    )
    return found


def size(value: float) -> str:
    """Return bytes as people say them, in powers of a thousand."""
    at = 0
    while value >= 999.5 and at < len(_SIZES) - 1:
        value, at = value / 1000, at + 1
    return f"{value:.0f} {_SIZES[at]}" if value >= 100 or at == 0 else f"{value:.1f} {_SIZES[at]}"


def share(value: float) -> str:
    """Return a share in per cent."""
    return f"{value * 100:.0f} %" if value >= 0.0995 else f"{value * 100:.1f} %"


def rows(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the lines of the table: what, how much."""
    asked, machines = answer["asked"], answer["machines"]
    low, high = answer["hours_range"]
    phases, stored = answer["phases_hours"], answer["stored_bytes"]
    traffic = answer["traffic_mb_per_second"]
    each = (
        f"{machines['slots']} slots, {machines['cores']} cores, "
        f"{_gib(machines['memory_bytes'])} memory, {_gib(machines['scratch_bytes'])} scratch"
    )
    found = [
        ("delivery", f"{asked['files']:,} files, {size(asked['bytes'])}"),
        ("deadline", f"{_hours(asked['deadline_hours'])}: {'met' if answer['met'] else 'NOT met'}"),
        ("workers", f"{answer['workers']:,}"),
        ("machines", f"{machines['count']:,}, each: {each}"),
        ("memory of a slot", _gib(machines["memory_bytes_slot"])),
        ("time", f"{_hours(answer['hours'])} (from {_hours(low)} to {_hours(high)})"),
        *((f"  {name}", _hours(hours)) for name, hours in phases.items()),
        ("pace", f"{answer['files_per_hour']:,.0f} files/h, {answer['gb_per_hour']:,.2f} GB/h"),
        ("read", f"{traffic['read']:,.1f} MB/s"),
        ("written", f"{traffic['written']:,.1f} MB/s"),
        *((f"stored: {name}", size(value)) for name, value in stored.items()),
        *((f"busy: {name}", share(value)) for name, value in answer["utilisation"].items()),
    ]
    if machines["coordinator"]:
        one = machines["coordinator"]
        told = f"1 more, {one['cores']} cores, {_gib(one['memory_bytes'])} memory"
        found.insert(4, ("coordinator", told))
    if answer["deaths"]:
        told = f"{answer['deaths']:,} ends of machines, {answer['lost_worker_hours']:,.1f} h"
        found.append(("done again", told))
    return found


def told(answer: Mapping[str, Any]) -> list[str]:
    """Return what gives out, in its order, each with its remedy; and what to beware of."""
    known = texts()
    found = []
    for number, one in enumerate(answer["limits"], 1):
        text = known[one["resource"]]
        at = "" if one["at_workers"] is None else f"{one['at_workers']:,}"
        what = text["what"].format(busy=share(one["busy"]), at=at)
        found.append(f"{number}. {what} {text['remedy'].format(at=at)}")
    return found + _notes(answer, known["notes"])


def _notes(answer: Mapping[str, Any], notes: Mapping[str, str]) -> list[str]:
    found = []
    if not answer["met"]:
        name = "missed_given" if answer["asked"]["workers"] else "missed"
        found.append(notes[name].format(workers=answer["workers"]))
        parts, workers = answer.get("parts"), answer["workers"]
        if parts:
            values = {"parts": parts, "workers": workers, "all": parts * workers}
            found.append(notes["parts"].format(**values))
        elif name == "missed":
            found.append(notes["alone"])
    poor = {
        name: value
        for name, value in answer["rests_on"].items()
        if name != "measured" and value >= _REMARK
    }
    if poor:
        parts = ", ".join(f"{share(value)} on {name}" for name, value in poor.items())
        found.append(notes["estimated"].format(share=share(sum(poor.values())), parts=parts))
    return found


def _hours(hours: float) -> str:
    return duration(hours * 3600)


def _gib(value: float) -> str:
    return f"{value / (1 << 30):,.1f} GiB"
