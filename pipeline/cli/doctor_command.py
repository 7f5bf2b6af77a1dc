# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv doctor`: is everything here that a run needs?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from format_registry import identifier
from migrators.catalogue import migrators
from migrators.libreoffice.client import OFFICE, PYTHON
from migrators.pdf.ghostscript import PROBE as GHOSTSCRIPT
from migrators.pdf.ocr import PROBE as TESSERACT
from migrators.pdf.ocr import languages
from pipeline.cli.identify_command import context
from pipeline.cli.output import emit, failures
from pipeline.core import sandbox, sandbox_processes
from pipeline.core.errors import ConfigError, SkanearkivError, ToolMissingError
from pipeline.core.plugins import discover
from pipeline.core.probe import ToolProbe
from pipeline.core.records import Agent
from pipeline.core.sandbox import Protection
from pipeline.steps.preflight import check_ours
from validators.catalogue import validators

_EXAMPLES = """
Examples:

  skanearkiv doctor

  skanearkiv doctor --json
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog=_EXAMPLES)(doctor)


def doctor(
    config: Annotated[Path | None, typer.Option(help="Limits and tool paths (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show every tool: found, version, what suffers without it, how to install it."""
    with failures():
        context(config)
        rows = [
            *(_probe(one) for one in (GHOSTSCRIPT, TESSERACT, OFFICE, PYTHON)),
            _languages(),
            *_identification(),
            *_plugins(),
            _ours(),
            _sandbox(),
        ]
    if as_json:
        emit(rows)
    else:
        table = Table("", "tool", "version", "without it", "remedy")
        for row in rows:
            mark = "[green]ok[/]" if row["found"] else "[red]missing[/]"
            table.add_row(mark, row["name"], row["version"], row["suffers"], row["remedy"])
        Console(highlight=False).print(table)
    raise typer.Exit(0 if all(row["found"] for row in rows) else ToolMissingError.exit_code)


def _row(name: str, version: str, suffers: str, remedy: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "found": not remedy,
        "version": version,
        "suffers": suffers,
        "remedy": remedy,
    }


def _probe(probe: ToolProbe) -> dict[str, Any]:
    try:
        return _row(probe.name, probe.version(), probe.suffers)
    except ToolMissingError as error:
        return _row(probe.name, "", probe.suffers, error.remedy)


def _languages() -> dict[str, Any]:
    suffers = "scans in Swedish: text is read as if it were English"
    try:
        found = languages()
    except ToolMissingError as error:
        return _row("tesseract languages", "", suffers, error.remedy)
    missing = [one for one in ("swe", "eng") if one not in found]
    remedy = " ".join(f"tesseract-ocr-{one}" for one in missing)
    shown = " ".join(sorted(found))
    return _row(
        "tesseract languages", shown, suffers, f"apt-get install {remedy}" if remedy else ""
    )


def _identification() -> list[dict[str, Any]]:
    """Ask the engines; a signature set that cannot be read is told with its error."""
    suffers = "every identification"
    try:
        return [_row(one.name, one.version, one.note or suffers) for one in identifier.agents()]
    except SkanearkivError as error:
        return [_row("identification", "", suffers, str(error))]


def _plugins() -> list[dict[str, Any]]:
    """Ask each validator and migrator for its programs."""
    rows = []
    asked: list[tuple[str, frozenset[str], Callable[[], tuple[Agent, ...]]]] = [
        *((f"validator {name}", v.puids, v.agents) for name, v in sorted(validators().items())),
        *((f"migrator {name}", m.sources, m.agents) for name, m in sorted(migrators().items())),
    ]
    for name, puids, agents in asked:
        few = ", ".join(sorted(puids)[:4])
        suffers = f"{len(puids)} formats ({few} ...)" if len(puids) > 4 else few
        try:
            shown = ", ".join(f"{one.name} {one.version}" for one in agents())
            rows.append(_row(name, shown, suffers))
        except SkanearkivError as error:
            rows.append(_row(name, "", suffers, str(error)))
    judges = ", ".join(sorted(discover("validators.fidelity", "JUDGE")))
    rows.append(_row("fidelity judges", judges, "proof that nothing was lost"))
    return rows


def _ours() -> dict[str, Any]:
    try:
        check_ours()
    except ConfigError as error:
        return _row("package validators", "another's", "every validation", str(error))
    return _row("package validators", "ours", "every validation")


_HOLDS = {
    Protection.BUBBLEWRAP: "no network, no files but their own and the system's, no new "
    "privileges, processes of their own",
    Protection.UNSHARE: "no network, no files but their own and the system's, no new privileges, "
    "processes of their own",
    Protection.NAMESPACES: "no network, processes of their own",
    Protection.SESSION: "time and memory only",
}
_LACKS = {
    Protection.BUBBLEWRAP: "",
    Protection.UNSHARE: "nothing, but each start costs more",
    Protection.NAMESPACES: "a tool that a hostile file has taken over can read and write "
    "all that this user can",
    Protection.SESSION: "a tool can outlive its limits, use the network, and read and write "
    "all that this user can",
}


def _sandbox() -> dict[str, Any]:
    """Tell which protection is active, what it holds and what it lacks."""
    asked, found = sandbox.settings(), sandbox.protection()
    lacks = [_LACKS[found.kind]]
    if found.whole and found.kind.rank <= Protection.UNSHARE.rank:
        lacks.append("every file of this machine can be read (not written)")
    if not sandbox_processes.held(asked.max_processes):
        lacks.append("the number of processes is not limited, for root is exempt")
    missing = "; ".join(one for one in lacks if one)
    row = _row(f"sandbox: {found.kind.value}", _HOLDS[found.kind], missing)
    weak = found.kind.rank > Protection.UNSHARE.rank or bool(
        asked.demand and found.kind.rank > Protection(asked.demand).rank
    )
    if weak and asked.use:
        return {**row, "remedy": f"take use = {asked.use!r} out of [sandbox]", "found": False}
    return {
        **row,
        "remedy": sandbox.REMEDY if found.kind is not Protection.BUBBLEWRAP else "",
        "found": not weak,
    }
