# SPDX-License-Identifier: AGPL-3.0-or-later
"""On what, with what and how fast at that moment something was measured."""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import threading
import time
import zlib
from pathlib import Path
from typing import Any, Self

import psutil

from format_registry.policy import Policy
from pipeline.core import isolate
from pipeline.core.versions import own_agent
from pipeline.execution.clusters import proof

_ROUNDS = 2
_EVERY = 1.0  # seconds


def machine() -> dict[str, Any]:
    """Return system, processor, cores, memory in bytes, and the load of the last minute."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "load": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def versions(policy: Policy) -> dict[str, str]:
    """Return this software's version and all that workers must have alike to work together."""
    found = {"skanearkiv": own_agent().version, **proof.collect(policy).found}
    isolate.close_all()
    return found


class Pace:
    """How fast the processors are while something else is measured, looked at once a second.

    Processors of shared machines are fast at one moment and slow at the next: results are
    compared in multiples of what a fixed piece of work takes, in between and not before or
    after (of two pairs of runs that took the same processor time, what it took before and
    after differed by a fifth). A piece takes some 10 ms: a hundredth of one core.
    """

    def __init__(self) -> None:
        self._taken: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._taken.append(_piece())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            self._taken.append(_piece())

    @property
    def yardstick(self) -> float:
        """Processor seconds of the piece of work, the mean of all looks."""
        return round(statistics.fmean(self._taken), 6)


def _piece() -> float:
    """Return the processor seconds that a fixed piece of work takes here and now.

    It compresses, hashes and counts, as the work itself does.
    """
    block = bytes(range(256)) * 4096
    began = time.thread_time()
    for number in range(_ROUNDS):
        zlib.compress(block[number:], 6)
        hashlib.sha256(block).digest()
        sum(one * number for one in range(20_000))
    return time.thread_time() - began
