# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv report`: write the reports anew from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.output import console, emit, failures
from pipeline.cli.written import write_records
from pipeline.ledger import queries
from pipeline.ledger.connection import open_reader

_EXAMPLES = """
Examples:

  skanearkiv report OUT

  skanearkiv report OUT --json
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", epilog=_EXAMPLES)(report)


def report(
    out: Annotated[Path, typer.Argument(help="Output folder of a run, also while it runs.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print counts and paths as JSON.")
    ] = False,
) -> None:
    """Write HTML (Swedish, English), CSV, JSON and PREMIS; print the counts per outcome."""
    with failures():
        written = write_records(out)
        db = open_reader(out)
        state = queries.state(db)
        db.close()
    if as_json:
        emit({**state, "written": [str(path) for path in written]})
        return
    for name, count in sorted(state["outcomes"].items(), key=lambda item: -item[1]):
        console.print(f"  {name:<14} {count:>9}")
    console.print(f"  {'all':<14} {state['files']:>9}")
    for path in written:
        typer.echo(path)
