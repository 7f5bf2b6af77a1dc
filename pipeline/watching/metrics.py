# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run's metrics for Prometheus, served by the coordinator (prometheus.io, "Exposition formats").

Names and units follow prometheus.io, "Metric and label naming". Counters begin with the run.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client import start_http_server as serve

from pipeline.core.errors import ConfigError
from pipeline.core.records import Outcome
from pipeline.watching.facts import Ended, RunInfo, State

# From the hashing of a small file to the default limit of a step, and beyond.
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


class Metrics:
    """Serves `/metrics` from its making to `close`."""

    def __init__(self, host: str, port: int, info: RunInfo) -> None:
        """Begin to serve. Raises ConfigError where host and port cannot be had."""
        registry = self.registry = CollectorRegistry()
        self._files = Counter(
            "skanearkiv_files", "Files that came to an outcome", ["outcome"], registry=registry
        )
        self._bytes = Counter(
            "skanearkiv_bytes", "Bytes of files that came to an outcome", ["outcome"],
            registry=registry,
        )  # fmt: skip
        for one in Outcome:
            # A rate is known only of what was there before it rose.
            self._files.labels(one.value)
            self._bytes.labels(one.value)
        self._stages = Histogram(
            "skanearkiv_stage_seconds", "Seconds that a stage of a file took", ["stage"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._memory = Gauge(
            "skanearkiv_tool_peak_memory_bytes", "Most memory that a tool took in this run",
            ["stage", "tool"], registry=registry,
        )  # fmt: skip
        self._peaks: dict[tuple[str, str], int] = {}
        self._restarts = Counter(
            "skanearkiv_warm_restarts", "Warm servers that were started anew", ["server"],
            registry=registry,
        )  # fmt: skip
        self._refused = Counter(
            "skanearkiv_refused_workers", "Workers that were refused", registry=registry
        )
        self._free = Gauge(
            "skanearkiv_free_disk_bytes", "Free bytes on a disk of the run", ["place"],
            registry=registry,
        )  # fmt: skip
        self._gauges = {
            name: Gauge(f"skanearkiv_{name}", text, registry=registry)
            for name, text in (
                ("window", "Batches that may be under way"),
                ("in_flight", "Batches that are under way"),
                ("quarantine", "Files that are tried alone because workers died"),
                ("paused", "1 while nothing new is begun"),
                ("workers", "Workers that are connected"),
                ("pending_files", "Files without an outcome"),
                ("remaining_seconds", "Expected seconds until the run ends"),
            )
        }
        Info("skanearkiv_run", "The run", registry=registry).info(
            {
                "run": str(info.run),
                "delivery": info.delivery,
                "policy": info.policy,
                "version": info.version,
            }
        )
        self._last_restarts: dict[str, int] = {}
        self._last_refused = 0
        try:
            self._server, self._thread = serve(port, host, registry)
        except OSError as error:
            raise ConfigError(
                f"metrics cannot be served at {host}:{port} ({error.strerror or error}); "
                "name another port"
            ) from error

    def ended(self, one: Ended) -> None:
        """Count a file."""
        self._files.labels(one.outcome).inc()
        self._bytes.labels(one.outcome).inc(one.size)

    def measured(self, one: Ended) -> None:
        """Take in what the stages and tools of a job took."""
        for measure in one.measures:
            if not measure.tool:
                self._stages.labels(measure.stage).observe(measure.seconds)
                continue
            key = (measure.stage, measure.tool)
            if measure.memory > self._peaks.get(key, 0):
                self._peaks[key] = measure.memory
                self._memory.labels(*key).set(measure.memory)

    def state(self, now: State) -> None:
        """Take in the state of the run."""
        values = {
            "window": now.window,
            "in_flight": now.in_flight,
            "quarantine": now.quarantine,
            "paused": int(now.paused),
            "workers": now.workers,
            "pending_files": now.files - now.done,
            "remaining_seconds": float("nan") if now.left is None else now.left,
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        for place, free in now.free.items():
            self._free.labels(place).set(free)
        for server, count in now.restarts.items():
            self._restarts.labels(server).inc(count - self._last_restarts.get(server, 0))
            self._last_restarts[server] = count
        self._refused.inc(now.refused - self._last_refused)
        self._last_refused = now.refused

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
