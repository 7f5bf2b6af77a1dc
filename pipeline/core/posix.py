# SPDX-License-Identifier: AGPL-3.0-or-later
"""The environment that every child gets: the same on every machine."""

from __future__ import annotations

import os

_PASSED = frozenset(
    {
        "PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "JAVA_HOME", "LD_LIBRARY_PATH",
        "XDG_CACHE_HOME", "XDG_DATA_HOME",
    }
)  # fmt: skip
# Tools sort, decode names and format dates by locale; C.UTF-8 ships with Debian's libc.
# OMP_THREAD_LIMIT: Tesseract's threads slow each other down when each core has a worker
# (measured: 11.1 s against 16.4 s). SOURCE_DATE_EPOCH: the same bytes on every run.
_SET = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "OMP_THREAD_LIMIT": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VIPS_CONCURRENCY": "1",
    "MALLOC_ARENA_MAX": "2",
    "SOURCE_DATE_EPOCH": "946684800",
}


# Where a cluster's keys are is no business of a tool that reads hostile files.
_NOT_PASSED = frozenset({"SKANEARKIV_TLS", "SKANEARKIV_CLUSTERS"})


def ours(variable: str) -> bool:
    """Whether a variable is one of this program's that children are told."""
    return variable.startswith("SKANEARKIV_") and variable not in _NOT_PASSED


def environment() -> dict[str, str]:
    """Return the variables for a child: what tools need of ours, and what makes them alike.

    Asked for each child anew, since a worker learns its settings after it was started.
    """
    told = {key: value for key, value in os.environ.items() if key in _PASSED or ours(key)}
    return {**told, **_SET}
