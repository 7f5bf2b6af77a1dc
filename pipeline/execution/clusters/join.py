# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a cluster's description to workers that have proven that they may work."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pipeline.config.clusters import Address, Cluster, Kubernetes, Local, Slurm, Ssh
from pipeline.core import isolate
from pipeline.core.errors import ConfigError
from pipeline.execution.clusters import address, certs, kubernetes, local, proof, slurm, ssh
from pipeline.execution.clusters.base import Joined
from pipeline.execution.clusters.gate import Gate
from pipeline.execution.progress import Say
from pipeline.execution.tasks import ContextPlugin, plugin_name
from pipeline.steps.jobs import Context


@contextmanager
def joined(
    cluster: Cluster, context: Context, work: Path, say: Say
) -> Iterator[tuple[Joined, Gate]]:
    """Yield a cluster in use and its gate; at least one worker is ready.

    `work`: the coordinator's own folder, in which Dask's files and the run's certificates
    may lie. Raises ConfigError, ToolMissingError.
    """
    with ExitStack() as ending:
        found = ending.enter_context(opened(cluster, context, work, say))
        gate = Gate(found, say)
        ending.enter_context(_hired(cluster, context, found.client))
        gate.wait(cluster.start_minutes)
        yield found, gate


def opened(
    cluster: Cluster, context: Context, work: Path, say: Say
) -> AbstractContextManager[Joined]:
    """Return the kind's own context manager. Raises ConfigError."""
    scratch = work / "dask"
    if isinstance(cluster, Local):
        return local.opened(cluster, scratch)
    if isinstance(cluster, Address):
        return address.opened(cluster, Path(cluster.tls) if cluster.tls else None)
    if isinstance(cluster, Slurm):
        return slurm.opened(cluster, _certificates(cluster, context, work), scratch)
    if isinstance(cluster, Ssh):
        return ssh.opened(cluster, _certificates(cluster, context, work), say)
    if isinstance(cluster, Kubernetes):
        return kubernetes.opened(cluster)
    raise ConfigError(f"a cluster of this kind cannot be opened: {type(cluster).__name__}")


def _certificates(cluster: Cluster, context: Context, work: Path) -> Path:
    """Return the cluster's certificates, or some of the run's own that its nodes can read."""
    if cluster.tls:
        return Path(cluster.tls)
    if not isinstance(context.staging, Path):
        raise ConfigError(
            "outputs go to object storage, so the nodes share no folder with certificates; "
            "make some (skanearkiv cluster certs FOLDER), copy them to the same path on every "
            "node, and name it as `tls` in the cluster's description"
        )
    folder = work / "tls"
    certs.make(folder, days=365)
    # Nobody needs to sign anything more for this run.
    (folder / "ca-key.pem").unlink(missing_ok=True)
    return folder


@contextmanager
def _hired(cluster: Cluster, context: Context, client: Any) -> Iterator[None]:
    """Give every worker of now and later the run's context, and ask it for its proof."""
    living = client.run_on_scheduler(_others, mine=client.id)
    if living:
        raise ConfigError(
            "another run is using this cluster; wait for its end, or start workers for this "
            "one (a worker serves one run at a time)"
        )
    expected, token = None, ""
    if not isinstance(cluster, Local):
        # The certificates and settings of this process are those that workers get as well.
        os.environ.update(context.settings.environment())
        expected = proof.collect(context.policy)
        isolate.close_all()
        if isinstance(context.staging, Path):
            token = secrets.token_hex(16)
            proof.mark(context.staging, token)
    name = plugin_name(client.id)
    client.register_plugin(_plugin(context, client.id, expected, token), name=name)
    try:
        yield
    finally:
        if client.status == "running":
            client.unregister_worker_plugin(name)


def _plugin(context: Context, client: str, expected: proof.Proof | None, token: str) -> Any:
    """Return the plugin as a subclass of Dask's, which is imported only here."""
    from distributed.diagnostics.plugin import WorkerPlugin

    # Dask tells a worker's plugin by its base class; the rest is ours.
    kind = type("SkanearkivPlugin", (ContextPlugin, WorkerPlugin), {})
    return kind(context, client, expected, token)


async def _others(dask_scheduler: Any, mine: str) -> list[str]:
    """Return runs that use the scheduler; clear away what killed ones left. Runs there."""
    living = []
    for name in list(dask_scheduler.worker_plugins):
        if not name.startswith(plugin_name("")) or name == plugin_name(mine):
            continue
        client = name.removeprefix(plugin_name(""))
        if client in dask_scheduler.clients:
            living.append(client)
        else:
            await dask_scheduler.unregister_worker_plugin(comm=None, name=name)
    return living
