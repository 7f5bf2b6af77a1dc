# SPDX-License-Identifier: AGPL-3.0-or-later
"""Formats on a terminal: one in full, or many with a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from format_registry import reports, risk
from format_registry.knowledge import Knowledge, RuleUse
from format_registry.reports import Record
from format_registry.risk import Level
from pipeline.core.records import Scalar
from pipeline.steps.format_facts import FormatFacts

_COLOURS = {Level.HIGH: "red", Level.MODERATE: "yellow", Level.LOW: "green"}
# Priorities matter to who reads signatures; a ZIP has dozens.
_SHOWN = 8
# PRONOM's text where nobody has described the format yet: six lines that say nothing of it.
_OUTLINE = "This is an outline record only"


def show(found: Sequence[FormatFacts], *, as_list: bool) -> None:
    """Print formats to stdout."""
    console = Console(highlight=False)
    if as_list and found:
        table = Table("PUID", "format", "version", "risk", box=None, pad_edge=False)
        for one in found:
            record = one.known.record
            version = record.version if record else ""
            table.add_row(one.known.puid, Text(one.known.name), Text(version), _level(one))
        console.print(table)
        return
    for one in found:
        _show(one, console)


def _show(one: FormatFacts, console: Console) -> None:
    known, record = one.known, one.known.record
    version = record.version if record else ""
    console.print(Text(f"{known.puid}  {_title(known.name, version)}".strip(), style="bold"))
    _section(console, "PRONOM", _pronom(record))
    _section(console, "Relations (PRONOM)", _relations(record))
    source = risk.source()
    told = f"Risk (NARA, {source.date}; the lower the number, the higher the risk)"
    _section(console, told, _risks(one) or [("", "not in the table")])
    makers = ((each.name, f"makes {', '.join(each.makes)}") for each in one.migrators)
    _section(
        console,
        "Here",
        [
            ("validators", ", ".join(one.validators) or "none"),
            *(("migrators", f"{name}: {makes}") for name, makes in makers),
            *([] if one.migrators else [("migrators", "none")]),
            *([("made by", ", ".join(one.made_by))] if one.made_by else []),
            *([("target", ", ".join(known.target_of))] if known.target_of else []),
        ],
    )
    told = f"Policy ({known.policy}; the first rule that fits decides)"
    _section(console, told, _policy(known))
    console.print()


def _section(console: Console, title: str, rows: Iterable[tuple[str, str | Text]]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=11, max_width=28)
    table.add_column(overflow="fold")
    last = None
    for label, value in rows:
        if value:
            # A label stands once over the lines it is of.
            table.add_row(Text("" if label == last else label, style="dim"), value)
            last = label
    if table.row_count:
        console.print()
        console.print(Text(title, style="underline"))
        console.print(Padding(table, (0, 0, 0, 2)))


def _pronom(record: Record | None) -> list[tuple[str, str | Text]]:
    version = reports.version()
    if record is None:
        return [("", f"neither the signatures in use nor PRONOM v{version}'s reports have it")]
    missing = "" if record.pronom_version else f"PRONOM v{version}'s reports do not have it"
    return [
        ("MIME", Text(", ".join(record.mime))),
        ("extensions", Text(", ".join(record.extensions))),
        ("type", Text(", ".join(record.types))),
        ("released", record.released),
        ("description", Text("" if _OUTLINE in record.description else record.description)),
        ("signatures", Text(record.signatures or "not in the set in use")),
        ("reports", missing or f"PRONOM v{record.pronom_version}"),
    ]


def _relations(record: Record | None) -> list[tuple[str, str | Text]]:
    rows: list[tuple[str, str | Text]] = []
    relations = record.relations if record else ()
    count, shown = Counter(one.kind for one in relations), Counter[str]()
    for one in relations:
        shown[one.kind] += 1
        if shown[one.kind] <= _SHOWN:
            rows.append((one.kind, Text(f"{one.puid}  {_title(one.name, one.version)}")))
        elif shown[one.kind] == _SHOWN + 1:
            rows.append((one.kind, f"and {count[one.kind] - _SHOWN} more (--json shows all)"))
    return rows


def _title(name: str, version: str) -> str:
    return f"{name}, {version}" if version else name


def _risks(one: FormatFacts) -> list[tuple[str, str | Text]]:
    rows: list[tuple[str, str | Text]] = []
    for each in one.known.risks:
        text = Text(f"{each.level} ({each.rating:g})", style=_COLOURS[each.level])
        text.append(f"  {each.nara_name} ({each.nara_id})", style="none")
        rows += [("level", text), ("action", Text(each.action))]
        if each.plan != each.action:
            rows.append(("plan", Text(each.plan)))
    return rows


def _policy(known: Knowledge) -> list[tuple[str, str | Text]]:
    rows = [row for each in known.rules for row in [*_rule(each), ("", " ")]]
    if all(each.when for each in known.rules):
        return [*rows, ("otherwise", f"{known.otherwise}: no rule of the policy fits")]
    return rows[:-1]


def _rule(rule: RuleUse) -> list[tuple[str, str | Text]]:
    does = f"{rule.action}"
    if rule.target:
        does = f"{rule.action} to {rule.target} ({', '.join(rule.makes)}) by {rule.migrator}"
    return [
        ("rule", Text(rule.id, style="bold")),
        ("if", Text(_conditions(rule.when))),
        ("action", Text(does)),
        ("reason", Text(rule.reason)),
        ("basis", Text(rule.basis)),
        ("source", Text(f"{rule.source}; {rule.date}")),
    ]


def _conditions(when: Mapping[str, Scalar | tuple[Scalar, ...]]) -> str:
    return ", ".join(f"{key} = {_value(value)}" for key, value in when.items())


def _value(value: Scalar | tuple[Scalar, ...]) -> str:
    if isinstance(value, tuple):
        return " or ".join(_value(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _level(one: FormatFacts) -> Text:
    worst = one.known.risks[0].level if one.known.risks else None
    return Text(worst, style=_COLOURS[worst]) if worst else Text("-", style="dim")
