# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv cluster`: certificates, checks, and the processes of a cluster of one's own."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.output import console, emit, failures
from pipeline.config import clusters
from pipeline.config.clusters import Address, Cluster, Kubernetes, Slurm
from pipeline.core.errors import ConfigError
from pipeline.execution.clusters import base, certs, kubernetes, slurm

_EXAMPLES = """
Examples:

  skanearkiv cluster certs /etc/skanearkiv/tls

  skanearkiv cluster certs tls --node nod1 --node nod2

  skanearkiv cluster list

  skanearkiv cluster check kommun-slurm

  skanearkiv cluster scheduler --tls /etc/skanearkiv/tls --host 10.0.0.5

  skanearkiv cluster worker tls://10.0.0.5:8786 --tls /etc/skanearkiv/tls --slots 8
"""

cluster = typer.Typer(
    no_args_is_help=True, help="Clusters: descriptions, certificates, scheduler, workers."
)

Tls = Annotated[
    Path | None,
    typer.Option(envvar="SKANEARKIV_TLS", help="Folder of certificates made by `certs`."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(cluster, name="cluster", epilog=_EXAMPLES)


@cluster.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the clusters that are described, and where."""
    with failures():
        path = clusters.path_in_use()
        known = clusters.load(path) if path else {}
    if as_json:
        found = {name: {"kind": _kind(one), **asdict(one)} for name, one in known.items()}
        emit({"file": str(path) if path else None, "clusters": found})
        return
    console.print(f"{path or 'No file describes clusters'}: {len(known)} clusters")
    for name, one in known.items():
        console.print(f"  {name:<20} {_kind(one)}")


@cluster.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Name of a described cluster, or an address.")],
) -> None:
    """Say what would be started, without starting it: a job script, a resource, an address."""
    with failures():
        one = clusters.find(name)
        for line in _shown(one):
            typer.echo(line)


def _shown(one: Cluster) -> list[str]:
    tls = Path(one.tls or "TLS")
    if isinstance(one, Slurm):
        # Certificates that a run would make for itself are stood in for by their place.
        if not one.tls:
            return [*_fields(one), "", "The job script is shown for a cluster with `tls`."]
        return [slurm.script(one, tls, Path("OUT/.staging/dask"))]
    if isinstance(one, Kubernetes):
        resource = kubernetes.spec(one)
        wrong = kubernetes.check(resource)
        if wrong:
            raise ConfigError("; ".join(wrong))
        return [emit_text(resource), "# valid by the operator's own schema; never run here"]
    return _fields(one)


def _fields(one: Cluster) -> list[str]:
    return [f"kind = {_kind(one)!r}", *(f"{key} = {value!r}" for key, value in asdict(one).items())]


def emit_text(resource: object) -> str:
    """Return a resource as YAML."""
    import yaml

    return str(yaml.safe_dump(resource, sort_keys=False))


def _kind(one: Cluster) -> str:
    return str(getattr(one, "kind", ""))


@cluster.command("certs")
def certificates(
    folder: Annotated[Path, typer.Argument(help="Where to put them.")],
    node: Annotated[
        list[str] | None,
        typer.Option(help="A machine with a pair of its own, in a folder of that name."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How long they hold.")] = 825,
) -> None:
    """Make a certificate authority and node certificates; what exists is kept."""
    with failures():
        made = certs.make(folder, tuple(node or ()), days)
    for path in made:
        console.print(str(path))
    if not made:
        console.print(f"Everything is there already in {folder}.")
    console.print(
        f"Keep {folder / 'ca-key.pem'} to yourself: who has it, or any node's key, can run "
        "code on the cluster."
    )


@cluster.command("scheduler")
def scheduler(
    tls: Tls = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "",
    interface: Annotated[str, typer.Option(help="Or network interface, e.g. ib0.")] = "",
    port: Annotated[int, typer.Option(help="Port.")] = 8786,
    scheduler_file: Annotated[
        str, typer.Option(help="File to write the address to, for workers and `--cluster`.")
    ] = "",
) -> None:
    """Run a scheduler here until it is stopped."""
    with failures():
        if tls is None and not (host and clusters.loopback(host)):
            raise ConfigError(
                "without --tls a scheduler listens on loopback only: give --host 127.0.0.1, or "
                "make certificates with `skanearkiv cluster certs`"
            )
        _become(base.scheduler_command(sys.executable, tls, interface, host, port, scheduler_file))


@cluster.command("worker")
def worker(
    address: Annotated[str, typer.Argument(help="tls://HOST:PORT of the scheduler.")],
    tls: Tls = None,
    slots: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    scratch: Annotated[str, typer.Option(help="Folder on this machine's own disk.")] = "",
    memory_mib: Annotated[int, typer.Option(min=1, help="Memory of one slot, MiB.")] = 4096,
    policy: Annotated[
        Path | None,
        typer.Option(help="Work only for runs by this policy; others refuse these workers."),
    ] = None,
) -> None:
    """Run workers here until they are stopped."""
    with failures():
        clusters.checked(Address(address=address), "worker")
        if policy is not None:
            os.environ["SKANEARKIV_POLICY"] = str(policy.resolve())
        _become(base.worker_command(sys.executable, address, slots, tls, scratch, memory_mib, 0))


def _become(command: list[str]) -> None:
    """Turn into a process of Dask's, so that signals reach it as they would any other."""
    sys.stdout.flush()
    os.execve(command[0], command, {**os.environ, **base.WORKER_ENV})  # noqa: S606
