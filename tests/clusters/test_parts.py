# SPDX-License-Identifier: AGPL-3.0-or-later
"""What clusters are made of: certificates, job scripts, resources, proofs, room."""

from __future__ import annotations

import os
import ssl
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from format_registry import policy
from pipeline.config.clusters import Kubernetes, Slurm
from pipeline.core.errors import ConfigError
from pipeline.execution import slots
from pipeline.execution.clusters import certs, kubernetes, proof, slurm
from pipeline.execution.room import Disks


def test_certificates_prove_both_sides_and_nobody_else(tmp_path: Path) -> None:
    certs.make(tmp_path / "ours", ("a", "b"))
    certs.make(tmp_path / "theirs")
    assert handshake(tmp_path / "ours" / "a", tmp_path / "ours" / "b") == ""
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(tmp_path / "ours" / "a", tmp_path / "theirs")


def test_keys_are_for_their_owner_alone_and_nothing_is_made_twice(tmp_path: Path) -> None:
    made = certs.make(tmp_path / "tls", ("a",))
    keys = [one for one in made if one.name.endswith("-key.pem")]
    assert len(keys) == 2
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in keys)
    assert certs.make(tmp_path / "tls", ("a",)) == []
    more = certs.make(tmp_path / "tls", ("a", "b"))
    assert {one.parent.name for one in more} == {"b"}
    assert handshake(tmp_path / "tls" / "a", tmp_path / "tls" / "b") == ""


def handshake(server: Path, client: Path) -> str:
    """Return what keeps two nodes from trusting each other, "" if nothing does."""
    sides = []
    for folder, purpose in ((server, ssl.Purpose.CLIENT_AUTH), (client, ssl.Purpose.SERVER_AUTH)):
        context = ssl.create_default_context(purpose, cafile=str(folder / "ca.pem"))
        context.check_hostname = False  # as Dask has it
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(folder / "node.pem", folder / "node-key.pem")
        sides.append(context)
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        sides[0].wrap_bio(one, other, server_side=True),
        sides[1].wrap_bio(other, one),
    ]
    waiting = set(ends)
    for _ in range(20):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.discard(end)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return str(error)
    return "" if not waiting else "no end"


def test_a_job_script_holds_what_is_described(tmp_path: Path) -> None:
    certs.make(tmp_path)
    hall = Slurm(
        jobs=2, slots=3, account="arkiv", partition="main", walltime="02:00:00", logs="/logs",
        prologue=("module load java",), directives=("--exclusive=user",), scratch="/local",
    )  # fmt: skip
    script = slurm.script(hall, tmp_path, tmp_path)
    for line in ("-p main", "-A arkiv", "-t 02:00:00", "--cpus-per-task=3", "--exclusive=user"):
        assert f"#SBATCH {line}" in script
    for part in ("module load java", "--nworkers 3", "--nthreads 1", "--lifetime 6480s",
                 "--lifetime-stagger 648s", "--local-directory /local", "--tls-cert"):  # fmt: skip
        assert part in script


def test_a_lifetime_beyond_the_walltime_is_refused(tmp_path: Path) -> None:
    certs.make(tmp_path)
    with pytest.raises(ConfigError, match="longer than the walltime"):
        slurm.options(Slurm(walltime="01:00:00", lifetime_minutes=60), tmp_path, tmp_path)


def test_the_kubernetes_resource_is_what_its_operator_takes() -> None:
    moln = Kubernetes(image="example/x", workers=4, volumes={"in": "/in", "ut": "/ut"}, secret="s")
    resource = kubernetes.spec(moln)
    assert kubernetes.check(resource) == []
    (container,) = resource["spec"]["worker"]["spec"]["containers"]
    assert {one["mountPath"] for one in container["volumeMounts"]} >= {"/in", "/ut"}
    resource["spec"]["worker"]["replicas"] = "four"
    assert any("replicas" in line for line in kubernetes.check(resource))


def test_each_thing_that_differs_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = policy.load(policy.default_path())
    here = proof.collect(ours)
    assert proof.differences(here, proof.collect(ours)) == ()
    assert "tools" not in here.found, here.found.get("tools")
    other = tmp_path / "policy.toml"
    other.write_text(policy.default_path().read_text(encoding="utf-8") + "\n#\n")
    monkeypatch.setenv(proof.POLICY, str(other))
    (line,) = proof.differences(here, proof.collect(ours))
    assert line.startswith("policy: ")
    older = replace(here, found={**here.found, "package pikepdf": "9.0", "signatures": "old"})
    lines = proof.differences(here, older)
    assert [line.partition(":")[0] for line in lines] == ["package pikepdf", "signatures"]
    assert "9.0 there" in lines[0]


def test_a_worker_must_see_the_coordinators_folder(tmp_path: Path) -> None:
    proof.mark(tmp_path, "token")
    assert proof.unseen(tmp_path, "token") == ()
    assert "another folder" in proof.unseen(tmp_path, "other")[0]
    assert "No such file" in proof.unseen(tmp_path / "away", "token")[0]


def test_with_too_little_memory_one_at_a_time_goes_on(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pipeline.execution import slots\n"
        "with slots.held(10**9, Path(sys.argv[1])):\n"
        "    log = open(Path(sys.argv[1], 'log'), 'a', buffering=1)\n"
        "    log.write('in\\n'); time.sleep(0.5); log.write('out\\n')\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [child.wait(timeout=60) for child in children] == [0, 0, 0]
    assert (tmp_path / "log").read_text().split() == ["in", "out"] * 3


def test_with_enough_memory_nobody_waits(tmp_path: Path) -> None:
    with slots.held(1, tmp_path) as one, slots.held(1, tmp_path) as other:
        assert max(one, other) < 0.2
    assert 0 < slots.available() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_a_control_groups_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 1\nfile 300000\n")
    assert slots.available(cgroup=tmp_path) == 400000


def test_disks_tell_when_they_pause_and_when_they_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    disks = Disks([tmp_path], 10**9, said.append)
    with pytest.raises(ConfigError, match="are free on the disk of"):
        disks.check()
    assert disks.paused
    assert "paused" in said[0]
    monkeypatch.setattr(disks, "_least", 1)
    time.sleep(1.1)
    assert not disks.paused
    assert "goes on" in said[-1]
    # A full disk that we do not see: tried again twice, then it is the file's outcome.
    assert [disks.met_full(7, "x") for _ in range(3)] == [True, True, False]
