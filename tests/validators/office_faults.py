# SPDX-License-Identifier: AGPL-3.0-or-later
"""Office documents that LibreOffice lost something of: what was lost, and who must name it.

A loss is the PDF of a document that never had the thing, held against the one that has.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipeline.demo import flat
from pipeline.demo.office import ATTENDANCE, BUDGET, LETTER, MINUTES, SLIDES


@dataclass(frozen=True)
class Loss:
    """`extension` and PUID of the document, its flat text before and after the loss."""

    extension: str
    puid: str
    before: Callable[[], str]
    after: Callable[[], str]
    property: str


def picture(seed: int) -> str:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    return (
        f'<text:p><draw:frame draw:name="Bild {seed}" text:anchor-type="as-char" '
        'svg:width="4cm" svg:height="3cm"><draw:image>'
        f"<office:binary-data>{data}</office:binary-data></draw:image></draw:frame></text:p>"
    )


def letter(*, pictures: int = 2) -> str:
    end = "</office:text>"
    shown = "".join(picture(seed) for seed in range(pictures))
    return flat.text("Begäran om komplettering", LETTER).replace(end, f"{shown}{end}")


def minutes(
    paragraphs: tuple[str, ...] = MINUTES, rows: tuple[tuple[str, ...], ...] = ATTENDANCE
) -> str:
    return flat.text("Sammanträdesprotokoll", paragraphs, rows)


def budget(*, cell: float = 18450.5, sheets: int = 2) -> str:
    table = [list(row) for row in BUDGET["Budget"]]
    table[1][1] = cell
    tables = {"Budget": table, "Antaganden": BUDGET["Antaganden"]}
    return flat.sheets("Budget 2024", dict(list(tables.items())[:sheets]))


def slides(pages: int = 2) -> str:
    return flat.slides("Översiktsplan", SLIDES[:pages])


LOSSES: dict[str, Loss] = {
    "paragraph dropped": Loss(
        "docx", "fmt/412", minutes, lambda: minutes(MINUTES[:3] + MINUTES[4:]), "document.text"
    ),
    "sections reversed": Loss(
        "odt", "fmt/291", minutes,
        lambda: minutes(MINUTES[4:] + MINUTES[2:4] + MINUTES[:2]), "document.order",
    ),
    "heading dropped": Loss(
        "docx", "fmt/412", minutes, lambda: minutes(MINUTES[:2] + MINUTES[3:]), "document.outline"
    ),
    "table row dropped": Loss(
        "docx", "fmt/412", minutes, lambda: minutes(rows=ATTENDANCE[:2] + ATTENDANCE[3:]),
        "document.tables",
    ),
    "picture dropped": Loss(
        "docx", "fmt/412", letter, lambda: letter(pictures=1), "document.images"
    ),
    "sheet cut": Loss("xlsx", "fmt/214", budget, lambda: budget(sheets=1), "document.cells"),
    "cell changed": Loss(
        "xlsx", "fmt/214", budget, lambda: budget(cell=18540.5), "document.cells"
    ),
    "slide dropped": Loss("pptx", "fmt/215", slides, lambda: slides(1), "document.pages"),
}  # fmt: skip
