# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stands in a PDF that was made of an office document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.core.errors import DamagedError

_WHITE = 250
_PIXELS = 250_000  # enough to see whether there is anything on a page


@dataclass(frozen=True, slots=True)
class Made:
    """A PDF as a reader finds it. `roles` counts the elements of its structure tree."""

    pages: int
    text: str
    blank: bool
    images: int
    outline: tuple[str, ...]
    language: str
    tagged: bool
    roles: Counter[str]


def read(path: Path) -> Made:
    """Return what the PDF holds. Raises DamagedError."""
    import pikepdf
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        document = pymupdf.open(path, filetype="pdf")
    except (pymupdf.FileDataError, pymupdf.EmptyFileError, RuntimeError) as error:
        raise DamagedError(str(error)[:300], "pdf.damaged") from error
    with document:
        texts = [page.get_text() for page in document]
        blank = not any(map(str.strip, texts)) and not any(map(_marked, document))
        images = {image[0] for number in range(document.page_count)
                  for image in document.get_page_images(number)}  # fmt: skip
        outline = tuple(str(title) for _, title, *_ in document.get_toc(simple=True))
    try:
        with pikepdf.open(path) as pdf:
            language = str(pdf.Root.get("/Lang", ""))
            tagged = "/StructTreeRoot" in pdf.Root
            roles = _roles(pdf) if tagged else Counter()
    except pikepdf.PdfError as error:
        raise DamagedError(str(error)[:300], "pdf.damaged") from error
    return Made(len(texts), "\n".join(texts), blank, len(images), outline, language, tagged, roles)


def _roles(pdf: Any) -> Counter[str]:
    """Count structure elements by their standard role (ISO 32000-1, 14.7.2 and 14.7.3)."""
    import pikepdf

    named = pdf.Root.StructTreeRoot.get("/RoleMap", {})
    found: Counter[str] = Counter()
    for one in pdf.objects:
        # An element has a role and a parent; /Type is optional.
        if isinstance(one, pikepdf.Dictionary) and "/S" in one and "/P" in one and "/K" in one:
            role = str(one["/S"])
            found[str(named.get(role, role))] += 1
    return found


def _marked(page: Any) -> bool:
    import pymupdf

    area = max(abs(page.rect.width * page.rect.height), 1.0)
    scale = min(1.0, (_PIXELS / area) ** 0.5)
    image = page.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csGRAY, alpha=False
    )
    return min(image.samples, default=255) < _WHITE
