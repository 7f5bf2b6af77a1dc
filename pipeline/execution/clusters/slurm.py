# SPDX-License-Identifier: AGPL-3.0-or-later
"""Jobs of Slurm, by dask-jobqueue: one module for a scheduler that has a dozen relatives."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.config.clusters import Slurm, seconds
from pipeline.core.errors import ConfigError, ToolMissingError
from pipeline.execution.clusters.base import WORKER_ENV, Joined, configured, connected, security

# A worker whose scheduler is gone ends its job after this; a node that is slow to mount or
# to load Python needs some of it.
_DEATH_TIMEOUT = 120


def options(cluster: Slurm, tls: Path, scratch: Path) -> dict[str, Any]:
    """Return the arguments for SLURMCluster (jobqueue.dask.org). Raises ConfigError."""
    walltime = seconds(cluster.walltime)
    lifetime = cluster.lifetime_minutes * 60 or walltime * 0.9
    stagger = cluster.stagger_minutes * 60 or lifetime * 0.1
    if lifetime + stagger > walltime:
        raise ConfigError(
            f"lifetime and stagger ({lifetime + stagger:.0f} s) are longer than the walltime "
            f"({walltime} s): the jobs would be killed in the middle of their work"
        )
    exports = [f"export {name}={value}" for name, value in WORKER_ENV.items()]
    return {
        "cores": cluster.slots,
        "processes": cluster.slots,
        "memory": f"{cluster.slots * cluster.memory_mib} MiB",
        "queue": cluster.partition or None,
        "account": cluster.account or None,
        "walltime": cluster.walltime,
        "interface": cluster.interface or None,
        "protocol": "tls://",
        "security": security(tls),
        "local_directory": cluster.scratch or os.fspath(scratch),
        "log_directory": cluster.logs or os.fspath(scratch),
        "python": cluster.python or sys.executable,
        "job_name": "skanearkiv",
        "death_timeout": _DEATH_TIMEOUT,
        "job_script_prologue": [*exports, *cluster.prologue],
        "job_extra_directives": list(cluster.directives),
        "worker_extra_args": [
            "--lifetime", f"{lifetime:.0f}s", "--lifetime-stagger", f"{stagger:.0f}s",
            "--no-dashboard",
        ],
        "scheduler_options": {"dashboard_address": "127.0.0.1:0"},
        "silence_logs": 50,
    }  # fmt: skip


@contextmanager
def opened(cluster: Slurm, tls: Path, scratch: Path) -> Iterator[Joined]:
    """Yield a cluster of jobs that are cancelled with the block's end.

    Raises ConfigError, ToolMissingError.
    """
    from dask_jobqueue.slurm import SLURMCluster

    for program in ("sbatch", "scancel"):
        if shutil.which(program) is None:
            raise ToolMissingError(program, "install it with: apt-get install slurm-client")
    scratch.mkdir(parents=True, exist_ok=True)
    with configured():
        jobs = SLURMCluster(**options(cluster, tls, scratch))
        try:
            # `scale` does not replace a job that was cancelled; equal bounds do (a job that
            # scancel took was back within 18 s).
            jobs.adapt(minimum_jobs=cluster.jobs, maximum_jobs=cluster.jobs, interval="5s")
            with connected(jobs) as client:
                yield Joined(client, str(jobs.dashboard_link), cluster.jobs * cluster.slots)
        finally:
            jobs.close()


def script(cluster: Slurm, tls: Path, scratch: Path) -> str:
    """Return the job script as it would be submitted. Raises ConfigError."""
    from dask_jobqueue.slurm import SLURMJob

    given = options(cluster, tls, scratch)
    for name in ("scheduler_options", "silence_logs"):
        del given[name]
    return str(SLURMJob("tls://COORDINATOR:PORT", name="skanearkiv", **given).job_script())
