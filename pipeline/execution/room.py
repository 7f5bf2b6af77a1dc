# SPDX-License-Identifier: AGPL-3.0-or-later
"""Room on the disks that the coordinator sees: a full one pauses the run, and no more."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from pathlib import Path

from pipeline.core.budget import MIB
from pipeline.core.errors import ConfigError
from pipeline.execution.progress import Say

_LOOK = 1.0  # seconds between looks
_TELL = 600.0
# A disk that we do not see, a worker's own, is given this long before the next try.
_UNSEEN = 30.0
# How often a file may meet a full disk while there is room by our own measure: it needs
# more than there is, and waiting helps nobody.
_TRIES = 3


class Disks:
    """Watches free space; `folders` are those that the run writes to."""

    def __init__(self, folders: list[Path], least_mib: int, say: Say) -> None:
        self._folders = folders
        self._least = least_mib * MIB
        self._say = say
        self._looked = self._told = -_TELL
        self._paused = False
        self._until = 0.0
        self._tries: Counter[int] = Counter()
        self.pauses = 0

    def check(self) -> None:
        """Raise ConfigError where there is too little to begin with."""
        short = self._short()
        if short is not None:
            folder, free = short
            raise ConfigError(
                f"{free // MIB} MiB are free on the disk of {folder}, {self._least // MIB} are "
                "needed to begin (disk_mib in [room] of the configuration): make room"
            )

    def free(self) -> int:
        """Return the bytes that are free on the fullest disk."""
        return min(shutil.disk_usage(one).free for one in self._folders)

    @property
    def paused(self) -> bool:
        """Whether nothing new shall be begun now. Tells when that changes."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return self._paused
        self._looked = now
        short = self._short()
        paused = short is not None or now < self._until
        if short is not None and now - self._told > _TELL:
            self._told = now
            folder, free = short
            self._say(
                f"paused: {free // MIB} MiB are free on the disk of {folder}, "
                f"{self._least // MIB} are needed; the run goes on when there is room"
            )
        if self._paused and not paused:
            self._told = now - _TELL
            self._say("there is room again: the run goes on")
        self.pauses += paused and not self._paused
        self._paused = paused
        return paused

    def met_full(self, file: int, detail: str) -> bool:
        """Take that a file found a disk full; return whether to try it again."""
        now = time.monotonic()
        if self._short() is None:
            self._tries[file] += 1
            if self._tries[file] >= _TRIES:
                return False
            self._until = now + _UNSEEN
            self._say(f"a worker met a full disk ({detail[:200]}): the file is tried again")
        self._looked = now - _LOOK
        return True

    def _short(self) -> tuple[Path, int] | None:
        for folder in self._folders:
            free = shutil.disk_usage(folder).free
            if free < self._least:
                return folder, free
        return None
