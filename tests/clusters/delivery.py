# SPDX-License-Identifier: AGPL-3.0-or-later
"""A delivery of many small files, of kinds that are kept, migrated, damaged and empty."""

from __future__ import annotations

from pathlib import Path

import pymupdf
from PIL import Image


def make(folder: Path, files: int = 600) -> Path:
    """Write `files` files; each number always gives the same bytes."""
    folder.mkdir(parents=True)
    for number in range(files):
        below = folder / f"ärende {number // 50:02d}"
        below.mkdir(exist_ok=True)
        _KINDS[number % len(_KINDS)](below, number)
    return folder


def _text(folder: Path, number: int) -> None:
    (folder / f"anteckning {number}.txt").write_text(f"Beslut nr {number} i byggnadsnämnden.\n")


def _xml(folder: Path, number: int) -> None:
    (folder / f"post-{number}.xml").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<post nr="{number}"><namn>Åsa</namn></post>\n'
    )


def _csv(folder: Path, number: int) -> None:
    rows = "".join(f"{number};{row};{row * number}\n" for row in range(1, 9))
    (folder / f"lista_{number}.csv").write_text(f"ärende;rad;summa\n{rows}")


def _bmp(folder: Path, number: int) -> None:
    Image.new("RGB", (20 + number % 7, 20), (number % 256, 99, 10)).save(folder / f"b{number}.bmp")


def _png(folder: Path, number: int) -> None:
    Image.new("RGB", (16, 16), (number % 256, number // 256, 77)).save(folder / f"p{number}.png")


def _pdf(folder: Path, number: int) -> None:
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 100), f"Bygglov {number}, fastighet {number * 3}")
        document.set_metadata({})
        document.save(folder / f"lov {number}.pdf", no_new_id=True)


def _damaged(folder: Path, number: int) -> None:
    (folder / f"trasig{number}.pdf").write_bytes(b"%PDF-1.4\n" + bytes([number % 251]) * 300)


def _empty(folder: Path, number: int) -> None:
    (folder / f"tom{number}").touch()


def _letter(folder: Path, number: int) -> None:
    (folder / f"brev {number}.rtf").write_bytes(
        rb"{\rtf1\ansi{\fonttbl{\f0 Liberation Serif;}}\f0\fs24 Beslut om " + str(number).encode()
        + rb" \'e5r.\par }"
    )  # fmt: skip


def _twin(folder: Path, number: int) -> None:
    (folder / f"kopia {number}.txt").write_text(f"Samma text, {number % 4}.\n")


# A letter takes most of a second, so that a run lasts long enough to be disturbed.
_KINDS = (
    _text, _xml, _letter, _bmp, _png, _pdf, _csv, _letter, _damaged, _twin, _empty, _pdf,
)  # fmt: skip
