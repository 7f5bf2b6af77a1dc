# SPDX-License-Identifier: AGPL-3.0-or-later
"""Workers on hosts that OpenSSH reaches, each kept up for as long as the run goes on.

Dask's own SSHCluster starts each worker once: one that is lost, or whose host is away when
the run begins, never comes back. And the OpenSSH program follows the operator's own
configuration (hosts' names, jump hosts, keys, known hosts).
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.config.clusters import Ssh
from pipeline.core.bounded import Tail
from pipeline.core.errors import ToolMissingError
from pipeline.execution.clusters.base import (
    WORKER_ENV,
    Joined,
    configured,
    connected,
    security,
    worker_command,
)
from pipeline.execution.progress import Say

# A connection that is dead for a minute is given up, so that another can be made.
_OPTIONS = (
    "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15",
    "-o", "ServerAliveCountMax=4",
)  # fmt: skip
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 60.0


@contextmanager
def opened(cluster: Ssh, tls: Path, say: Say) -> Iterator[Joined]:
    """Yield a cluster whose scheduler is here. Raises ToolMissingError."""
    from distributed import LocalCluster

    if shutil.which("ssh") is None:
        raise ToolMissingError("ssh", "install it with: apt-get install openssh-client")
    reached = {"host": cluster.contact} if cluster.contact else {"interface": cluster.interface}
    with configured(), ExitStack() as ending:
        scheduler = LocalCluster(
            n_workers=0,
            protocol="tls://",
            security=security(tls),
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
            **{key: value for key, value in reached.items() if value},
        )
        ending.callback(scheduler.close)
        client = ending.enter_context(connected(scheduler))
        command = worker_command(
            cluster.python or sys.executable, scheduler.scheduler_address, cluster.slots, tls,
            cluster.scratch, cluster.memory_mib, cluster.lifetime_minutes * 60,
        )  # fmt: skip
        # Registered last: the hosts are told to stop before their scheduler goes.
        for host in cluster.hosts:
            keeper = _Keeper(
                host, ["ssh", *_OPTIONS, *cluster.options, host, _remote(command)], say
            )
            ending.callback(keeper.stop)
        yield Joined(client, str(scheduler.dashboard_link), len(cluster.hosts) * cluster.slots)


def _remote(command: list[str]) -> str:
    return shlex.join(["env", *(f"{name}={value}" for name, value in WORKER_ENV.items()), *command])


class _Keeper(threading.Thread):
    """One host's connection, made again whenever it ends."""

    def __init__(self, host: str, argv: list[str], say: Say) -> None:
        super().__init__(name=f"ssh {host}", daemon=True)
        self._host = host
        self._argv = argv
        self._say = say
        self._ending = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self.start()

    def run(self) -> None:
        """Keep the host's workers up until `stop`."""
        wait = _FIRST_WAIT
        while not self._ending.is_set():
            # A session of its own: Ctrl-C is for the coordinator to understand.
            self._child = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            tail = Tail(self._child)
            started = threading.Event()
            timer = threading.Timer(_LONGEST_WAIT, started.set)
            timer.daemon = True
            timer.start()
            code = self._child.wait()
            timer.cancel()
            if self._ending.is_set():
                return
            wait = _FIRST_WAIT if started.is_set() else min(wait * 2, _LONGEST_WAIT)
            last = tail.text().strip().splitlines()[-1:] or ["it printed nothing"]
            self._say(
                f"the workers on {self._host} have ended (ssh: {code}; {last[0][:200]}); "
                f"started again in {wait:.0f} s"
            )
            self._ending.wait(wait)

    def stop(self) -> None:
        """End the connection; the workers end with their scheduler, or before."""
        self._ending.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
        self.join(timeout=10)
