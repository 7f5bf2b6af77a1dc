# SPDX-License-Identifier: AGPL-3.0-or-later
"""Put pages that Ghostscript wrote anew into the document that they came from.

Ghostscript rewrites what it reads, and links, bookmarks, forms, attachments and tags get
lost on the way. So it is given only the pages that no mender could help, without anything
that hangs on them; of what it returns, content and resources are set into the document,
where everything else has stayed. Runs in the child.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrators.pdf.opening import opened
from pipeline.core.errors import NotConvertedError

_NEAR = 1.0  # points by which a page's size may differ
_CATALOG = (
    "/Outlines", "/AcroForm", "/Names", "/StructTreeRoot", "/MarkInfo", "/OpenAction", "/AA",
    "/Dests", "/Metadata", "/AF", "/PageLabels", "/Threads", "/Perms", "/OutputIntents",
)  # fmt: skip


def extract(source: Path, target: Path, pages: tuple[int, ...]) -> bool:
    """Write `target` with only these pages (from 1) of `source`, ready for Ghostscript.

    Fonts get /ToUnicode where they lack it, without which their text would be lost.
    Returns whether the document has layers, of which only what is shown is drawn. Raises
    DamagedError, PasswordError.
    """
    from ocrmypdf.pdfa import add_simple_font_tounicode

    with opened(source) as document:
        wanted = set(pages)
        for number in range(len(document.pages), 0, -1):
            if number not in wanted:
                del document.pages[number - 1]
        for key in _CATALOG:
            if key in document.Root:
                del document.Root[key]
        for page in document.pages:
            for key in ("/Annots", "/AA", "/StructParents"):
                if key in page.obj:
                    del page.obj[key]
        add_simple_font_tounicode(document)
        document.save(target, deterministic_id=True)
        return "/OCProperties" in document.Root


def place(base: Path, rewritten: Path, target: Path, pages: tuple[int, ...]) -> None:
    """Write `target`, `base` with the content of `rewritten`'s pages on these (from 1).

    Raises NotConvertedError when Ghostscript made other pages of it, DamagedError.
    """
    from pikepdf import Name

    with opened(base) as document, opened(rewritten) as new:
        if len(new.pages) != len(pages):
            raise NotConvertedError(
                f"Ghostscript made {len(new.pages)} pages of {len(pages)}", "pdfa.not_reached"
            )
        for number, made in zip(pages, new.pages, strict=True):
            page = document.pages[number - 1]
            shift = _shift(page, made)
            content = b"\n".join(_contents(made.obj))
            if shift != (0.0, 0.0):
                content = b"q 1 0 0 1 %.4f %.4f cm\n%b\nQ" % (*shift, content)
            page.obj.Contents = document.make_stream(content)
            resources = made.resources
            if not resources.is_indirect:
                resources = new.make_indirect(resources)
            page.obj.Resources = document.copy_foreign(resources)
            for key in (Name.Group, Name.StructParents):
                if key in page.obj:
                    del page.obj[key]
            if Name.Group in made.obj:
                page.obj.Group = document.copy_foreign(new.make_indirect(made.obj.Group))
        document.save(target, deterministic_id=True)


def _contents(page: Any) -> list[bytes]:
    from pikepdf import Array, Name

    held = page.get(Name.Contents)
    if held is None:
        return []
    return [one.read_bytes() for one in held] if isinstance(held, Array) else [held.read_bytes()]


def _shift(page: Any, made: Any) -> tuple[float, float]:
    """Return how far the new content must be moved to lie where the old one did.

    pdfwrite lets a page begin at 0, 0. Raises NotConvertedError when its size is another.
    """
    old, new = [[float(one) for one in box] for box in (page.mediabox, made.mediabox)]
    if (
        abs((old[2] - old[0]) - (new[2] - new[0])) > _NEAR
        or abs((old[3] - old[1]) - (new[3] - new[1])) > _NEAR
        or _rotation(page.obj) != _rotation(made.obj)
    ):
        raise NotConvertedError("Ghostscript made a page of another size", "pdfa.not_reached")
    return round(old[0] - new[0], 4), round(old[1] - new[1], 4)


def _rotation(page: Any) -> int:
    """Return /Rotate, which a page may inherit (ISO 32000-1, 7.7.3.4)."""
    one, depth = page, 0
    while one is not None and depth < 64:
        if "/Rotate" in one:
            return int(one["/Rotate"]) % 360
        one, depth = one.get("/Parent"), depth + 1
    return 0
