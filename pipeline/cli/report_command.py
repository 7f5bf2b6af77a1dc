# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv report`: write the reports anew from the ledger."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.output import console, emit, failures
from pipeline.cli.written import write_records
from pipeline.execution.lock import held
from pipeline.ledger import queries
from pipeline.ledger.connection import open_reader
from pipeline.premis.write import NAME
from pipeline.report.build import write_all

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
    premis: Annotated[
        bool | None,
        typer.Option("--premis/--no-premis", help="PREMIS too [if the last run's does not hold]."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print counts and paths as JSON.")
    ] = False,
) -> None:
    """Write HTML (Swedish, English), CSV, JSON and PREMIS; print the counts per outcome.

    PREMIS is ten kilobytes a file: what the last run wrote of it stays while it holds, and
    a run under way writes it at its end.
    """
    with failures():
        db = open_reader(out)
        state = queries.state(db)
        db.close()
        due = _outdated(out, state["run"]) if premis is None else premis
        written = write_records(out) if due else write_all(out)
        if not due and (out / NAME).exists():
            written.append(out / NAME)  # it holds as it is
    if as_json:
        emit({**state, "written": [str(path) for path in written]})
        return
    for name, count in sorted(state["outcomes"].items(), key=lambda item: -item[1]):
        console.print(f"  {name:<14} {count:>9}")
    console.print(f"  {'all':<14} {state['files']:>9}")
    for path in written:
        typer.echo(path)


def _outdated(out: Path, run: dict[str, Any]) -> bool:
    """Whether PREMIS is to be written: it was not since the last run's end, and none goes on."""
    if held(out):
        return False
    try:
        written = (out / NAME).stat().st_mtime
    except OSError:
        return True
    # Everything that a run records, it records before it says that it has ended.
    return not run.get("ended") or written < datetime.fromisoformat(run["ended"]).timestamp()
