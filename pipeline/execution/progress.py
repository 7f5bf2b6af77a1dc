# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the coordinator tells whoever watches. The command line draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

Say = Callable[[str], None]


@dataclass(slots=True)
class Tally:
    """Files and bytes: in the delivery, done before this run, done by it; outcomes in all.

    `left`: seconds that the rest is expected to take, None until that is known.
    """

    files: int = 0
    bytes: int = 0
    before: int = 0
    before_bytes: int = 0
    surveyed: int = 0
    done: int = 0
    done_bytes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    left: float | None = None


class Watcher(Protocol):
    """Is told of a run's progress, from the coordinator's thread."""

    def say(self, text: str) -> None:
        """Take a line that matters."""
        ...

    def scanning(self, found: int) -> None:
        """Take the number of entries met so far."""
        ...

    def progress(self, tally: Tally) -> None:
        """Take the state of things; called often."""
        ...
