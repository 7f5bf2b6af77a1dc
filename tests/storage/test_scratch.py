# SPDX-License-Identifier: AGPL-3.0-or-later
"""A worker's folder is its own while it lives, and nobody's afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from pipeline.storage.scratch import Scratch, clear

OWNER = (
    "import sys, time; from pathlib import Path; from pipeline.storage.scratch import Scratch\n"
    "one = Scratch(Path(sys.argv[1])); (one.folder / 'work').mkdir()\n"
    "print(one.folder, flush=True); time.sleep(600)"
)


def owner(root: Path) -> tuple[subprocess.Popen[str], Path]:
    child = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(root)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    return child, Path(child.stdout.readline().strip())


def test_the_living_keep_theirs_and_the_dead_lose_it(tmp_path: Path) -> None:
    child, folder = owner(tmp_path)
    mine = Scratch(tmp_path)
    assert folder.is_dir()
    assert clear(tmp_path) == []
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert clear(tmp_path) == [folder]
    assert mine.folder.is_dir()
    mine.close()
    assert list(tmp_path.iterdir()) == []


def test_the_next_worker_clears_by_itself(tmp_path: Path) -> None:
    child, folder = owner(tmp_path)
    child.kill()
    child.wait()
    with_next = Scratch(tmp_path)
    assert not folder.exists()
    with_next.close()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    mine = Scratch(tmp_path)
    prefix = mine.folder.name.rpartition("-")[0].rpartition("-")[0]
    mine.close()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"{prefix}-1-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "skanearkiv-worker-another.machine-1-a").mkdir()
    (tmp_path / f"{prefix}-1-file").write_text("no folder")
    before = sorted(tmp_path.iterdir())
    assert clear(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == before
