# SPDX-License-Identifier: AGPL-3.0-or-later
"""The benchmark of identification, on a small folder; no speed is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.stock_fido import stock
from format_registry import signatures
from tests.contract.samples import pdf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "files"
    found.mkdir()
    (found / "a.pdf").write_bytes(pdf())
    (found / "empty").touch()
    for name in ("b.png", "c.gif", "d.tif", "e.bmp"):
        Image.new("RGB", (8, 8), "red").save(found / name)
    return found


def test_all_four_are_measured_and_drawn(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-m", "benchmarks.identification"]
    done = subprocess.run(
        [*words, folder, "--repeat", "2", "--out", out],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "identification.json").read_text())
    measured = told["corpora"]["files"]
    # The empty one has nothing to be measured on.
    assert measured["files"] == 5
    assert set(measured["engines"]) == {"stock FIDO", "our FIDO", "Siegfried", "both + SHA-256"}
    for runs in measured["runs"].values():
        assert len(runs) == 2
        assert all(one["cpu_seconds"] > 0 and one["peak_memory_mb"] > 10 for one in runs)
    assert set(measured["ratios"]) == {"stock FIDO", "Siegfried", "both + SHA-256"}
    assert "| our FIDO |" in done.stdout
    with Image.open(out / "identification.png") as plot:
        assert plot.width > 400


def test_no_folder_is_a_clear_error(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.identification", tmp_path / "gone"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "gone" in done.stderr


def test_stock_fido_with_any_of_our_sets_knows_the_same_formats(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, droid_files: tuple[Path, Path]
) -> None:
    monkeypatch.setenv("SKANEARKIV_HOME", str(tmp_path / "home"))
    name = signatures.install(droid_files).name
    (tmp_path / "stock").mkdir()
    ask, ours = stock(name, tmp_path / "stock"), signatures.engine(name)
    for path in sorted(folder.iterdir()):
        if not os.path.getsize(path):
            continue
        with path.open("rb") as stream:
            assert ask(path) == tuple(one.puid for one in ours.open(stream, path.name).matches)
