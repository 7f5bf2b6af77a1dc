# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run's log: one JSON document a line, each written at once.

A log that cannot be written costs nobody a run: that is told, the lines are counted, and
when it can be written again their number stands in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.core.records import now

_STDERR = 2


class Log:
    """Lines for a file, or for standard error (`-`)."""

    def __init__(self, where: str, run: int, say: Callable[[str], None]) -> None:
        self._where = where
        self._run = run
        self._say = say
        self._descriptor = -1
        self._lost = 0
        self._torn = False

    def write(self, event: str, **facts: Any) -> None:
        """Write a line: its time (ISO 8601, UTC), the run, the event, and what is told."""
        lost = {"lines": self._lost} if self._lost else None
        try:
            self._open()
            if lost is not None:
                self._put(self._line("lost", lost))
                self._lost = 0
            self._put(self._line(event, facts))
        except OSError as error:
            if not self._lost:
                self._say(
                    f"the log {self._where} cannot be written ({error.strerror}); "
                    "the run goes on without"
                )
            self._lost += 1

    def _line(self, event: str, facts: dict[str, Any]) -> bytes:
        document = {"time": now(), "run": self._run, "event": event, **facts}
        # What tools and names hold may be no Unicode at all.
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace") + b"\n"

    def _open(self) -> None:
        if self._descriptor >= 0:
            return
        if self._where == "-":
            self._descriptor = _STDERR
            return
        path = Path(self._where)
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o644)

    def _put(self, line: bytes) -> None:
        # A disk that fills up takes part of a line; what follows begins on one of its own.
        if self._torn:
            os.write(self._descriptor, b"\n")
            self._torn = False
        while line:
            done = os.write(self._descriptor, line)
            line = line[done:]
            self._torn = bool(line)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor > _STDERR:
            os.close(self._descriptor)
            self._descriptor = -1
