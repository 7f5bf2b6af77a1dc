# SPDX-License-Identifier: AGPL-3.0-or-later
"""Metrics, log lines of a run's state, and the state file."""

from __future__ import annotations

import json
import socket
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.watching import Watching
from pipeline.core.errors import ConfigError
from pipeline.core.measuring import Measure
from pipeline.watching import state_file
from pipeline.watching.facts import Ended, RunInfo, State
from pipeline.watching.watch import watching

INFO = RunInfo(7, "Ärenden", "policy 1", "0.3.0", 2)
STATE = State(
    files=10, done=1, done_here=1, bytes_here=5, outcomes={"ok": 1}, left=12.0, window=4,
    in_flight=3, quarantine=0, paused=False, workers=2, refused=0, free={"/": 9},
)  # fmt: skip
FILE = Ended(
    4, "a/b.pdf", 5, "ok", "policy.migrated", "aa", "fmt/276",
    (Measure("migrate", "office_to_pdfa", 2.0, 1.0, 300), Measure("migrate", "", 2.1, 1.0, 300),
     Measure("file", "", 2.5, 1.0, 300)),
    "tcp://1#2", "host",
)  # fmt: skip


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def scraped(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_metrics_count_what_ended_and_follow_the_state(tmp_path: Path) -> None:
    port = free_port()
    with watching(Watching(str(port)), tmp_path, INFO, print) as watch:
        before = scraped(port)
        assert before['skanearkiv_files_total{outcome="ok"}'] == 0
        watch.ended(FILE)
        watch.started("w", (("libraries", 1),))
        watch.state(replace(STATE, restarts=watch.restarts))
        watch.started("w", (("libraries", 3),))
        watch.state(replace(STATE, paused=True, refused=2, restarts=watch.restarts))
        after = scraped(port)
    assert after['skanearkiv_files_total{outcome="ok"}'] == 1
    assert after['skanearkiv_bytes_total{outcome="ok"}'] == 5
    assert after['skanearkiv_stage_seconds_count{stage="migrate"}'] == 1
    assert after['skanearkiv_stage_seconds_sum{stage="migrate"}'] == pytest.approx(2.1)
    tool = 'skanearkiv_tool_peak_memory_bytes{stage="migrate",tool="office_to_pdfa"}'
    assert after[tool] == 300
    assert after['skanearkiv_warm_restarts_total{server="libraries"}'] == 2
    assert after["skanearkiv_refused_workers_total"] == 2
    assert after["skanearkiv_paused"] == 1
    assert after["skanearkiv_window"] == 4
    assert after["skanearkiv_in_flight"] == 3
    assert after["skanearkiv_pending_files"] == 9
    assert after['skanearkiv_free_disk_bytes{place="/"}'] == 9
    # Ended with the run: the port can be had again.
    with watching(Watching(str(port)), tmp_path, INFO, print):
        assert scraped(port)


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        asked = Watching(f"127.0.0.1:{port}")
        with pytest.raises(ConfigError, match=str(port)), watching(asked, tmp_path, INFO, print):
            pass


@pytest.mark.parametrize("text", ["x", "host:", "0", "70000", "a:b"])
def test_an_address_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="PORT"):
        Watching(text).address()


def test_an_address_may_be_a_port_alone_or_ipv6() -> None:
    assert Watching("9464").address() == ("127.0.0.1", 9464)
    assert Watching("[::1]:9464").address() == ("::1", 9464)
    assert Watching().address() is None


def test_the_log_tells_of_changes(tmp_path: Path) -> None:
    with watching(Watching(), tmp_path, INFO, print) as watch:
        watch.state(STATE)
        watch.state(STATE)
        watch.state(replace(STATE, paused=True))
        watch.state(replace(STATE, quarantine=2))
        watch.ended(FILE)
        watch.status = "done"
    path = tmp_path / "log" / "run-7.jsonl"
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    events = [one["event"] for one in told]
    assert events == [
        "run_start", "workers", "paused", "resumed", "quarantine", "file", "run_end",
    ]  # fmt: skip
    file = told[5]
    assert file["seconds"] == {"migrate": 2.1}
    assert file["stage"] == "migrate"
    assert file["peak_memory"] == 300
    assert told[-1]["status"] == "done"


def test_what_stops_a_run_is_the_last_line(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), watching(Watching(), tmp_path, INFO, print):
        raise RuntimeError("the disk is away")
    last = (tmp_path / "log" / "run-7.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["status"] == "stopped"
    assert "the disk is away" in last


def test_the_state_file_is_there_while_the_run_is(tmp_path: Path) -> None:
    with watching(Watching(), tmp_path, INFO, print) as watch:
        watch.state(STATE)
        found = state_file.read(tmp_path, 7)
        assert found["window"] == 4
        assert state_file.read(tmp_path, 8) == {}
    assert state_file.read(tmp_path, 7) == {}
    assert not (tmp_path / state_file.NAME).exists()
