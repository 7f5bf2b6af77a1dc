# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures of what differs: from the folder that is cleared to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.core.hashing import digest
from pipeline.core.records import Evidence
from pipeline.core.staging import fsync_file


def keep(pictures: Sequence[Path], folder: Path) -> tuple[Evidence, ...]:
    """Move pictures to `folder/out/evidence`, `folder` being a file's own in staging.

    Raises DiskFullError and other FileErrors.
    """
    return tuple(_kept(picture, folder) for picture in pictures)


def _kept(picture: Path, folder: Path) -> Evidence:
    kept = folder / "out" / "evidence" / picture.name
    kept.parent.mkdir(exist_ok=True)
    picture.replace(kept)
    fsync_file(kept)
    made = digest(kept)
    staged = f"{folder.name}/out/evidence/{kept.name}"
    return Evidence(kept.name, staged, made.size, made.sha256)
