# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv status`: where a run stands, also while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.output import duration, emit, failures, known_outcome
from pipeline.cli.status_watch import watch
from pipeline.core.records import Outcome
from pipeline.execution.lock import held
from pipeline.ledger import queries
from pipeline.ledger.connection import open_reader
from pipeline.watching import state_file

_EXAMPLES = """
Examples:

  skanearkiv status OUT

  skanearkiv status OUT --outcome timeout

  skanearkiv status OUT --json

  skanearkiv status OUT --watch
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=_EXAMPLES)(status)


def status(
    out: Annotated[Path, typer.Argument(help="Output folder of a run.")],
    outcome: Annotated[
        str, typer.Option(help="List the files with this outcome, with reasons.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    follow: Annotated[
        bool,
        typer.Option("--watch", help="Show a run as it goes, until it ends."),
    ] = False,
    interval: Annotated[
        float, typer.Option(min=0.2, help="Seconds between looks of --watch.")
    ] = 2.0,
) -> None:
    """Show how many files have which outcome; the counts add up to the number of files."""
    if follow:
        with failures():
            code = watch(out, interval)
        raise typer.Exit(code)
    with failures():
        db = open_reader(out)
        state = queries.state(db)
        if state["run"].get("status") == "running" and not held(out):
            state["run"]["status"] = "stopped"  # killed: it could not say so itself
        running = state["run"].get("status") == "running"
        going = state_file.read(out, state["run"]["id"]) if running else {}
        state["left_seconds"] = going.get("left")
        if outcome:
            outcome = known_outcome(outcome).value
        files = list(queries.with_outcome(db, outcome)) if outcome else []
    if as_json:
        emit({**state, "listed": files} if outcome else state)
        return
    console = Console(highlight=False)
    run = state["run"]
    console.print(f"{state['delivery']}: run {run['id']} {run['status']}, started {run['started']}")
    if outcome:
        for one in files:
            # Not by Rich, which folds long lines and makes spaces of tabs.
            typer.echo(f"{one['path']}\t{one['code']}\t{' '.join(str(one['detail']).split())}")
        return
    table = Table("outcome", "files", "")
    for name, count in sorted(state["outcomes"].items(), key=lambda item: -item[1]):
        table.add_row(name, str(count), "" if Outcome(name).good else "needs attention")
    if state["pending"]:
        left = state["left_seconds"]
        told = f"{duration(left)} left" if left is not None else ""
        table.add_row("(not yet)", str(state["pending"]), told)
    if state["missing"]:
        table.add_row("(no longer in the source)", str(state["missing"]), "counted above")
    table.add_section()
    table.add_row("all", str(state["files"]), "")
    console.print(table)
