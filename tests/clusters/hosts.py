# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hosts that are network namespaces on a bridge: a cable that can be pulled."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import pytest

# The interface has the same name on every host, as on a cluster of equal machines.
INTERFACE = "skn0"
NETWORK = "10.213.7"
HERE = f"{NETWORK}.1"


@dataclass
class Host:
    """One namespace; `children` are processes that were started in it."""

    name: str
    address: str
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def enter(self, *argv: str) -> list[str]:
        """Return a command that runs there (`ip netns exec` would hide control groups)."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *argv]

    def start(self, *argv: str, env: dict[str, str] | None = None, log: str = "") -> None:
        """Start a process there that ends with the host."""
        out = open(log, "ab") if log else subprocess.DEVNULL  # noqa: SIM115
        self.children.append(
            subprocess.Popen(
                self.enter(*argv), env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
            )
        )  # fmt: skip

    def pull(self) -> None:
        """Cut the link."""
        _ip("link", "set", f"v-{self.name}", "down")

    def plug(self) -> None:
        """Join it again."""
        _ip("link", "set", f"v-{self.name}", "up")


def needed(*programs: str) -> None:
    """Skip, loudly, where hosts cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("making network namespaces needs root")
    missing = [one for one in ("ip", "nsenter", *programs) if shutil.which(one) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing; install the packages of packages-test.apt")


@contextmanager
def network(*names: str) -> Iterator[list[Host]]:
    """Yield hosts of these names on a bridge with this machine."""
    made: list[Host] = []
    _away(*names)
    _ip("link", "add", INTERFACE, "type", "bridge")
    try:
        _ip("addr", "add", f"{HERE}/24", "dev", INTERFACE)
        _ip("link", "set", INTERFACE, "up")
        for number, name in enumerate(names, 11):
            host = Host(name, f"{NETWORK}.{number}")
            made.append(host)
            _ip("netns", "add", name)
            _ip(
                "link", "add", f"v-{name}", "type", "veth", "peer", "name", INTERFACE, "netns", name
            )
            _ip("link", "set", f"v-{name}", "master", INTERFACE, "up")
            inside = ("-n", name)
            _ip(*inside, "addr", "add", f"{host.address}/24", "dev", INTERFACE)
            _ip(*inside, "link", "set", INTERFACE, "up")
            _ip(*inside, "link", "set", "lo", "up")
        yield made
    finally:
        for host in made:
            for child in host.children:
                end(child)
        _away(*names)


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill a process and everything below it."""
    if child.poll() is None:
        below = psutil.Process(child.pid).children(recursive=True)
        child.terminate()
        try:
            child.wait(timeout=3)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for one in below:
            if one.is_running():
                one.kill()


def until(what: str, found: object, seconds: float = 60) -> None:
    """Wait until a callable returns something true."""
    limit = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < limit, f"{what} did not come about in {seconds:.0f} s"
        time.sleep(0.1)


def _away(*names: str) -> None:
    for name in names:
        # The kernel takes a namespace apart after `ip netns del` has returned, and not before
        # the last process has left it; the cable's own end goes at once.
        _ip("link", "del", f"v-{name}", check=False)
        _ip("netns", "del", name, check=False)
    _ip("link", "del", INTERFACE, check=False)


def _ip(*argv: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *argv], check=False, capture_output=True, text=True)
    assert done.returncode == 0 or not check, f"ip {' '.join(argv)}: {done.stderr.strip()}"
