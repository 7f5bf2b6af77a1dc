# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo delivery: everything in it, and the same each time."""

from __future__ import annotations

import os
from pathlib import Path

from format_registry.identifier import identify
from pipeline.core.hashing import digest
from pipeline.demo.delivery import make_delivery
from pipeline.demo.made import Made


def test_twice_the_same_bytes_and_every_family(tmp_path: Path) -> None:
    made: list[list[Made]] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append(make_delivery(tmp_path / name))
    assert made[0] == made[1]
    puids: set[str | None] = set()
    for one in made[0]:
        first, second = (
            Path(os.fsdecode(os.path.join(os.fsencode(tmp_path / name), one.raw)))
            for name in ("first", "second")
        )
        if first.is_symlink():
            assert first.readlink() == second.readlink()
            continue
        assert digest(first).sha256 == digest(second).sha256, one
        if first.stat().st_size and one.raw.isascii():
            puids.add(identify(first).puid)
    assert puids >= {
        "fmt/61", "fmt/214", "fmt/1755", "fmt/353", "fmt/43", "fmt/12", "x-fmt/111",
    }  # fmt: skip
    assert len(made[0]) == len({one.raw for one in made[0]}) > 50
