# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv capacity`: how many machines a delivery needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.output import ATTENTION, OK, emit, failures
from pipeline.core.errors import ConfigError

_EXAMPLES = """
Examples:

  skanearkiv capacity --files 1000000 --mix /archive/out/sample --deadline 7d

  skanearkiv capacity --files 10000000 --bytes 8TB --mix formats.csv --deadline 72h --workers 50

  skanearkiv capacity --files 100000000 --mix OUT/report/files.csv --costs run.json --deadline 30d
  --slots-per-machine 32 --walltime 24 --failures-per-day 0.01 --disk 2000 --network 1200 --json

MIX is the output folder of a finished run, files.csv of its report, a result of the benchmarks
(.json), or a .csv with the columns puid,share,bytes (bytes: the mean size of a file). Costs are
what MIX carries itself, unless --costs says otherwise. docs/capacity.md tells what is modelled.

Exit codes: 0 the deadline is met; 1 it is not; 2 usage, or a file that cannot be used.
"""
_UNITS = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40, "PIB": 2**50,
}  # fmt: skip
_TIMES = {"": 3600, "min": 60, "h": 3600, "d": 86_400}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("capacity", epilog=_EXAMPLES)(capacity)


def capacity(
    files: Annotated[int, typer.Option(min=1, help="Files of the delivery.")],
    mix: Annotated[Path, typer.Option(help="What it consists of: a run's folder, .csv or .json.")],
    deadline: Annotated[str, typer.Option(help="Time that there is: 90min, 72h, 7d.")],
    size: Annotated[
        str, typer.Option("--bytes", help="Size of the delivery, e.g. 8TB [as files of the mix].")
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, max=100_000, help="Workers; 0: as few as meet the deadline.")
    ] = 0,
    costs: Annotated[
        Path | None, typer.Option(help="Measured costs: a run's folder, or a result (.json).")
    ] = None,
    slots_per_machine: Annotated[
        int, typer.Option(min=1, help="Workers, and cores, of each machine.")
    ] = 16,
    walltime: Annotated[
        float, typer.Option(min=0, help="Hours after which a machine's job ends; 0: never.")
    ] = 0.0,
    failures_per_day: Annotated[
        float, typer.Option(min=0, help="How often one machine fails a day, e.g. 0.01.")
    ] = 0.0,
    disk: Annotated[
        float, typer.Option(min=0, help="MB/s of the storage that all share; 0: no limit.")
    ] = 0.0,
    network: Annotated[
        float, typer.Option(min=0, help="MB/s of one machine's link; 0: no limit.")
    ] = 0.0,
    longest_first: Annotated[
        bool, typer.Option("--longest-first", help="What if the longest were handed out first.")
    ] = False,
    rates: Annotated[
        Path | None,
        typer.Option(help="Constants of your machines, by `python -m benchmarks.capacity.measure`"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how many workers a delivery needs, how long it takes, and what gives out first."""
    # Simulation and numpy are no other command's business.
    from benchmarks.capacity import ask, words
    from benchmarks.capacity.plan import Asked

    with failures():
        asked = Asked(
            files=files,
            bytes=_bytes(size) if size else None,
            deadline=_seconds(deadline),
            workers=workers,
            per_machine=slots_per_machine,
            walltime=walltime * 3600,
            failures=failures_per_day,
            disk=disk * 1e6,
            network=network * 1e6,
            longest=longest_first,
        )
        found = ask.answered(asked, mix, costs, rates)
    if as_json:
        emit(found)
    else:
        _show(words.rows(found), words.told(found))
    raise typer.Exit(OK if found["met"] else ATTENTION)


def _show(rows: list[tuple[str, str]], told: list[str]) -> None:
    console = Console(highlight=False)
    table: Any = Table(show_header=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for line in told:
        console.print(line, markup=False)


def _bytes(text: str) -> float:
    """Return a size: a number, and perhaps a unit. Raises ConfigError."""
    number, unit = _parted(text)
    if unit.upper() not in _UNITS or number <= 0:
        raise ConfigError(f"--bytes: {text!r} is no size, e.g. 800GB, 8TB or 1.5TiB")
    return number * _UNITS[unit.upper()]


def _seconds(text: str) -> float:
    """Return a time in seconds; hours where no unit is given. Raises ConfigError."""
    number, unit = _parted(text)
    if unit not in _TIMES or number <= 0:
        raise ConfigError(f"--deadline: {text!r} is no time, e.g. 90min, 72h or 7d")
    return number * _TIMES[unit]


def _parted(text: str) -> tuple[float, str]:
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", text)
    return (float(found[1]), found[2]) if found else (-1.0, "")
