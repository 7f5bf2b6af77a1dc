# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is left in a worker's folder for temporary files goes, but what is in use."""

from __future__ import annotations

from pathlib import Path

from pipeline.steps.workplace import sweep


def test_what_tools_left_goes_and_the_warm_office_stays(tmp_path: Path) -> None:
    tmp, outside = tmp_path / "tmp", tmp_path / "outside"
    (tmp / "folder" / "deep").mkdir(parents=True)
    (tmp / "folder" / "deep" / "much").write_bytes(bytes(1000))
    (tmp / "file").touch()
    (tmp / "skanearkiv-office-x").mkdir()
    outside.mkdir()
    (outside / "kept").touch()
    (tmp / "link").symlink_to(outside)
    sweep(tmp_path)
    assert [one.name for one in tmp.iterdir()] == ["skanearkiv-office-x"]
    assert (outside / "kept").exists()


def test_without_a_worker_nothing_is_swept() -> None:
    sweep(None)
