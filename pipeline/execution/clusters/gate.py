# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may work: workers tell whether they are alike, and those that are not are named."""

from __future__ import annotations

import threading
import time
from typing import Any

from pipeline.core.errors import ConfigError, RunStoppedError
from pipeline.execution.clusters.base import Joined
from pipeline.execution.progress import Say

TOPIC = "skanearkiv"
_LOOK = 5.0  # seconds between looks at how many workers there are


class Gate:
    """What is known of a cluster's workers, from the coordinator's side."""

    def __init__(self, joined: Joined, say: Say) -> None:
        self._client = joined.client
        self._say = say
        self._lock = threading.Lock()
        self._accepted = threading.Event()
        self._refused: dict[tuple[str, tuple[str, ...]], None] = {}
        self._turned_away: set[str] = set()
        self._news: list[str] = []
        self._started = joined.slots > 0
        self._slots = max(joined.slots, 1)
        self._looked = self._seen = time.monotonic()
        self._told = 0.0
        self._client.subscribe_topic(TOPIC, self._heard)

    def _heard(self, event: tuple[float, Any]) -> None:
        told = event[1]
        if told.get("client") != self._client.id:
            return
        if not told["refused"]:
            self._accepted.set()
            return
        with self._lock:
            key = (told["host"], tuple(told["refused"]))
            if key not in self._refused:
                lines = "; ".join(key[1])
                self._news.append(f"the workers on {key[0]} are refused: {lines}")
            self._refused[key] = None
            self._turned_away.add(str(told["worker"]))

    def wait(self, minutes: float) -> None:
        """Wait for the first worker that may work. Raises ConfigError when none comes."""
        end = time.monotonic() + minutes * 60
        while not self._accepted.wait(0.5):
            # What was told before the scheduler had taken note of who listens.
            for event in self._client.get_events(TOPIC):
                self._heard(event)
            self.tell()
            # Where we start them ourselves, others may still be on their way.
            hopeless = not self._started and self._refused and not self._connected()
            if time.monotonic() > end or hopeless:
                break
        self.tell()
        if self._accepted.is_set():
            return
        with self._lock:
            names = [f"{host}: {'; '.join(lines)}" for host, lines in self._refused]
        if names:
            raise ConfigError(f"every worker was refused: {' | '.join(names)}")
        raise ConfigError(
            f"no worker came within {minutes:g} minutes; look at the cluster's own logs "
            "(for Slurm: squeue, and the job's output in the folder `logs`)"
        )

    def tell(self) -> None:
        """Pass on what was heard, from the coordinator's own thread."""
        with self._lock:
            news, self._news = self._news, []
        for line in news:
            self._say(line)

    def slots(self, patience_minutes: float) -> int:
        """Return how many workers there are, at least 1.

        Raises RunStoppedError when there has been none for `patience_minutes`.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return max(self._slots, 1)
        self.tell()
        self._looked = now
        self._slots = self._connected()
        if self._slots:
            self._seen = now
        elif now - self._seen > patience_minutes * 60:
            raise RunStoppedError(
                f"there has been no worker for {patience_minutes:g} minutes; see to the "
                "cluster, then run the same command again: nothing is lost"
            )
        elif now - self._told > 60:
            self._told = now
            self._say("no worker is left; waiting for another")
        return max(self._slots, 1)

    @property
    def connected(self) -> int:
        """How many workers there were when last looked at."""
        return self._slots

    @property
    def refused(self) -> int:
        """How many workers were refused."""
        with self._lock:
            return len(self._turned_away)

    def _connected(self) -> int:
        try:
            return len(self._client.nthreads())
        except (OSError, TimeoutError, RuntimeError):
            # The coordinator's own look at the connection says what that means.
            return 0
