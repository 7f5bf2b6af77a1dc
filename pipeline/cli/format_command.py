# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv format`: what is known of a format, and what is done with it here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from format_registry import policy as policies
from format_registry import pronom, reports, risk
from format_registry.policy import Policy
from pipeline.cli import format_view
from pipeline.cli.identify_command import context
from pipeline.cli.output import emit, failures
from pipeline.core.errors import ConfigError
from pipeline.steps.format_facts import FormatFacts, facts

_EXAMPLES = """
Examples:

  skanearkiv format fmt/412

  skanearkiv format .doc                 (every format with that extension)

  skanearkiv format "word 97"            (every format with these words in its name)

  skanearkiv format fmt/40 x-fmt/111 --policy own.toml --json
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("format", epilog=_EXAMPLES)(format_command)


def format_command(
    wanted: Annotated[
        list[str],
        typer.Argument(metavar="PUID", help="PUIDs; or extensions, or words of a name."),
    ],
    policy: Annotated[Path | None, typer.Option(help="The policy to tell of (TOML).")] = None,
    config: Annotated[Path | None, typer.Option(help="Limits and tool paths (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a format: PRONOM's facts, risk, validators, migrators, the policy's rules."""
    with failures():
        context(config)
        rules = policies.load(policy or policies.default_path())
        found = {one: _found(one, rules) for one in wanted}
        if as_json:
            emit([row(one) for each in found.values() for one in each])
        else:
            for one, each in found.items():
                format_view.show(each, as_list=not pronom.is_puid(one))
        if missing := [one for one, each in found.items() if not each]:
            raise ConfigError("\n".join(_unknown(one) for one in missing))


def row(one: FormatFacts) -> dict[str, Any]:
    """Return a format as JSON shows it."""
    known, record, source = one.known, one.known.record, risk.source()
    return {
        "puid": known.puid,
        "name": known.name,
        "pronom": asdict(record) if record else None,
        "risk": {
            "source": source.source,
            "date": source.date.isoformat(),
            "judgements": [asdict(each) for each in known.risks],
        },
        "validators": one.validators,
        "migrators": [asdict(each) for each in one.migrators],
        "made_by": one.made_by,
        "policy": {
            "name": known.policy,
            "rules": [{**asdict(each), "date": each.date.isoformat()} for each in known.rules],
            "otherwise": known.otherwise,
            "target_of": known.target_of,
        },
    }


def _found(wanted: str, policy: Policy) -> tuple[FormatFacts, ...]:
    """Return what an argument stands for: one format, or those it is a look-up of."""
    if pronom.is_puid(wanted):
        one = facts(wanted.lower(), policy)
        return (one,) if one.found else ()
    records = list(pronom.by_extension(wanted))
    if not wanted.startswith("."):
        records += pronom.search(wanted)
    puids = sorted({one.puid for one in records}, key=reports.order)
    return tuple(facts(puid, policy) for puid in puids)


def _unknown(wanted: str) -> str:
    close = pronom.near(wanted.lower())
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    if pronom.is_puid(wanted):
        return f"nothing is known of {wanted}{hint}"
    return f"no format has the extension or name {wanted!r}{hint}"
