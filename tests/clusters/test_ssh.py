# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run on hosts that a real sshd lets in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.core.warm import package_root
from tests.clusters import runs
from tests.clusters.hosts import HERE, Host, needed, network, until

_SSHD = """\
ListenAddress {address}:22
HostKey {folder}/host
AuthorizedKeysFile {folder}/own.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""
_CLUSTER = """
[skrivbord]
kind = "ssh"
hosts = [{hosts}]
slots = 1
contact = "{here}"
python = "{python}"
memory_mib = 3000
options = ["-i", "{folder}/own", "-o", "UserKnownHostsFile={folder}/known", "-F", "none"]
"""


def _keys(folder: Path, hosts: list[Host]) -> None:
    for name in ("host", "own"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    public = (folder / "host.pub").read_text()
    (folder / "known").write_text("".join(f"{one.address} {public}" for one in hosts))


def test_a_run_over_ssh_ends_like_one_at_home(
    delivery: Path, undisturbed: Path, tmp_path: Path
) -> None:
    needed("ssh", "ssh-keygen", "/usr/sbin/sshd")
    out = tmp_path / "ut"
    # The interpreter as hosts know it: with the package on its path.
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncd "{package_root()}" && exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)
    with network("skn-a", "skn-b") as hosts:
        _keys(tmp_path, hosts)
        for host in hosts:
            conf = tmp_path / f"sshd-{host.name}"
            conf.write_text(_SSHD.format(address=host.address, folder=tmp_path))
            host.start("/usr/sbin/sshd", "-D", "-e", "-f", str(conf), log=f"{conf}.log")
        (tmp_path / "clusters.toml").write_text(
            _CLUSTER.format(
                hosts=", ".join(f'"{one.address}"' for one in hosts), here=HERE, python=python,
                folder=tmp_path,
            ),
            encoding="utf-8",
        )  # fmt: skip
        own = {"SKANEARKIV_CLUSTERS": str(tmp_path / "clusters.toml")}
        child = runs.start(delivery, out, "skrivbord", env=own)
        try:
            until("both hosts' workers", lambda: all(runs.workers(h.name) for h in hosts), 120)
            runs.bereave(child, out, hosts[0], hosts[1])
            code, said = runs.ended(child, out, 600)
        finally:
            if child.poll() is None:
                child.kill()
    assert code == 1, said
    runs.same(out, undisturbed)
