# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv signatures`: which signatures FIDO's engine uses, and new ones for it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from format_registry import siegfried, signatures
from format_registry.signatures import Installed
from pipeline.cli.output import console, emit, escaped, failures

_EXAMPLES = """
Examples:

  skanearkiv signatures list

  skanearkiv signatures install DROID_SignatureFile_V118.xml container-signature-20240501.xml

  skanearkiv signatures use droid-v118

  skanearkiv signatures use droid-v109      (what is used if nobody chose)

The National Archives publish both files on the page of PRONOM. Siegfried has signatures of
its own; they come with the package pygfried.
"""


def add_to(app: typer.Typer) -> None:
    """Add the command with its three verbs."""
    ours = typer.Typer(
        no_args_is_help=True,
        epilog=_EXAMPLES,
        help="List, install and choose the signature sets of FIDO's engine.",
    )
    ours.command("list", epilog=_EXAMPLES)(list_command)
    ours.command("install", epilog=_EXAMPLES)(install_command)
    ours.command("use", epilog=_EXAMPLES)(use_command)
    app.add_typer(ours, name="signatures")


def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """List the sets: version, formats, signatures, files with their hashes."""
    with failures():
        found = list(signatures.installed())
        if as_json:
            emit([asdict(one) for one in found])
            return
        for one in found:
            _print(one)
        agent = siegfried.agent()
        typer.echo(f"\nSiegfried uses its own: {agent.name} in pygfried {agent.version}")


def install_command(
    files: Annotated[
        list[Path],
        typer.Argument(help="DROID's signature file and container signature file.", metavar="FILE"),
    ],
    name: Annotated[str, typer.Option(help="Name of the set; droid-vN if not given.")] = "",
    use: Annotated[bool, typer.Option("--use", help="Use it from now on.")] = False,
) -> None:
    """Check two signature files and keep them as a set. What is wrong with one is told by line."""
    with failures():
        one = signatures.install(files, name)
        if use:
            signatures.use(one.name)
        _print(signatures.known(one.name))
        if not use and not one.active:
            console.print(escaped(f"Use it with: skanearkiv signatures use {one.name}"))


def use_command(
    name: Annotated[str, typer.Argument(help="Name of a set, as `list` shows it.")],
) -> None:
    """Use a set from now on. Runs that are under way keep theirs."""
    with failures():
        signatures.use(name)
        _print(signatures.known(name))


def _print(one: Installed) -> None:
    mark = "*" if one.active else " "
    typer.echo(
        f"{mark} {one.name}: PRONOM v{one.version}, {one.formats} formats, "
        f"{one.signatures} signatures, {one.containers} container signatures"
    )
    for file, digest in one.sources:
        typer.echo(f"    {file}  SHA-256 {digest}")
