# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clusters, each described once in TOML and named.

A file of tables `[NAME]` with a `kind` and that kind's keys; an unknown key is an error.
It is looked for where the variable SKANEARKIV_CLUSTERS says, else as `clusters.toml` in
the folder SKANEARKIV_HOME, in the user's configuration folder and in /etc/skanearkiv.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pipeline.config import tables
from pipeline.core.errors import ConfigError

VARIABLE = "SKANEARKIV_CLUSTERS"


@dataclass(frozen=True, slots=True)
class Cluster:
    """What every kind has.

    `memory_mib`: what one slot (a worker process with its children) may count on.
    `scratch`: folder of a node's own disk; empty: as `[storage] scratch` says.
    `tls`: folder with certificates as `skanearkiv cluster certs` makes them, the same path
    on every node; empty: made for the run where the nodes share its output folder.
    `start_minutes`: how long to wait for the first worker; `patience_minutes`: how long a
    run that has lost every worker waits for another.
    """

    memory_mib: int = 4096
    scratch: str = ""
    tls: str = ""
    interface: str = ""
    start_minutes: float = 10.0
    patience_minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class Local(Cluster):
    """Workers on this machine; 0 means one per core."""

    kind: ClassVar[str] = "local"
    workers: int = 0


@dataclass(frozen=True, slots=True)
class Address(Cluster):
    """A scheduler that is up already, by address or by the file that it wrote.

    `insecure` permits tcp:// beyond loopback, where anyone on the network may run code.
    """

    kind: ClassVar[str] = "address"
    address: str = ""
    scheduler_file: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Slurm(Cluster):
    """Jobs of Slurm, kept at `jobs` by dask-jobqueue.

    Each job runs `slots` workers. `lifetime_minutes`: when a worker stops taking work, so
    that its job ends before its walltime; 0: nine tenths of it. `stagger_minutes`: spread,
    so that not all end at once; 0: a tenth of the lifetime. `prologue`: lines of shell
    before the worker starts; `directives`: further lines after #SBATCH.
    """

    kind: ClassVar[str] = "slurm"
    jobs: int = 1
    slots: int = 1
    account: str = ""
    partition: str = ""
    walltime: str = "24:00:00"
    lifetime_minutes: float = 0.0
    stagger_minutes: float = 0.0
    prologue: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    logs: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class Ssh(Cluster):
    """Hosts reached by OpenSSH without a password, each with `slots` workers.

    `python`: the interpreter on the hosts, e.g. /opt/skanearkiv/bin/python; empty: this
    one's path. `options`: further arguments of ssh. `contact`: the address by which hosts
    reach this machine, where the interface's is not it.
    """

    kind: ClassVar[str] = "ssh"
    hosts: tuple[str, ...] = ()
    slots: int = 1
    python: str = ""
    options: tuple[str, ...] = ()
    contact: str = ""
    lifetime_minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Kubernetes(Cluster):
    """Pods kept by dask-kubernetes' operator; `volumes`: claims mounted in every pod.

    `volumes` maps the name of a persistent volume claim to the path it is mounted at.
    """

    kind: ClassVar[str] = "kubernetes"
    name: str = "skanearkiv"
    namespace: str = "default"
    image: str = ""
    workers: int = 1
    cpu: str = "1"
    volumes: dict[str, str] = field(default_factory=dict)
    secret: str = ""


KINDS: dict[str, type[Cluster]] = {
    one.kind: one for one in (Local, Address, Slurm, Ssh, Kubernetes)
}


def find(asked: str, file: Path | None = None) -> Cluster:
    """Return the cluster that `--cluster` means: an address, a scheduler file or a name.

    Raises ConfigError, which names the clusters that are described.
    """
    if "://" in asked:
        return checked(Address(address=asked), "--cluster")
    if asked.endswith(".json"):
        return checked(Address(scheduler_file=os.path.abspath(asked)), "--cluster")
    path = file or path_in_use()
    known = load(path) if path is not None else {}
    if asked in known:
        return known[asked]
    if asked == "local":
        return Local()
    where = f"{path} describes {', '.join(known) or 'none'}" if path else _no_file()
    raise ConfigError(f"there is no cluster {asked!r}: {where}; or give an address")


