# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long, and with how much memory, the present step may work.

A step opens a budget; whatever it starts below it, however deep, asks `remaining`
and so ends in time, without a limit being handed through every signature.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from pipeline.core.errors import ToolTimeoutError

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Budget:
    """`deadline` on the monotonic clock; `memory` in bytes of address space per child."""

    deadline: float
    seconds: float
    memory: int


_current: ContextVar[Budget | None] = ContextVar("budget", default=None)

# For calls outside any step, e.g. asking a program for its version.
_DEFAULT_SECONDS = 120.0
_DEFAULT_MEMORY = 3072 * MIB


@contextmanager
def budget(seconds: float, memory: int) -> Iterator[None]:
    """Bound everything within: `seconds` of wall time, `memory` bytes per child."""
    token = _current.set(Budget(time.monotonic() + seconds, seconds, memory))
    try:
        yield
    finally:
        _current.reset(token)


def remaining() -> float:
    """Return the seconds left. Raises ToolTimeoutError when none are."""
    present = _current.get()
    if present is None:
        return _DEFAULT_SECONDS
    left = present.deadline - time.monotonic()
    if left <= 0:
        raise ToolTimeoutError(f"the limit of {present.seconds:.0f} s was used up")
    return left


def memory() -> int:
    """Return the bytes of address space that a child may have."""
    present = _current.get()
    return _DEFAULT_MEMORY if present is None else present.memory
