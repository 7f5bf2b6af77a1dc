# SPDX-License-Identifier: AGPL-3.0-or-later
"""A server that is away: ask again, ever more rarely, for as long as patience lasts."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.core.errors import StorageError

T = TypeVar("T")
_FIRST, _LONGEST = 0.5, 10.0  # seconds between two attempts


class AwayError(Exception):
    """The server did not answer, or asked to be left alone for now."""


def log(text: str) -> None:
    """Tell whoever reads a worker's log."""
    logging.getLogger("skanearkiv.storage").warning("%s", text)


class Patience:
    """Repeats what a server does not answer; one for each server and process.

    Once patience has run out, what follows is asked once only until the server answers
    again: each file of a delivery shall not wait for it anew.
    """

    def __init__(self, seconds: float, say: Callable[[str], None] = log) -> None:
        self.seconds = seconds
        self.say = say
        self._lost = False

    def __call__(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns. Raises StorageError when patience has run out."""
        # Workers that lost the same server shall not come back in the same instant.
        pause = _FIRST * (1 + os.getpid() % 8 / 8)
        began = 0.0
        while True:
            try:
                answer = ask()
            except AwayError as error:
                now = time.monotonic()
                if not began:
                    began = now
                    if not self._lost:
                        self.say(f"the storage does not answer ({error}); waiting for it")
                left = self.seconds - (now - began)
                if self._lost or left <= 0:
                    self._lost = True
                    raise StorageError(f"{error}; waited {now - began:.0f} s") from error
                time.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST)
                continue
            if began or self._lost:
                waited = f" after {time.monotonic() - began:.0f} s" if began else ""
                self.say(f"the storage answers again{waited}")
            self._lost = False
            return answer
