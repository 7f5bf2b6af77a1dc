# SPDX-License-Identifier: AGPL-3.0-or-later
"""On what, with what and how fast at that moment something was measured."""

from __future__ import annotations

import hashlib
import os
import platform
import time
import zlib
from pathlib import Path
from typing import Any

import psutil

from format_registry.policy import Policy
from pipeline.core import isolate
from pipeline.core.versions import own_agent
from pipeline.execution.clusters import proof

_ROUNDS = 40


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


def yardstick() -> float:
    """Return the processor seconds that a fixed piece of work takes here and now.

    Processors of shared machines are fast at one time and slow at another: results are
    compared in multiples of this. It compresses, hashes and counts, as the work itself does.
    """
    block = bytes(range(256)) * 4096
    began = time.process_time()
    for number in range(_ROUNDS):
        zlib.compress(block[number:], 6)
        hashlib.sha256(block).digest()
        sum(one * number for one in range(20_000))
    return time.process_time() - began
