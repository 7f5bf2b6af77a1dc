# SPDX-License-Identifier: AGPL-3.0-or-later
"""A run that is watched: log, metrics, `status --watch`."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.ledger.connection import open_reader
from pipeline.watching.state_file import NAME
from tests.cli.test_commands import command, policy
from tests.contract.samples import xml
from tests.system.deliveries import COMMAND


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "delivery"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.xml").write_bytes(xml() + f"<!-- {number} -->".encode())
    (folder / "empty.txt").touch()
    return folder


def run(delivery: Path, out: Path, *more: str) -> list[str | Path]:
    return [
        *COMMAND, "run", delivery, "--out", out, "--policy", policy(delivery.parent), "--workers",
        "1", "--json", *more,
    ]  # fmt: skip


def test_status_follows_a_run_to_its_end(delivery: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(run(delivery, out), stdout=subprocess.PIPE) as child:
        end = time.monotonic() + 60
        while not (out / NAME).exists() and child.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        shown = command("status", out, "--watch", "--interval", "0.5")
    assert child.returncode == shown.returncode == 1  # the empty file needs attention
    last = shown.stdout.splitlines()[-1]
    assert last.startswith("31/31 files")
    assert "empty 1" in last
    assert "ok 30" in last
    assert not (out / NAME).exists()
    told = [json.loads(line) for line in (out / "log" / "run-1.jsonl").open(encoding="utf-8")]
    files = [one for one in told if one["event"] == "file"]
    assert sorted(one["path"] for one in files) == sorted(p.name for p in delivery.iterdir())
    (kept, *_) = [one for one in files if one["outcome"] == "ok"]
    assert kept["worker"].startswith("tcp://")
    assert kept["host"]
    assert kept["stage"] == "validate"
    assert kept["peak_memory"] > 1_000_000
    assert set(kept["seconds"]) == {"snapshot", "validate"}
    assert (told[0]["event"], told[-1]["event"]) == ("run_start", "run_end")
    assert told[-1]["status"] == "done"
    db = open_reader(out)
    (count,) = db.execute("SELECT sum(count) FROM measures WHERE stage = 'file'").fetchone()
    assert count == 30
    db.close()


def test_a_run_that_is_over_is_shown_once(delivery: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "a" / "log.jsonl"
    (delivery / "empty.txt").unlink()
    assert subprocess.run(run(delivery, out, "--log", str(log)), check=False).returncode == 0
    assert log.exists()
    shown = command("status", out, "--watch")
    assert shown.returncode == 0
    assert len(shown.stdout.splitlines()) == 1
    state = json.loads(command("status", out, "--json").stdout)
    assert state["left_seconds"] is None


def test_ctrl_c_ends_the_watching_quietly(delivery: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(run(delivery, out), stdout=subprocess.DEVNULL) as child:
        while not (out / NAME).exists() and child.poll() is None:
            time.sleep(0.05)
        watching = subprocess.Popen(
            [*COMMAND, "status", out, "--watch", "--interval", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert watching.stdout is not None
        assert watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, told = watching.communicate(timeout=30)
    assert (watching.returncode, told) in ((0, ""), (1, ""))


def test_metrics_that_cannot_be_had_are_told(delivery: Path, tmp_path: Path) -> None:
    found = command(*run(delivery, tmp_path / "out", "--metrics", "nowhere:port")[len(COMMAND) :])
    assert found.returncode == 2
    assert "metrics" in found.stderr


def test_premis_is_written_when_it_does_not_hold(delivery: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    subprocess.run(run(delivery, out), check=False, stdout=subprocess.DEVNULL)
    first = (out / "premis.xml").stat().st_ino
    assert command("report", out).returncode == 0
    assert (out / "premis.xml").stat().st_ino == first
    assert command("report", out, "--premis").returncode == 0
    assert (out / "premis.xml").stat().st_ino != first
    (out / "premis.xml").unlink()
    assert command("report", out).returncode == 0
    assert (out / "premis.xml").exists()
