# SPDX-License-Identifier: AGPL-3.0-or-later
"""Makes the attempts: deliveries and their undisturbed runs once, then each row so often."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import psutil

from benchmarks.faults import deliveries, ledgers
from benchmarks.faults.ledgers import Told
from benchmarks.faults.model import Attempt, CannotError, Row
from benchmarks.faults.scene import NotInjectedError, Scene, folder

_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "root": (lambda: os.geteuid() == 0, "root"),
    "chattr": (lambda: shutil.which("chattr") is not None, "chattr (e2fsprogs)"),
    "cc": (lambda: shutil.which("cc") is not None, "a C compiler (cc)"),
}


class Table:
    """All attempts at some rows. Leaves nothing behind when the block ends."""

    def __init__(self, rows: list[Row], times: int, jobs: int, say: Callable[[str], None]) -> None:
        self._rows, self._times, self._jobs, self._say = rows, times, jobs, say
        self._base = folder()
        self._undisturbed: dict[str, dict[str, Told]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        shutil.rmtree(self._base, ignore_errors=True)

    def found(self) -> list[tuple[Row, list[Attempt]]]:
        """Make every attempt; return them by row."""
        for kind in dict.fromkeys(row.kind for row in self._rows):
            self._undisturbed[kind] = self._measure(kind)
        asked = [(row, number) for number in range(self._times) for row in self._rows]
        with ThreadPoolExecutor(self._jobs) as pool:
            done = list(pool.map(lambda one: self._attempt(*one), asked))
        by_name: dict[str, list[Attempt]] = {}
        for (row, _), attempt in zip(asked, done, strict=True):
            by_name.setdefault(row.name, []).append(attempt)
        return [(row, by_name[row.name]) for row in self._rows]

    def _delivery(self, kind: str) -> Path:
        return self._base / f"delivery-{kind}"

    def _measure(self, kind: str) -> dict[str, Told]:
        """Return what an undisturbed run comes to. Raises RuntimeError if it is not good."""
        deliveries.make(kind, self._delivery(kind))
        place = self._base / f"undisturbed-{kind}"
        place.mkdir()
        scene = Scene(place, self._delivery(kind))
        try:
            code = scene.ended(scene.start())
            if code not in (0, 1):
                raise RuntimeError(f"the undisturbed run: exit {code}, {scene.printed()[-2000:]}")
            found = ledgers.told(scene.out)
            wrong = ledgers.whole(scene.out)
            if wrong or not all(one.outcome in {"ok", "empty"} for one in found.values()):
                told = {path: (one.outcome, one.detail) for path, one in found.items()}
                raise RuntimeError(
                    f"the undisturbed run: {wrong}, {told}; {scene.printed()[-2000:]}"
                )
            return found
        finally:
            scene.close()

    def _attempt(self, row: Row, number: int) -> Attempt:
        began = time.monotonic()
        place = self._base / f"{self._rows.index(row)}-{number}"
        place.mkdir()
        scene = Scene(place, self._delivery(row.kind))
        detail = ""
        try:
            missing = [told for name, (there, told) in _NEEDS.items()
                       if name in row.needs and not there()]  # fmt: skip
            if missing:
                raise CannotError(f"needs {' and '.join(missing)}")
            row.act(scene)
            left = scene.left()
            wrong = ledgers.whole(scene.out) + ([f"left behind: {left}"] if left else [])
            scene.words += wrong
        except CannotError as error:
            scene.words = [f"cannot: {error}"]
        except NotInjectedError as error:
            scene.words.append(f"not injected: {error}")
        except (OSError, psutil.Error, sqlite3.Error, subprocess.CalledProcessError) as error:
            # The row's own work failed; the others are done all the same.
            scene.words.append(f"not done: {error!r}")
        except subprocess.TimeoutExpired as error:
            scene.words.append(f"did not end within {error.timeout:.0f} s")
        try:
            lost, twice, blamed, detail = self._compared(row, scene)
            attempt = Attempt(
                "; ".join(scene.words), lost, twice, blamed, time.monotonic() - began, detail
            )
            if not attempt.right(row):
                text = f"{detail}; printed: {scene.printed()[-3000:]}"
                attempt = Attempt(
                    attempt.got, lost, twice, blamed, attempt.seconds, text.strip("; ")
                )
        finally:
            scene.close()
        word = "as expected" if attempt.right(row) else f"NOT AS EXPECTED: {attempt.got} {detail}"
        with self._lock:
            self._say(f"{row.name} ({number + 1}): {word}, {attempt.seconds:.0f} s")
        return attempt

    def _compared(self, row: Row, scene: Scene) -> tuple[int, int, int, str]:
        undisturbed = self._undisturbed[row.kind]
        if not ledgers.states(scene.out):
            return len(undisturbed), 0, 0, "there is no ledger"
        return ledgers.compare(ledgers.told(scene.out), undisturbed, row.victims)
