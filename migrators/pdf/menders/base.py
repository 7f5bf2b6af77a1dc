# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a mender is: a function that changes what one rule of PDF/A asks for, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrators.pdf import codes
from pipeline.core.records import Message, Severity


@dataclass(slots=True)
class Mending:
    """A document on its way to PDF/A, open in the child.

    `document` is pikepdf's, opened from `path`; `flavour` as "2b"; `rules` are those that
    are broken, `pages` (from 1) where the content is to blame. `changed` counts what the
    menders of this round have done so far, `told` collects what people need to know of it.
    """

    document: Any
    path: Path
    flavour: str
    rules: frozenset[str] = frozenset()
    pages: tuple[int, ...] = ()
    changed: int = 0
    told: list[Message] = field(default_factory=list)
    _shown: dict[tuple[int, int], list[bytes]] | None = None

    def shown(self) -> dict[tuple[int, int], list[bytes]]:
        """Return the strings shown in each indirect font; read once, as it takes long."""
        if self._shown is None:
            self._shown = codes.shown(self.document)
        return self._shown

    @property
    def part(self) -> int:
        """The part of ISO 19005."""
        return int(self.flavour[0])

    def lost(self, code: str, detail: str) -> None:
        """Tell of something that the PDF/A does not have any more."""
        self.told.append(Message(code, Severity.WARNING, detail))

    def note(self, code: str, detail: str) -> None:
        """Tell of a change that takes nothing away."""
        self.told.append(Message(code, Severity.INFO, detail))


Mender = Callable[[Mending], int]
"""Returns how many things it changed; 0 when there was nothing that it can mend."""
