# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is told of a run while it works: plain records, of which metrics and log are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.core.measuring import Measure


@dataclass(frozen=True, slots=True)
class Ended:
    """A file that came to its outcome. `same_as`: the file whose work stands for this one's.

    `path` is text for people, `size` bytes; `worker` and `host` did the work, empty where
    none was needed or every worker died of it.
    """

    file: int
    path: str
    size: int
    outcome: str
    code: str
    sha256: str = ""
    puid: str = ""
    measures: tuple[Measure, ...] = ()
    worker: str = ""
    host: str = ""
    same_as: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """A run at one moment, as far as the ledger does not tell it.

    `files` and `done` are of the whole delivery, `done_here` of this run; `left` seconds
    that remain, None where that is not known. `window`: batches that may be under way.
    `quarantine`: files that are tried alone because workers died. `free`: bytes, by place.
    """

    files: int
    done: int
    done_here: int
    bytes_here: int
    outcomes: Mapping[str, int]
    left: float | None
    window: int
    in_flight: int
    quarantine: int
    paused: bool
    workers: int
    refused: int
    free: Mapping[str, int]
    restarts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run is: its number in the ledger, and of what by which rules."""

    run: int
    delivery: str
    policy: str
    version: str
    workers: int
