# SPDX-License-Identifier: AGPL-3.0-or-later
"""A disk that runs full: outcomes now, and the right ones when there is room again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.deliveries import finish, ledger


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_what_cannot_be_written_is_tried_again_when_there_is_room(
    corpus: Path, small_disk: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pdfkit.pdf", "pdflatex-image.pdf", "google-doc-document.pdf", "image.png"):
        shutil.copy(corpus / "pypdf" / name, source)
    (source / "large.pdf").write_bytes((corpus / "pypdf/pdfkit.pdf").read_bytes())
    shutil.copy(corpus / "pypdf/GeoTopo-komprimiert.pdf", source)
    out = small_disk / "out"
    (small_disk / "ballast").write_bytes(bytes(1_100_000))
    code, output = finish(source, out, "--workers", "1")
    assert code in (1, 4), output
    outcomes = {raw: row[2] for raw, row in ledger(out).items()}
    # What fell victim to the disk is told from what is wrong with a file.
    assert set(outcomes.values()) <= {"ok", "disk_full", None}
    assert code == 4 or "disk_full" in outcomes.values()
    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    code, output = finish(source, out, "--workers", "1")
    assert code in (0, 1), output
    undisturbed = tmp_path / "undisturbed"
    finish(source, undisturbed, "--workers", "1")
    ended = {raw: row[:7] for raw, row in ledger(out).items()}
    assert ended == {raw: row[:7] for raw, row in ledger(undisturbed).items()}
