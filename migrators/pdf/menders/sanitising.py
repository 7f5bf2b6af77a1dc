# SPDX-License-Identifier: AGPL-3.0-or-later
"""Content that cannot be parsed: what MuPDF understood of it is written anew.

A stream that is cut off or garbled is read by each reader up to its own point. MuPDF's
account is the one that the judges see, and what it leaves out no reader showed for sure.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from migrators.pdf.menders.base import Mending


def content(mending: Mending) -> int:
    """Let MuPDF write the content of the pages that the validator names, if nothing else helped."""
    import pikepdf
    import pymupdf

    if mending.changed or not mending.pages:
        return 0
    changed = 0
    with tempfile.TemporaryDirectory(dir=mending.path.parent) as folder:
        before, after = Path(folder) / "before.pdf", Path(folder) / "after.pdf"
        mending.document.save(before, deterministic_id=True)
        with pymupdf.open(before) as document:
            for number in mending.pages:
                document[number - 1].clean_contents(sanitize=1)
            document.save(after)
        with pikepdf.open(after) as made:
            for number in mending.pages:
                new, old = made.pages[number - 1], mending.document.pages[number - 1]
                data = _content(new)
                if data is not None and data != _content(old):
                    old.obj.Contents = mending.document.make_stream(data)
                    resources = new.resources
                    if not resources.is_indirect:
                        resources = made.make_indirect(resources)
                    old.obj.Resources = mending.document.copy_foreign(resources)
                    changed += 1
    if changed:
        mending.lost("pdfa.content_repaired", ", ".join(map(str, mending.pages[:50])))
    return changed


def _content(page: Any) -> bytes | None:
    """Return what stands there now, None where even that cannot be read."""
    from pikepdf import PdfError, Stream

    try:
        page.contents_coalesce()
        held = page.obj.get("/Contents")
        return bytes(held.read_bytes()) if isinstance(held, Stream) else b""
    except PdfError:
        return None