def load(path: Path) -> dict[str, Cluster]:
    """Return a file's clusters by name. Raises ConfigError."""
    found, _ = tables.read(path)
    return {name: _build(name, table, path) for name, table in found.items()}


def path_in_use() -> Path | None:
    """Return the file that describes the clusters, None where there is none."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    return next((one for one in _places() if one.is_file()), None)


def _places() -> tuple[Path, ...]:
    own = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    home = os.environ.get("SKANEARKIV_HOME")
    first = (Path(home) / "clusters.toml",) if home else ()
    return (
        *first, Path(own) / "skanearkiv" / "clusters.toml", Path("/etc/skanearkiv/clusters.toml")
    )  # fmt: skip


def _no_file() -> str:
    return "no clusters are described (looked for " + ", ".join(map(str, _places())) + ")"


def _build(name: str, table: object, path: Path) -> Cluster:
    where = f"{path}: {name}"
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: a table is expected")
    values = dict(table)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise ConfigError(f"{where}: kind must be one of {', '.join(KINDS)}, not {kind!r}")
    return checked(tables.build(KINDS[kind], values, where), where)


def checked(cluster: Cluster, where: str) -> Cluster:
    """Return the cluster. Raises ConfigError for what cannot be right together."""
    if isinstance(cluster, Address):
        if bool(cluster.address) == bool(cluster.scheduler_file):
            raise ConfigError(f"{where}: give either address or scheduler_file")
        if cluster.address:
            _scheme(cluster, where)
    if isinstance(cluster, Ssh) and not cluster.hosts:
        raise ConfigError(f"{where}: hosts is empty")
    if isinstance(cluster, Kubernetes) and not cluster.image:
        raise ConfigError(f"{where}: image is missing")
    if isinstance(cluster, Slurm):
        seconds(cluster.walltime, where)
    for name in ("jobs", "slots", "workers"):
        least = 0 if isinstance(cluster, Local) else 1
        if getattr(cluster, name, least) < least:
            raise ConfigError(f"{where}: {name} must be at least {least}")
    return cluster


def _scheme(cluster: Address, where: str) -> None:
    parts = urlsplit(cluster.address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname:
        raise ConfigError(f"{where}: {cluster.address!r} is not tcp://HOST:PORT or tls://HOST:PORT")
    if parts.scheme == "tcp" and not loopback(parts.hostname) and not cluster.insecure:
        raise ConfigError(
            f"{where}: {cluster.address} leaves this machine without encryption, and whoever "
            "reaches it can run code as you; use tls:// (see `skanearkiv cluster certs`), or "
            "set insecure = true in the cluster's description"
        )


def loopback(host: str) -> bool:
    """Whether a host, by its name or address, is this machine and reached by it alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def seconds(walltime: str, where: str = "walltime") -> int:
    """Return a Slurm time (M, M:S, H:M:S, D-H, D-H:M, D-H:M:S; sbatch(1)) in seconds.

    Raises ConfigError.
    """
    days, dash, rest = walltime.rpartition("-")
    parts = rest.split(":")
    numbers = [int(one) if one.isdecimal() else -1 for one in parts]
    if min(numbers) < 0 or len(numbers) > 3 or (dash and not days.isdecimal()):
        raise ConfigError(f"{where}: {walltime!r} is no time that Slurm knows, e.g. 12:00:00")
    if dash:
        hours, minutes, rest_seconds = [*numbers, 0, 0][:3]
    elif len(numbers) == 3:
        hours, minutes, rest_seconds = numbers
    else:
        hours, (minutes, rest_seconds) = 0, [*numbers, 0][:2]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest_seconds
