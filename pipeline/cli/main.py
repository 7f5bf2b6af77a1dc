# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command `skanearkiv`. Each module of this package adds the command of its name."""

from __future__ import annotations

import typer

from pipeline.cli import (
    bench_command,
    capacity_command,
    cluster_command,
    demo_command,
    doctor_command,
    format_command,
    identify_command,
    report_command,
    run_command,
    signatures_command,
    status_command,
    validate_command,
)
from pipeline.core.versions import own_agent

app = typer.Typer(
    name="skanearkiv",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    help=(
        "Identify, validate, migrate and prove the files of an archival delivery.\n\n"
        "Exit codes: 0 every file reached a good outcome; 1 some need attention; 2 usage or "
        "configuration; 3 a required tool is missing; 4 the run could not go on (e.g. disk "
        "full), start it again; 130 interrupted, nothing is lost."
    ),
)

for module in (
    run_command,
    status_command,
    report_command,
    identify_command,
    validate_command,
    format_command,
    signatures_command,
    cluster_command,
    capacity_command,
    bench_command,
    doctor_command,
    demo_command,
):
    module.add_to(app)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"skanearkiv {own_agent().version}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Options that stand before a command; the help text is the application's."""


def run() -> None:
    """Start the command line."""
    app()
