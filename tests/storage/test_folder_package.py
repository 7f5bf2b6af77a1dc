# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a folder alone has: links, and a scratch folder that may be on another disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pipeline.storage.folder_package import FolderPackage, FolderStaging
from tests.storage.conftest import sha256


def test_a_scratch_on_another_file_system(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as scratch:
        local = Path(scratch) / "target.pdf"
        local.write_bytes(b"one")
        assert os.stat(scratch).st_dev != os.stat(tmp_path).st_dev
        FolderStaging(tmp_path / ".staging").hand_over(local, "1-1-a/out/t.pdf", sha256(b"one"))
        assert not local.exists()
    assert (tmp_path / ".staging/1-1-a/out/t.pdf").read_bytes() == b"one"


def test_a_twin_costs_no_room(tmp_path: Path) -> None:
    package = FolderPackage(tmp_path)
    package.prepare()
    (tmp_path / "migrated" / "a.pdf").write_bytes(b"one")
    package.link("migrated/a.pdf", "migrated/b.pdf", sha256(b"one"), "link-2-1")
    assert (tmp_path / "migrated/a.pdf").samefile(tmp_path / "migrated/b.pdf")
