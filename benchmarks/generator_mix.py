# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which formats a delivery is of: from a report, a run's ledger, or as municipalities have it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.ledger.connection import open_reader

_SCANS = ("scan_to_pdfa",)  # migrators: who is sent to these is a scan


@dataclass(frozen=True, slots=True)
class Row:
    """A format's share of the files (0-1), their mean size in bytes; `puid` "" for unknown.

    `scan`: a PDF whose pages are pictures of text.
    """

    puid: str
    share: float
    mean: float
    scan: bool = False


def default() -> tuple[Row, ...]:
    """Return the mix of a municipal delivery that docs/peers.md gives reasons for."""
    text = files("benchmarks").joinpath("generator_mix.csv").read_text(encoding="utf-8")
    return tuple(
        Row(row["puid"], float(row["share"]), float(row["mean_bytes"]), bool(row["scan"]))
        for row in csv.DictReader(text.splitlines())
    )


def read(path: Path) -> tuple[Row, ...]:
    """Return the mix of a run's output folder, or of a report's `files.csv`.

    Empty files are left out: a size of none has no mean, and `make` adds its own. Raises
    ConfigError.
    """
    found = _of_ledger(path) if path.is_dir() else _of_report(path)
    if not found:
        raise ConfigError(f"{path} tells of no file that has a size")
    return found


def _of_ledger(out: Path) -> tuple[Row, ...]:
    with closing(open_reader(out)) as db:
        rows = db.execute(
            "SELECT coalesce(f.puid, '') AS puid, f.size, coalesce(d.migrator, '') AS migrator"
            " FROM files f LEFT JOIN decisions d ON d.file = f.id AND d.generation = f.generation"
            " WHERE f.kind = 'regular' AND f.size > 0"
        )
        return _mixed((row["puid"], row["size"], row["migrator"] in _SCANS) for row in rows)


def _of_report(path: Path) -> tuple[Row, ...]:
    try:
        # With the mark that the report writes for spreadsheets, or without.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if not {"puid", "size"} <= set(rows.fieldnames or ()):
                raise ConfigError(f"{path} is no files.csv of a report: no puid, no size")
            return _mixed(
                (row["puid"] or "", int(row["size"]), row.get("migrator") in _SCANS)
                for row in rows
                if row.get("kind", "regular") == "regular" and int(row["size"] or 0) > 0
            )
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read as a mix of formats: {error}") from error


def _mixed(rows: Iterable[tuple[str, int, bool]]) -> tuple[Row, ...]:
    found: dict[tuple[str, bool], list[int]] = {}
    for puid, size, scan in rows:
        totals = found.setdefault((puid, scan), [0, 0])
        totals[0] += 1
        totals[1] += size
    every = sum(count for count, _ in found.values())
    return tuple(
        Row(puid, count / every, size / count, scan)
        for (puid, scan), (count, size) in sorted(found.items())
    )
