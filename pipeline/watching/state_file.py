# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the ledger does not tell of a run under way: a small file beside it, `run.json`.

Written whole or not at all, every other second, and gone with the run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.watching.facts import State

NAME = "run.json"
EVERY = 2.0


class StateFile:
    """The file of a run; a disk that is full costs the news, not the run."""

    def __init__(self, out: Path, run: int, say: Callable[[str], None]) -> None:
        self._path = out / NAME
        self._run = run
        self._say = say
        self._told = False
        self._started = time.time()

    def write(self, state: State) -> None:
        """Write the state of this moment."""
        waiting = self._path.with_name(f".{NAME}.part")
        document = {
            "number": self._run,
            "pid": os.getpid(),
            "started": self._started,
            "written": time.time(),
            **asdict(state),
        }
        try:
            waiting.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            waiting.replace(self._path)
        except OSError as error:
            if not self._told:
                self._told = True
                self._say(f"{self._path} cannot be written ({error.strerror}): `status` shows less")

    def close(self) -> None:
        """Remove it."""
        for one in (self._path, self._path.with_name(f".{NAME}.part")):
            try:
                one.unlink(missing_ok=True)
            except OSError as error:
                # A folder that turned read-only has ended the run: that is what must be told.
                self._say(f"{one} stays ({error.strerror}); the next run writes it anew")


def read(out: Path, run: int) -> dict[str, Any]:
    """Return what a run under way says of itself, nothing where it says nothing."""
    try:
        found = json.loads((out / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # no run, or one that was killed while the machine went down
    # One that was killed leaves its file to the next.
    mine = isinstance(found, dict) and found.get("number") == run
    return found if mine else {}
