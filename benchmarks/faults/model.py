# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a row of the fault table is, and what one attempt at it came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.faults.scene import Scene


class CannotError(Exception):
    """A row cannot be done on this machine; the message says what it needs."""


@dataclass(frozen=True, slots=True)
class Row:
    """A fault. `expected` is compared word by word with what the attempt observed.

    `act` does it and tells the scene what it saw. `victims`: files whose outcome the fault
    is meant to change. `needs`: what the machine must have: root, chattr, cc.
    """

    name: str
    what: str
    expected: str
    act: Callable[[Scene], None]
    kind: str = "plain"
    victims: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to; `got` as `Row.expected`, the counts as the table's columns."""

    got: str
    lost: int
    twice: int
    blamed: int
    seconds: float
    detail: str = ""

    def right(self, row: Row) -> bool:
        """Whether it ended as it should."""
        return self.got == row.expected and not (self.lost or self.twice or self.blamed)
