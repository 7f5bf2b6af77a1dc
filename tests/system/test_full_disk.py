# SPDX-License-Identifier: AGPL-3.0-or-later
"""A disk that runs full pauses the run, which goes on by itself when there is room again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.deliveries import finish, ledger, start

_MIB = 1024 * 1024
_NAMES = ("pdfkit.pdf", "pdflatex-image.pdf", "google-doc-document.pdf", "image.png")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def source(corpus: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in _NAMES:
        shutil.copy(corpus / "pypdf" / name, folder)
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "room.toml"
    path.write_text("[room]\ndisk_mib = 16\n", encoding="utf-8")
    return path


def test_a_full_disk_pauses_the_run_until_there_is_room(
    source: Path, small_disk: Path, config: Path, tmp_path: Path
) -> None:
    out, ballast = small_disk / "out", small_disk / "ballast"
    child = start(source, out, "--config", str(config))
    assert child.stdout is not None
    printed = []
    for line in child.stdout:
        printed.append(line.decode("utf-8", "replace"))
        if "workers; dashboard" in printed[-1]:
            # Whatever was begun by now has room; what comes next has none.
            ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 8 * _MIB))
        if "paused: " in printed[-1]:
            time.sleep(5)
            assert child.poll() is None
            ballast.unlink()
            break
    rest, _ = child.communicate(timeout=300)
    output = " ".join("".join([*printed, rest.decode("utf-8", "replace")]).split())
    assert child.returncode in (0, 1), output
    assert "there is room again: the run goes on" in output
    undisturbed = tmp_path / "undisturbed"
    finish(source, undisturbed)
    assert ledger(out) == ledger(undisturbed)


def test_a_run_does_not_begin_without_room(source: Path, small_disk: Path, config: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 8 * _MIB))
    code, output = finish(source, small_disk / "out", "--config", str(config))
    assert code == 2, output
    # As wide as it is, the message is broken into lines.
    assert "make room" in " ".join(output.split())
    assert not list(small_disk.glob("out/migrated/*"))
    ballast.unlink()
    code, output = finish(source, small_disk / "out", "--config", str(config))
    assert code in (0, 1), output
