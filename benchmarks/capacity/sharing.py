# SPDX-License-Identifier: AGPL-3.0-or-later
"""What jobs do to each other that share the cores of a machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

_ROUNDS = 12


def crowded(slots: int, cores: float, crowding: float) -> float:
    """Return by how much processor time itself grows where so many of the cores are busy.

    Cores share memory and what lies between it and them: `crowding` is what the same work
    takes when all are busy, by what it takes when one is.
    """
    if cores <= 1:
        return 1.0
    return 1.0 + max(crowding - 1.0, 0.0) * (min(slots, cores) - 1.0) / (cores - 1.0)


def stretch(slots: int, cores: float, load: float, beside: float = 0.0) -> float:
    """Return by how much the processor time of a job is drawn out, at least 1.

    `slots`: jobs that are under way on the machine, this one among them; `load`: the share
    of its time in which a job alone wants a core, more than 1 where its tools use several at
    once (Java's compilers do); `beside`: cores that others want (the
    coordinator on its own machine).

    Whether each of the others wants a core at a moment is taken for chance, so that n others
    do with the binomial probability; with more that want one than there are cores, each gets
    its share. As a job that is drawn out wants a core for more of its time, `load` is found
    by repetition.
    """
    return _stretch(slots, round(cores, 2), round(load, 3), round(beside, 2))


@lru_cache(maxsize=100_000)
def _stretch(slots: int, cores: float, load: float, beside: float) -> float:
    factor = 1.0
    wanted = load
    for _ in range(_ROUNDS):
        factor = _expected(slots - 1, cores, wanted, beside)
        # Of the time that it takes now, the share in which it wants a core.
        wanted = load if load >= 1 else load * factor / (1.0 - load + load * factor)
    return factor


def _expected(others: int, cores: float, wanted: float, beside: float) -> float:
    # A job whose tool uses several cores wants them for all of its time.
    chance, width = min(wanted, 1.0), max(wanted, 1.0)
    if chance >= 1.0:
        longer = max(1.0, (width * (1 + others) + beside) / max(cores, width))
        # Of its processor time, more than its time: what it takes longer, by what it used.
        return 1.0 + (longer - 1.0) / width
    total = 0.0
    for n in range(others + 1):
        likely = math.exp(
            math.lgamma(others + 1) - math.lgamma(n + 1) - math.lgamma(others - n + 1)
            + (n * math.log(chance) if chance else (0.0 if n == 0 else -math.inf))
            + (others - n) * math.log1p(-chance)
        )  # fmt: skip
        total += likely * max(1.0, (1 + n + beside) / cores)
    return total


def alone(
    seconds: float,
    cpu: float,
    runs: Sequence[tuple[int, float]],
    cores: float,
    crowding: float = 1.0,
) -> float:
    """Return by how much processor time was drawn out in runs that were measured.

    `seconds` and `cpu`: of all jobs of those runs together; `runs`: slots of each, and
    cores that its coordinator wanted. A run with one slot on two cores or more was not drawn
    out, so that of runs with different numbers of slots each counts for what it was.
    """
    if not runs or cpu <= 0 or seconds <= 0:
        return 1.0

    def met(alone_seconds: float) -> float:
        load = cpu / alone_seconds
        factors = [
            stretch(slots, cores, load, beside) * crowded(slots, cores, crowding)
            for slots, beside in runs
        ]
        return alone_seconds - cpu + cpu * sum(factors) / len(factors)

    least = seconds / (1 + max(slots for slots, _ in runs))
    found = _where(met, seconds, least, seconds)
    return (seconds - (found - cpu)) / cpu


def _where(function: Callable[[float], float], value: float, low: float, high: float) -> float:
    """Return where a growing function has a value, by halving; the near end if nowhere."""
    for _ in range(40):
        middle = (low + high) / 2
        if function(middle) > value:
            high = middle
        else:
            low = middle
    return (low + high) / 2
