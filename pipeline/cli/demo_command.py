# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv demo`: make a sample delivery, and run it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from format_registry.policy import default_path
from pipeline.cli.output import INTERRUPTED, Screen, console, emit, failures
from pipeline.cli.written import write_records
from pipeline.config import settings
from pipeline.config.clusters import Local
from pipeline.core.errors import ConfigError
from pipeline.core.records import Outcome
from pipeline.execution.run import Request, execute

_EXAMPLES = """
Examples:

  skanearkiv demo demo-out

  skanearkiv demo demo-out --only-delivery
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog=_EXAMPLES)(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist yet.")],
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one per core.")] = 0,
    only_delivery: Annotated[
        bool, typer.Option("--only-delivery", help="Make the files, run nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a case-management export in FOLDER/delivery and run it into FOLDER/out.

    The delivery holds damaged, encrypted and misnamed files on purpose; that some need
    attention is the right result, so the exit code is 0 when the run went to its end.
    """
    from pipeline.demo.delivery import make_delivery  # only this command needs its libraries

    with failures():
        if folder.exists() and any(folder.iterdir()):
            raise ConfigError(f"{folder} exists and is not empty; name a new folder")
        delivery, out = folder / "delivery", folder / "out"
        delivery.mkdir(parents=True)
        made = make_delivery(delivery)
        console.print(f"{len(made)} files in {delivery}")
        if only_delivery:
            if as_json:
                emit({"delivery": str(delivery), "files": len(made)})
            return
        request = Request(
            source=delivery,
            out=out,
            policy=default_path(),
            settings=settings.load(None),
            cluster=Local(workers=workers),
            delivery="Ärendesystem, export 2024",
            producer="Exempelkommun",
        )
        with Screen(quiet=as_json) as screen:
            summary = execute(request, screen)
            written = write_records(out.resolve())
    if as_json:
        emit(
            {
                "delivery": str(delivery),
                "files": len(made),
                "completed": summary.completed,
                "outcomes": dict(summary.outcomes),
                "written": [str(path) for path in written],
            }
        )
        raise typer.Exit(0 if summary.completed else INTERRUPTED)
    for name, count in summary.outcomes.most_common():
        mark = "" if Outcome(name).good else "  needs attention"
        console.print(f"  {name:<14} {count:>5}{mark}")
    console.print(f"Report: {(out / 'report' / 'report.sv.html').resolve()}")
    console.print(f"        {(out / 'report' / 'report.en.html').resolve()}")
    if not summary.completed:
        raise typer.Exit(INTERRUPTED)
