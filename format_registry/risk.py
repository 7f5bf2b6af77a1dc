# SPDX-License-Identifier: AGPL-3.0-or-later
"""The preservation risk of formats, as another archive has judged it.

risk.csv holds what NARA says, one line per PUID and NARA format; risk.toml says of which
date it is. A PUID may have several lines (NARA tells apart what PRONOM does not) or none.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from pipeline.config import tables

_HERE = Path(__file__).parent


class Level(StrEnum):
    """NARA's words, worst first."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Risk:
    """What NARA says of a format. `rating`: the lower, the greater the risk."""

    puid: str
    level: Level
    rating: float
    action: str
    plan: str
    nara_id: str
    nara_name: str
    category: str


@dataclass(frozen=True, slots=True)
class RiskSource:
    """Where the table comes from, and of which date it is."""

    source: str
    publisher: str
    date: date
    licence: str
    url: str
    matrix_sha256: str
    plans_sha256: str


def lookup(puid: str) -> tuple[Risk, ...]:
    """Return what is said of a format, the highest risk first; nothing if it is not there."""
    return _table().get(puid, ())


@lru_cache(maxsize=1)
def source() -> RiskSource:
    """Return where the table comes from."""
    path = _HERE / "risk.toml"
    return tables.build(RiskSource, tables.read(path)[0], str(path))


@lru_cache(maxsize=1)
def _table() -> Mapping[str, tuple[Risk, ...]]:
    found: dict[str, list[Risk]] = {}
    with (_HERE / "risk.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            risk = Risk(
                row["puid"],
                Level(row["level"]),
                float(row["rating"]),
                row["action"],
                row["plan"],
                row["nara_id"],
                row["nara_name"],
                row["category"],
            )
            found.setdefault(risk.puid, []).append(risk)
    return {puid: tuple(sorted(risks, key=_worst_first)) for puid, risks in found.items()}


def _worst_first(risk: Risk) -> tuple[int, float, str]:
    return list(Level).index(risk.level), risk.rating, risk.nara_id
