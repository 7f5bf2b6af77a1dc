# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv bench` with the real run, on a few small files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import corpus, results
from benchmarks.one_run import COMMAND, Asked, measure
from benchmarks.processes import Watched
from pipeline.core.errors import ConfigError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench") / "in"
    made.mkdir()
    for number in range(6):
        (made / f"ärende {number}.json").write_text(json.dumps({"nummer": number}))
    (made / "kopia.json").write_text(json.dumps({"nummer": 0}))
    (made / "tom.txt").touch()
    return made


def bench(*words: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [*COMMAND, "bench", *words, "--json"], capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_scaling_tells_all_that_a_reader_needs(folder: Path, tmp_path: Path) -> None:
    words = ("scaling", str(folder), "--workers", "2", "--repeat", "1", "--results", str(tmp_path))
    code, made, said = bench(*words)
    assert code == 0, said
    assert [one["workers"] for one in made["scaling"]] == [1, 2]
    assert made["scaling"][0]["speedup"]["median"] == 1
    assert made["corpus"] == corpus.described(folder)
    for run in made["repetitions"]:
        assert run["outcomes"] == {"ok": 7, "empty": 1}
        assert sum(run["phases"].values()) == pytest.approx(run["wall_seconds"], abs=0.2)
        assert run["cpu_seconds"]["all"] == pytest.approx(
            sum(run["cpu_seconds"][name] for name in ("coordinator", "workers", "tools")), abs=0.1
        )
        assert run["yardstick"] > 0
    assert sum(row["files"] for row in made["mix"]) == 8
    assert sum(row["copies"] for row in made["mix"]) == 1
    # Each file that was worked on, in both runs; not the copy.
    assert {len(one["times"]) for one in made["files"].values()} == {2}
    assert len(made["files"]) == 7
    assert results.read(tmp_path / "scaling.json") == made
    for name in ("scaling.md", "scaling.png", "scaling.svg", "sizes.png"):
        assert (tmp_path / name).stat().st_size > 200, name


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    code, _, said = bench("run", str(tmp_path / "nowhere"), "--results", str(tmp_path / "r"))
    assert code == 2
    assert "nowhere" in said
    assert not (tmp_path / "r").exists()


def test_processor_time_of_what_nobody_reaps_is_counted() -> None:
    # The grandchild is killed with its namespace: getrusage(2) of its parents would not tell.
    spin = "import time\nwhile time.process_time() < 1: pass\ntime.sleep(60)"
    code = (
        "import subprocess, sys, time\n"
        f"one = subprocess.Popen([sys.executable, '-c', {spin!r}])\n"
        "time.sleep(2.5)\none.kill()"
    )
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", code]
    watched = Watched(command, subprocess.DEVNULL, {})
    watched.wait()
    assert watched.child.returncode == 0
    assert watched.cpu["all"] == pytest.approx(1.0, abs=0.4)
    assert watched.cpu["tools"] == pytest.approx(1.0, abs=0.4)


def test_a_pinned_run_has_as_many_cores_as_workers(folder: Path, tmp_path: Path) -> None:
    ran = measure(Asked(folder, 1, pinned=True), tmp_path / "out")
    assert ran.told["pinned"]
    # Nothing of it ran beside anything else of it.
    assert ran.told["cpu_seconds"]["all"] <= ran.told["wall_seconds"] * 1.05
    with pytest.raises(ConfigError, match="cannot be pinned"):
        Asked(folder, 10_000, pinned=True).command(tmp_path)
