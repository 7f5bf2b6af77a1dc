# SPDX-License-Identifier: AGPL-3.0-or-later
"""The measured constants of the model: `rates.toml`, each with how it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from benchmarks.capacity.costs import Servers
from pipeline.config import tables
from pipeline.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds of processor time unless said otherwise; bytes where the name says so.

    Coordinator: `scan_file`; `survey_batch`, `survey_file`, `record_batch`, `record_file`,
    `record_output` (more for an output), `record_copy`, `submit_batch`; `commit` seconds of
    waiting for the disk. Scheduler: `scheduler_task`, `scheduler_file`. Worker: `worker_task`
    seconds between two tasks, `worker_file_cpu` of its own process per file and job. Starts,
    in seconds: `start` of a run with one worker, `worker_start` of a worker, `join` of its
    proof, and of its servers; `jvm_warming`: what a Java machine's first validations take
    longer than later ones, all together. After the work: `records`, `records_file`. Memory:
    `worker_bytes` of a worker whose servers are warm and idle. `crowding`: see
    `sharing.crowded`.
    """

    scan_file: float
    survey_batch: float
    survey_file: float
    record_batch: float
    record_file: float
    record_output: float
    record_copy: float
    submit_batch: float
    commit: float
    scheduler_task: float
    scheduler_file: float
    worker_task: float
    worker_file_cpu: float
    start: float
    worker_start: float
    join: float
    identify_start: float
    libraries_start: float
    jvm_start: float
    jvm_warming: float
    office_start: float
    records: float
    records_file: float
    ledger_bytes_file: float
    premis_bytes_file: float
    report_bytes_file: float
    log_bytes_file: float
    worker_bytes: float
    coordinator_bytes: float
    crowding: float


_NAMES = frozenset(one.name for one in fields(Rates))


def unit(name: str) -> str:
    """Return what a rate is counted in."""
    if name == "crowding":
        return "times"
    return "bytes" if "bytes" in name else "s"


def shipped() -> dict[str, Any]:
    """Return the tables of the file that comes with the program."""
    with as_file(files(__package__) / "rates.toml") as path:
        return tables.read(path)[0]


def load(path: Path | None = None) -> tuple[Rates, Servers]:
    """Return the constants, those of `path` instead of the shipped where it has them.

    Raises ConfigError for one that is unknown, lacks its source, or is no number.
    """
    found = shipped()
    if path is not None:
        found |= tables.read(path)[0]
    where = str(path or "rates.toml")
    servers = tables.build(Servers, found.pop("servers"), f"{where}: servers")
    return Rates(**{name: _value(name, found, where) for name in sorted(_NAMES | set(found))}), (
        servers
    )


def _value(name: str, found: Mapping[str, Any], where: str) -> float:
    if name not in _NAMES:
        raise ConfigError(f"{where}: there is no rate {name!r}; there are {', '.join(_NAMES)}")
    table = found.get(name)
    if not isinstance(table, dict) or not {"value", "unit", "how"} <= set(table):
        raise ConfigError(f"{where}: {name}: value, unit and how it was measured are expected")
    value = table["value"]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e15:
        raise ConfigError(f"{where}: {name}: a number, 0 or more, is expected, not {value!r}")
    if not str(table["how"]).strip():
        raise ConfigError(f"{where}: {name}: how it was measured is missing")
    return float(value)
