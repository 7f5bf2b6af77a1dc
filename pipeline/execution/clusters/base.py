# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every kind of cluster gives to a run, and how Dask is set up for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.execution.clusters.certs import NODE

# A task that two workers died of goes to quarantine; Dask's own default of three only
# costs a third worker. Profiling every 10 ms costs and nobody reads it here. A worker that
# cannot be reached is given up after 30 s, and its work done elsewhere (5 minutes by
# default). A connection that fails is tried again for as long. Dask looks at its event loops
# 50 times a second and at each worker's memory ten times, in every worker and, for its
# nanny, in the coordinator: 4 % of a core each while files of a second's work are under way.
DASK: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.worker-ttl": "120s",
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "500ms",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.tick.limit": "30s",
    "distributed.admin.system-monitor.interval": "2s",
    "distributed.comm.timeouts.connect": "30s",
    "distributed.comm.timeouts.tcp": "30s",
    "distributed.logging.distributed": "error",
}

# The same, for processes of Dask that are started by others (docs.dask.org, "Configuration").
WORKER_ENV = {
    "DASK_" + name.upper().replace("-", "_").replace(".", "__"): str(value)
    for name, value in DASK.items()
}


@dataclass(frozen=True, slots=True)
class Joined:
    """A cluster in use. `slots`: workers that it was asked for, 0 where others decide."""

    client: Any
    dashboard: str
    slots: int


@contextmanager
def configured() -> Iterator[None]:
    """Set Dask up in this process and in those that it starts."""
    import dask

    with dask.config.set(DASK):
        yield


def security(folder: Path) -> Any:
    """Return Dask's Security object for a folder of certificates. Raises ConfigError."""
    from distributed.security import Security

    ca, cert, key = (str(one) for one in _files(folder))
    return Security(
        tls_ca_file=ca, require_encryption=True, tls_scheduler_cert=cert, tls_scheduler_key=key,
        tls_worker_cert=cert, tls_worker_key=key, tls_client_cert=cert, tls_client_key=key,
    )  # fmt: skip


def _files(folder: Path) -> tuple[Path, Path, Path]:
    found = folder / "ca.pem", folder / f"{NODE}.pem", folder / f"{NODE}-key.pem"
    for one in found:
        if not one.is_file():
            raise ConfigError(
                f"{one} is missing; make certificates with: skanearkiv cluster certs {folder}"
            )
    return found


def tls_env(folder: str) -> dict[str, str]:
    """Return the variables by which a process of Dask takes up certificates in `folder`."""
    prefix = "DASK_DISTRIBUTED__COMM__"
    cert, key = f"{folder}/{NODE}.pem", f"{folder}/{NODE}-key.pem"
    pairs = {
        f"{prefix}TLS__{role}__{name}": value
        for role in ("SCHEDULER", "WORKER", "CLIENT")
        for name, value in (("CERT", cert), ("KEY", key))
    }
    return {
        f"{prefix}REQUIRE_ENCRYPTION": "True",
        f"{prefix}DEFAULT_SCHEME": "tls",
        f"{prefix}TLS__CA_FILE": f"{folder}/ca.pem",
        **pairs,
    }


def worker_command(
    python: str, address: str, slots: int, tls: Path | None, scratch: str, memory_mib: int,
    lifetime: float,
) -> list[str]:  # fmt: skip
    """Return the command of `slots` workers for a scheduler; lifetime in seconds, 0: none."""
    found = [
        python, "-m", "distributed.cli.dask_worker", address, "--nworkers", str(slots),
        "--nthreads", "1", "--nanny", "--no-dashboard", "--death-timeout", "120",
        "--memory-limit", f"{memory_mib} MiB",
    ]  # fmt: skip
    if tls is not None:
        ca, cert, key = (str(one) for one in _files(tls))
        found += ["--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key]
    if scratch:
        found += ["--local-directory", scratch]
    if lifetime:
        found += ["--lifetime", f"{lifetime:.0f}s", "--lifetime-stagger", f"{lifetime / 10:.0f}s"]
    return found


def scheduler_command(
    python: str, tls: Path | None, interface: str, host: str, port: int, scheduler_file: str
) -> list[str]:
    """Return the command of a scheduler. Raises ConfigError."""
    found = [
        python, "-m", "distributed.cli.dask_scheduler", "--port", str(port),
        "--dashboard-address", "127.0.0.1:8787",
    ]  # fmt: skip
    if tls is not None:
        ca, cert, key = (str(one) for one in _files(tls))
        found += ["--protocol", "tls", "--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key]
    for option, value in (("interface", interface), ("host", host)):
        if value:
            found += [f"--{option}", value]
    if scheduler_file:
        found += ["--scheduler-file", scheduler_file]
    return found


@contextmanager
def connected(cluster: Any, **options: Any) -> Iterator[Any]:
    """Yield a client. Raises ConfigError where the scheduler does not answer."""
    from distributed import Client

    try:
        client = Client(cluster, **options)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        where = cluster if isinstance(cluster, str) else "the scheduler"
        raise ConfigError(f"{where} does not answer: {error}") from error
    try:
        yield client
    finally:
        client.close()
