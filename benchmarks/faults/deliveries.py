# SPDX-License-Identifier: AGPL-3.0-or-later
"""The deliveries that the faults are done to, made by code; small, and of innocents mostly."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from pipeline.demo import flat, images, office

PROGRAM, WARM = "v-program.json", "v-warm.json"
VICTIMS = (PROGRAM, WARM)
SLOW = "f-slow.odt"
_PADDING = 300 * 1024  # so that a batch of 1 MiB holds four
_PAGES = 120


def make(kind: str, folder: Path) -> None:
    """Write a delivery: `plain` (texts and pictures) or `papers` (office documents)."""
    folder.mkdir()
    if kind == "plain":
        _plain(folder)
    else:
        _papers(folder)
    # Files of the same delivery must be the same by time as well: they are copied from here.
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))


def _json(path: Path, padding: int = _PADDING, **told: object) -> None:
    path.write_text(json.dumps(told) + " " * padding + "\n", encoding="utf-8")


def _plain(folder: Path) -> None:
    for number in range(14):
        _json(folder / f"a-{number:02d}.json", number=number, wait=0.3)
    for number in range(4):
        picture = images.encoded(images.photograph(90 + number, 60), "BMP")
        (folder / f"b-bild-{number}.bmp").write_bytes(picture)
    shutil.copy(folder / "b-bild-0.bmp", folder / "c kopia åäö.bmp")
    (folder / "d-tom.txt").touch()
    # Beside the victims, in one batch of work with them.
    _json(folder / PROGRAM, victim="program", wait=0.2)
    _json(folder / WARM, victim="warm", wait=0.2)
    for number in range(4):
        _json(folder / f"w-{number:02d}.json", number=100 + number, wait=0.3)


def _papers(folder: Path) -> None:
    """Documents with texts between them that take a second each: time to do something in."""
    office.store(folder / "a-first.odt", flat.text("Brev", ["Hej Åke", "Tack för senast"]))
    for number in range(4):
        _json(folder / f"b-{number}.json", 0, number=number, wait=1.2)
    lines = [f"Stycke {number}: kommunfullmäktige beslöt bifalla." for number in range(_PAGES * 40)]
    office.store(folder / SLOW, flat.text("Protokoll", lines))
    for number in range(2):
        _json(folder / f"g-{number}.json", 0, number=10 + number, wait=0.5)
    office.store(folder / "h-last.odt", flat.text("Brev", ["Hej Östen", "Detsamma"]))
