# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv status --watch`: a run as it goes, until it ends."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from pipeline.cli.output import ATTENTION, INTERRUPTED, OK, duration
from pipeline.core.errors import RunStoppedError
from pipeline.core.records import Outcome
from pipeline.execution.lock import held
from pipeline.ledger import queries
from pipeline.ledger.connection import open_reader
from pipeline.watching import state_file

_PACE = 30  # looks back, over which the pace is taken


def watch(out: Path, interval: float) -> int:
    """Show a run's state every `interval` seconds until it ends; return the run's exit code.

    Ctrl-C ends the watching, not the run. Raises ConfigError when `out` holds no ledger.
    """
    console = Console(highlight=False)
    pace: deque[tuple[float, int]] = deque(maxlen=_PACE)
    db = open_reader(out)
    try:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            while True:
                # Asked before the ledger is: what is read after a run's end is its end.
                going = held(out)
                now = queries.state(db)
                now |= state_file.read(out, now["run"].get("id", 0)) if going else {}
                _paced(now, pace)
                if console.is_terminal:
                    live.update(_table(now), refresh=True)
                else:
                    typer.echo(_line(now))
                if not going:
                    return _code(queries.state(db))
                time.sleep(interval)
    except KeyboardInterrupt:
        return OK
    finally:
        db.close()


def _paced(now: dict[str, Any], pace: deque[tuple[float, int]]) -> None:
    done = sum(now["outcomes"].values())
    pace.append((time.monotonic(), done))
    seconds, files = pace[-1][0] - pace[0][0], pace[-1][1] - pace[0][1]
    now["done"] = done
    now["rate"] = files / seconds if seconds > 0 else 0.0


def _code(state: dict[str, Any]) -> int:
    status = state["run"].get("status")
    if status == "done":
        return OK if all(Outcome(name).good for name in state["outcomes"]) else ATTENTION
    return INTERRUPTED if status == "interrupted" else RunStoppedError.exit_code


def _left(now: dict[str, Any]) -> str:
    return f"{duration(now['left'])} left" if now.get("left") is not None else ""


def _free(now: dict[str, Any]) -> str:
    least = min(now.get("free", {}).values(), default=None)
    return f"{least / 1e9:.1f} GB free" if least is not None else ""


def _inner(now: dict[str, Any]) -> str:
    """Return what a run under way says of itself, nothing for one that is over."""
    if "window" not in now:
        return ""
    parts = [
        f"{now['workers']} workers",
        f"{now['in_flight']}/{now['window']} batches under way",
    ]
    if now["quarantine"]:
        parts.append(f"{now['quarantine']} files tried alone")
    if now["paused"]:
        parts.append("paused")
    if now["refused"]:
        parts.append(f"{now['refused']} workers refused")
    return ", ".join(parts)


def _line(now: dict[str, Any]) -> str:
    outcomes = " ".join(f"{name} {count}" for name, count in sorted(now["outcomes"].items()))
    parts = [
        f"{now['done']}/{now['files']} files", f"{now['rate']:.1f} files/s", _left(now),
        _inner(now), _free(now), outcomes,
    ]  # fmt: skip
    return ", ".join(part for part in parts if part)


def _table(now: dict[str, Any]) -> Table:
    table = Table("outcome", "files", "", title=str(now["delivery"]))
    for name, count in sorted(now["outcomes"].items(), key=lambda item: -item[1]):
        table.add_row(name, str(count), "" if Outcome(name).good else "needs attention")
    if now["files"] > now["done"]:
        table.add_row("(not yet)", str(now["files"] - now["done"]), _left(now))
    table.add_section()
    table.add_row("all", str(now["files"]), f"{now['rate']:.1f} files/s")
    shown = [one for one in (_inner(now), _free(now)) if one]
    table.caption = "\n".join(shown) or f"run {now['run']['id']} {now['run']['status']}"
    return table
