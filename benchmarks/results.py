# SPDX-License-Identifier: AGPL-3.0-or-later
"""Results as files: JSON that names machine, versions, policy and corpus, and tables.

A result is kept whole: every repetition, not only the medians.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, versions
from format_registry import policy as policies
from pipeline.core.errors import ConfigError
from pipeline.core.records import now

FORMAT = "skanearkiv-bench 2"


def result(kind: str, policy: Path, corpus: Mapping[str, Any], **found: Any) -> dict[str, Any]:
    """Return a result: its head, and what was found. Raises ConfigError, ToolMissingError."""
    rules = policies.load(policy)
    return {
        "format": FORMAT,
        "kind": kind,
        "made": now(),
        "machine": machine(),
        "versions": versions(rules),
        "policy": {
            "name": f"{rules.header.name} {rules.header.version}",
            "sha256": rules.sha256,
        },
        "corpus": dict(corpus),
        **found,
    }


def write(made: Mapping[str, Any], path: Path) -> None:
    """Write a result; what was there stays until it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(_lines(made), encoding="utf-8")
    fresh.replace(path)


def _lines(made: Mapping[str, Any]) -> str:
    """Return JSON with a line for each row: a third as long as indented, and good to compare."""

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    parts = []
    for name, value in made.items():
        if isinstance(value, list) and value:
            rows, ends = [text(one) for one in value], "[]"
        elif isinstance(value, Mapping) and value:
            rows, ends = [f"{text(key)}: {text(one)}" for key, one in value.items()], "{}"
        else:
            parts.append(f"{text(name)}: {text(value)}")
            continue
        body = ",\n  ".join(rows)
        parts.append(f"{text(name)}: {ends[0]}\n  {body}\n {ends[1]}")
    inside = ",\n ".join(parts)
    return f"{{\n {inside}\n}}\n"


def read(path: Path) -> dict[str, Any]:
    """Read a result. Raises ConfigError when it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a benchmark's result: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ConfigError(
            f"{path} is no result of `skanearkiv bench` (its format is not {FORMAT!r})"
        )
    return found


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return median, minimum and maximum."""
    found = list(values)
    return {
        "median": round(statistics.median(found), 4),
        "minimum": round(min(found), 4),
        "maximum": round(max(found), 4),
    }


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown; numbers stand to the right."""
    body = [[_cell(one) for one in row] for row in rows]
    right = [bool(body) and all(_is_number(row[at]) for row in body) for at in range(len(head))]
    lines = [
        f"| {' | '.join(head)} |",
        f"|{'|'.join('---:' if one else '---' for one in right)}|",
        *(f"| {' | '.join(row)} |" for row in body),
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "", 1).lstrip("-").isdigit() or text in {"", "–"}
