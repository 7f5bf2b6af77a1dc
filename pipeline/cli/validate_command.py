# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv validate`: ask each file's reference validator."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.identify_command import context
from pipeline.cli.output import ATTENTION, console, emit_line, failures
from pipeline.core import sandbox
from pipeline.core.errors import ConfigError
from pipeline.core.paths import display
from pipeline.core.records import Verdict
from pipeline.steps.examine import Examined, examine, paths

_EXAMPLES = """
Examples:

  skanearkiv validate report.pdf

  skanearkiv validate OUT/migrated               (every output of a run, anew)

  skanearkiv validate --flavour 2b report.pdf    (against PDF/A-2b, whatever it claims)
"""


FLAVOURS = ("1a", "1b", "2a", "2b", "2u", "3a", "3b", "3u", "4", "4e", "4f", "ua1", "ua2")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("validate", epilog=_EXAMPLES)(validate)


def validate(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders to go through.")],
    flavour: Annotated[
        str,
        typer.Option(
            help="Ask veraPDF for this flavour alone: 1a 1b 2a 2b 2u 3a 3b 3u 4 4e 4f ua1 ua2."
        ),
    ] = "",
    config: Annotated[Path | None, typer.Option(help="Limits and tool paths (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Print each file's verdict; 0 if all are valid, 1 if any is not or cannot be judged."""
    verdicts: Counter[Verdict] = Counter()
    with failures():
        if flavour and flavour not in FLAVOURS:
            raise ConfigError(f"there is no flavour {flavour!r}; there are {' '.join(FLAVOURS)}")
        shared = context(config)
        sandbox.readable(*files)
        for path in paths(files):
            found = examine(path, shared, flavour)
            verdicts[found.verdict] += 1
            row = _row(found)
            if as_json:
                emit_line(row)
                continue
            said = "; ".join(message["detail"] or message["code"] for message in row["messages"])
            typer.echo(f"{row['verdict']}\t{row['puid']}\t{row['path']}\t{said}".rstrip())
    if not as_json:
        counts = ", ".join(f"{count} {verdict.value}" for verdict, count in verdicts.items())
        console.print(f"{sum(verdicts.values())} files: {counts or 'none'}")
    good = set(verdicts) <= {Verdict.VALID}
    raise typer.Exit(0 if good else ATTENTION)


def _row(found: Examined) -> dict[str, Any]:
    messages = [
        {"code": one.code, "severity": one.severity.value, "detail": one.detail}
        for result in found.results
        for one in result.messages
    ]
    if found.failure is not None:
        failure = found.failure
        messages.append({"code": failure.code, "severity": "error", "detail": failure.detail})
    return {
        "path": display(os.fsencode(found.path)),
        "puid": (found.identification.puid if found.identification else None) or "",
        "verdict": found.verdict.value,
        "validators": {one.validator: one.verdict.value for one in found.results},
        "properties": {k: v for one in found.results for k, v in one.properties.items()},
        "messages": messages,
        "signatures": [asdict(one) for result in found.results for one in result.signatures],
    }
