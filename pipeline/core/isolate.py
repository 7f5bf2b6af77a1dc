# SPDX-License-Identifier: AGPL-3.0-or-later
"""Call a function of ours in a warm child, so that no file can take the worker with it.

Native libraries crash, hang, hold the GIL (which stops Dask's heartbeat) and eat
memory. `call` runs a module-level function in a child that is bounded by the present
budget; arguments and result must be records or plain data (`pipeline.core.codec`).
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ParamSpec, TypeVar

from pipeline.core.budget import MIB
from pipeline.core.errors import KilledError
from pipeline.core.warm import WarmServer, package_root

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Kind:
    memory: int | None
    recycle_after: int
    # -P: the folder in which a command was given may be a delivery; nothing is imported from it.
    argv: tuple[str, ...] = (sys.executable, "-P", "-m", "pipeline.core.warm_child")


class Pool(Enum):
    """Which warm child does the work. Each process has at most one of each."""

    # PDF, image and XML libraries. Decoded pictures are the largest thing here.
    LIBRARIES = _Kind(memory=3072 * MIB, recycle_after=300)
    # Go reserves address space freely; what Siegfried is given is bounded by size.
    IDENTIFY = _Kind(memory=8192 * MIB, recycle_after=5000)
    # A JVM maps far more than it uses; its heap limit bounds it instead.
    JVM = _Kind(memory=None, recycle_after=2000)


_servers: dict[Pool, WarmServer] = {}
_lock = threading.Lock()


def call(pool: Pool, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return `function(*args)`, computed in `pool`'s child.

    Raises whatever FileError the function raises, ToolFailureError for any other
    exception, and what `WarmServer.ask` raises. Where the child was killed from outside,
    which no file does, a fresh one is asked once more.
    """
    if kwargs:
        raise TypeError("keyword arguments do not cross")
    request = {"call": f"{function.__module__}:{function.__qualname__}", "args": list(args)}
    result: R
    try:
        result = server(pool).ask(request)
    except KilledError:
        result = server(pool).ask(request)
    return result


def server(pool: Pool) -> WarmServer:
    """Return this process's server of a pool."""
    with _lock:
        if pool not in _servers:
            kind = pool.value
            _servers[pool] = WarmServer(
                pool.name.lower(),
                kind.argv,
                memory=kind.memory,
                recycle_after=kind.recycle_after,
                env={"PYTHONPATH": str(package_root())},
            )
        return _servers[pool]


def close_all() -> None:
    """Kill every warm child of this process."""
    with _lock:
        for one in _servers.values():
            one.close()
        _servers.clear()


atexit.register(close_all)
# A fork must not share pipes with its parent's servers.
os.register_at_fork(after_in_child=_servers.clear)
