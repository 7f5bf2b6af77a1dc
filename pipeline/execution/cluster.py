# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the work runs: a Dask cluster of this machine, one thread a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.execution.tasks import ContextPlugin
from pipeline.steps.jobs import Context

# A task that two workers died of goes to quarantine; Dask's own default of three only
# costs a third worker. Profiling every 10 ms costs and nobody reads it here.
_DASK = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "30s",
    "distributed.logging.distributed": "error",
}


@contextmanager
def local(workers: int, context: Context, scratch: Path) -> Iterator[tuple[Any, str]]:
    """Yield (client, dashboard address) of a cluster that ends with the block."""
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set(_DASK):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit="auto",
            dashboard_address="127.0.0.1:0",
            host="127.0.0.1",
            local_directory=os.fspath(scratch),
            silence_logs=50,
        )
        try:
            client = Client(cluster)
            try:
                client.register_plugin(_plugin(context))
                yield client, str(cluster.dashboard_link)
            finally:
                client.close()
        finally:
            cluster.close()


def _plugin(context: Context) -> Any:
    """Return the plugin as a subclass of Dask's, which is imported only here."""
    from distributed.diagnostics.plugin import WorkerPlugin

    # Dask tells a worker's plugin by its base class; the rest is ours.
    return type("SkanearkivPlugin", (ContextPlugin, WorkerPlugin), {})(context)
