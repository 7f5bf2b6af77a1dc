# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run on Slurm that loses a job, a worker, a link and each worker's lifetime."""

from __future__ import annotations

import time
from pathlib import Path

from tests.clusters import runs
from tests.clusters.hosts import INTERFACE, needed, network, until
from tests.clusters.slurm import cancel, jobs, slurm

_CLUSTER = """
[hall]
kind = "slurm"
jobs = 2
slots = 1
partition = "main"
walltime = "00:03:00"
lifetime_minutes = 0.75
stagger_minutes = 0.15
memory_mib = 3000
interface = "{interface}"
prologue = ["export SKANEARKIV_TEST_PROLOGUE=1"]
logs = "{logs}"
"""


def test_a_run_on_slurm_ends_like_one_at_home(
    delivery: Path, undisturbed: Path, tmp_path: Path
) -> None:
    needed("slurmctld", "slurmd", "sbatch", "munged")
    out = tmp_path / "ut"
    (tmp_path / "clusters.toml").write_text(
        _CLUSTER.format(interface=INTERFACE, logs=tmp_path), encoding="utf-8"
    )
    with network("skn-a", "skn-b") as hosts, slurm(tmp_path / "slurm", hosts) as env:
        own = {**env, "SKANEARKIV_CLUSTERS": str(tmp_path / "clusters.toml")}
        child = runs.start(delivery, out, "hall", env=own)
        try:
            began = time.monotonic()
            until("both hosts' workers", lambda: all(runs.workers(h.name) for h in hosts), 120)
            runs.bereave(child, out, hosts[0], hosts[1])
            until("a job", lambda: jobs(env))
            cancel(env, jobs(env)[-1])
            assert child.poll() is None, "it ended before the job was cancelled"
            code, said = runs.ended(child, out, 600)
        finally:
            if child.poll() is None:
                child.kill()
        seconds = time.monotonic() - began
    assert code == 1, said
    assert seconds > 0.75 * 60, f"{seconds:.0f} s: no worker came to the end of its lifetime"
    runs.same(out, undisturbed)
