# SPDX-License-Identifier: AGPL-3.0-or-later
"""Workers on this machine, one thread each, reached over loopback alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.config.clusters import Local
from pipeline.execution.clusters.base import Joined, configured, connected


def count(cluster: Local) -> int:
    """Return how many workers to start: as asked, or one per core that we may use."""
    return cluster.workers or len(os.sched_getaffinity(0))


@contextmanager
def opened(cluster: Local, scratch: Path) -> Iterator[Joined]:
    """Yield a cluster that ends with the block. `scratch`: for Dask's own files."""
    from distributed import LocalCluster

    workers = count(cluster)
    with configured():
        own = LocalCluster(
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
            with connected(own) as client:
                yield Joined(client, str(own.dashboard_link), workers)
        finally:
            own.close()
