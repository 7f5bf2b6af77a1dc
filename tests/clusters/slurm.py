# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real Slurm: one slurmctld here, one slurmd on each host (slurm.conf(5))."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clusters.hosts import HERE, Host, end, until

_CONF = """\
ClusterName=skanearkiv
SlurmctldHost={machine}({here})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={short}/munge.socket
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/state
SlurmdSpoolDir={short}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
SlurmdTimeout=30
MailProg=/bin/true
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm(folder: Path, hosts: list[Host]) -> Iterator[dict[str, str]]:
    """Yield the environment in which Slurm's commands reach the cluster."""
    folder.mkdir(mode=0o755)
    (folder / "state").mkdir()
    # The path of a socket has 108 bytes (unix(7)), and pytest's folders take most of them.
    with tempfile.TemporaryDirectory(
        prefix="skn-", dir="/tmp", ignore_cleanup_errors=True
    ) as short:
        os.chmod(short, 0o755)
        yield from _running(folder, Path(short), hosts)


def _running(folder: Path, short: Path, hosts: list[Host]) -> Iterator[dict[str, str]]:
    nodes = "\n".join(
        f"NodeName={one.name} NodeHostname={socket.gethostname()} NodeAddr={one.address} "
        "CPUs=1 RealMemory=9000 State=UNKNOWN"
        for one in hosts
    )
    conf = folder / "slurm.conf"
    conf.write_text(
        _CONF.format(
            machine=socket.gethostname(), here=HERE, folder=folder, short=short, nodes=nodes
        )
    )
    env = {"SLURM_CONF": str(conf)}
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    children = [_start(folder, "munged", *_munged(folder, short, key))]
    try:
        until("munge's socket", (short / "munge.socket").exists)
        children.append(_start(folder, "slurmctld", "slurmctld", "-D", "-f", str(conf)))
        for one in hosts:
            log = str(folder / f"start-{one.name}.log")
            one.start("slurmd", "-D", "-N", one.name, "-f", str(conf), env=env, log=log)
        until("the nodes", lambda: _idle(env) == len(hosts))
        yield env
    finally:
        for child in reversed(children):
            end(child)


def _munged(folder: Path, short: Path, key: Path) -> list[str]:
    return [
        "munged", "--foreground", "--force", f"--key-file={key}",
        f"--socket={short}/munge.socket", f"--pid-file={folder}/munged.pid",
        f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed",
    ]  # fmt: skip


def _start(folder: Path, name: str, *argv: str) -> subprocess.Popen[bytes]:
    with (folder / f"start-{name}.log").open("wb") as log:
        return subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)


def _idle(env: dict[str, str]) -> int:
    listed = subprocess.run(
        ["sinfo", "--noheader", "--Node", "--format=%N %t"], env={**os.environ, **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return listed.stdout.split().count("idle")


def jobs(env: dict[str, str]) -> list[str]:
    """Return the numbers of the jobs that run."""
    listed = subprocess.run(
        ["squeue", "--noheader", "--states=RUNNING", "--format=%i"], env={**os.environ, **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.returncode == 0, f"squeue: {listed.stderr.strip()}"
    return listed.stdout.split()


def cancel(env: dict[str, str], job: str) -> None:
    """Cancel a job."""
    subprocess.run(["scancel", job], env={**os.environ, **env}, check=True)
