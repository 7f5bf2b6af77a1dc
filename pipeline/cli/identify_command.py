# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv identify`: what files are, by PRONOM."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from format_registry import policy as policies
from pipeline.cli.output import ATTENTION, emit_line, failures
from pipeline.config import settings
from pipeline.core.paths import display
from pipeline.steps.examine import Examined, identify, paths
from pipeline.steps.jobs import Context

_EXAMPLES = """
Examples:

  skanearkiv identify letter.doc

  skanearkiv identify /deliveries/kommun-2026-03 > formats.csv

  skanearkiv identify --json FOLDER      (one JSON document per line)
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("identify", epilog=_EXAMPLES)(identify_command)


def context(config: Path | None) -> Context:
    """Return what the steps need, for files outside a run."""
    loaded = settings.load(config)
    os.environ.update(loaded.environment())
    return Context(Path(), Path(), policies.load(policies.default_path()), loaded)


def identify_command(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders to go through.")],
    config: Annotated[Path | None, typer.Option(help="Limits and tool paths (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Print PUID, format, basis and hash of each file; 1 if any stays unidentified."""
    attention = False
    writer = None
    with failures():
        shared = context(config)
        for path in paths(files):
            row = _row(identify(path, shared))
            attention = attention or not row["puid"]
            if as_json:
                emit_line(row)
                continue
            if writer is None:
                writer = csv.DictWriter(sys.stdout, list(row))
                writer.writeheader()
            writer.writerow(row)
    raise typer.Exit(ATTENTION if attention else 0)


def _row(found: Examined) -> dict[str, Any]:
    one = found.identification
    return {
        "path": display(os.fsencode(found.path)),
        "size": found.size,
        "sha256": found.sha256,
        "puid": (one.puid if one else None) or "",
        "format": one.name if one else "",
        "version": one.version if one else "",
        "mime": one.mime if one else "",
        "basis": one.basis.value if one else "",
        "engine": one.engine if one else "",
        "signatures": one.signatures if one else "",
        "extension_mismatch": bool(one and one.extension_mismatch),
        "conflict": bool(one and one.conflict),
        "error": f"{found.failure.outcome}: {found.failure.detail}" if found.failure else "",
    }
