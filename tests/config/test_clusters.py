# SPDX-License-Identifier: AGPL-3.0-or-later
"""Descriptions of clusters: what is accepted, and what each mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import clusters
from pipeline.config.clusters import Address, Kubernetes, Local, Slurm, Ssh
from pipeline.core.errors import ConfigError

_FILE = """
[hall]
kind = "slurm"
jobs = 3
slots = 2
walltime = "1-06:00:00"

[kontor]
kind = "ssh"
hosts = ["a", "b"]

[moln]
kind = "kubernetes"
image = "example/skanearkiv"

["nära"]
kind = "local"
workers = 2
"""


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "clusters.toml"
    path.write_text(_FILE, encoding="utf-8")
    monkeypatch.setenv("SKANEARKIV_CLUSTERS", str(path))
    return path


def test_a_name_means_what_is_described(described: Path) -> None:
    assert clusters.find("hall") == Slurm(jobs=3, slots=2, walltime="1-06:00:00")
    assert clusters.find("kontor") == Ssh(hosts=("a", "b"))
    assert isinstance(clusters.find("moln"), Kubernetes)
    assert clusters.find("nära") == Local(workers=2)
    assert clusters.find("local") == Local()


def test_an_address_or_scheduler_file_needs_no_description(described: Path) -> None:
    assert clusters.find("tls://10.0.0.5:8786") == Address(address="tls://10.0.0.5:8786")
    assert clusters.find("tcp://127.0.0.1:8786") == Address(address="tcp://127.0.0.1:8786")
    assert clusters.find("tcp://[::1]:8786").address == "tcp://[::1]:8786"  # type: ignore[attr-defined]
    assert isinstance(clusters.find("/shared/scheduler.json"), Address)


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", "tcp://arkiv:8786", "tcp://0.0.0.0:1"])
def test_what_leaves_the_machine_is_encrypted(address: str) -> None:
    with pytest.raises(ConfigError, match="use tls://"):
        clusters.find(address)
    assert clusters.checked(Address(address=address, insecure=True), "x").address == address  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\nkind = "slrum"', "kind must be one of local, address, slurm"),
        ('[a]\nkind = "slurm"\njob = 2', "did you mean 'jobs'"),
        ('[a]\nkind = "slurm"\nwalltime = "soon"', "no time that Slurm knows"),
        ('[a]\nkind = "slurm"\njobs = 0', "jobs must be at least 1"),
        ('[a]\nkind = "ssh"', "hosts is empty"),
        ('[a]\nkind = "kubernetes"', "image is missing"),
        ('[a]\nkind = "address"', "either address or scheduler_file"),
        ('[a]\nkind = "address"\naddress = "http://x"', "is not tcp://HOST:PORT"),
        ("a = 3", "a table is expected"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "clusters.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        clusters.find("a", path)


def test_an_unknown_name_tells_the_known_ones(described: Path) -> None:
    with pytest.raises(ConfigError, match="hall, kontor, moln, nära"):
        clusters.find("hal")


@pytest.mark.parametrize(
    ("walltime", "seconds"),
    [("30", 1800), ("30:15", 1815), ("2:00:05", 7205), ("1-2", 93600), ("1-02:03:04", 93784)],
)
def test_slurms_times(walltime: str, seconds: int) -> None:
    assert clusters.seconds(walltime) == seconds
