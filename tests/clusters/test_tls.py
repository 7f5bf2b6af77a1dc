# SPDX-License-Identifier: AGPL-3.0-or-later
"""A scheduler and workers that somebody else started, over encrypted connections alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from format_registry.policy import default_path
from pipeline.execution.clusters import certs
from tests.clusters import runs
from tests.clusters.hosts import Host, needed, network, until
from tests.system.deliveries import COMMAND, finished

_PORT = 18786


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    needed()
    with network("skn-a", "skn-b") as two:
        yield two


def scheduler(host: Host, tls: Path, log: Path) -> str:
    """Start a scheduler on a host; return its address."""
    host.start(
        *COMMAND, "cluster", "scheduler", "--tls", str(tls), "--host", host.address,
        "--port", str(_PORT), "--scheduler-file", str(log.parent / "scheduler.json"),
        log=str(log),
    )  # fmt: skip
    until("the scheduler", (log.parent / "scheduler.json").exists)
    return f"tls://{host.address}:{_PORT}"


def workers(host: Host, address: str, tls: Path, log: Path, *more: str) -> None:
    """Start a host's workers, and start them again when they end, as a service manager would."""
    again = 'while :; do "$@"; sleep 1; done'
    command = [*COMMAND, "cluster", "worker", address, "--tls", str(tls), "--slots", "1", *more]
    host.start("sh", "-c", again, "sh", *command, log=str(log))


def test_a_run_over_tls_ends_like_one_at_home(
    delivery: Path, undisturbed: Path, tmp_path: Path, hosts: list[Host]
) -> None:
    out, tls = tmp_path / "ut", tmp_path / "tls"
    certs.make(tls, ("a", "b", "here"))
    address = scheduler(hosts[0], tls / "a", tmp_path / "scheduler.log")
    for host, name in zip(hosts, "ab", strict=True):
        workers(host, address, tls / name, tmp_path / f"{name}.log")
    # Whoever has no certificate is nobody, whatever the scheme.
    for given in (address.replace("tls", "tcp"), address):
        code, said = ask(given)
        assert code == 2, said
    assert refused_by_dask(address.replace("tls", "tcp"))
    child = runs.start(delivery, out, address, "--tls", str(tls / "here"))
    try:
        # The scheduler's own host has one worker beside it.
        runs.bereave(child, out, hosts[1], hosts[0])
        code, said = runs.ended(child, out, 600)
    finally:
        if child.poll() is None:
            child.kill()
    assert code == 1, said
    runs.same(out, undisturbed)


def ask(address: str) -> tuple[int, str]:
    """Try a run without certificates."""
    environ = {key: value for key, value in os.environ.items() if key != "SKANEARKIV_TLS"}
    done = subprocess.run(
        [*COMMAND, "run", str(Path(__file__).parent), "--out", "/nonexistent/ut",
         "--cluster", address],
        capture_output=True, text=True, env=environ, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def refused_by_dask(address: str) -> bool:
    """Whether the scheduler itself turns away a client that does not encrypt."""
    code = (
        "import sys; from distributed import Client\n"
        "try: Client(sys.argv[1], timeout='10s')\n"
        "except (OSError, TimeoutError): sys.exit(7)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, address], capture_output=True, timeout=120, check=False
    )
    return done.returncode == 7


def test_workers_of_another_policy_are_refused_by_name(tmp_path: Path, hosts: list[Host]) -> None:
    source, out, tls = tmp_path / "in", tmp_path / "ut", tmp_path / "tls"
    source.mkdir()
    (source / "a.txt").write_text("Beslut\n")
    other = tmp_path / "other.toml"
    other.write_text(default_path().read_text(encoding="utf-8") + "\n# changed\n")
    certs.make(tls)
    address = scheduler(hosts[0], tls, tmp_path / "scheduler.log")
    workers(hosts[1], address, tls, tmp_path / "b.log", "--policy", str(other))
    child = runs.start(source, out, address, "--tls", str(tls))
    code, said = runs.ended(child, out, 300)
    assert code == 2, said
    assert "refused" in said
    assert "policy" in said
    assert finished(out) == 0
    # Beside one that is alike, the other is told and does nothing.
    workers(hosts[0], address, tls, tmp_path / "a.log")
    child = runs.start(source, out, address, "--tls", str(tls))
    code, said = runs.ended(child, out, 300)
    assert code == 0, said
