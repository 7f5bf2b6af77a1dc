# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files embedded in a PDF: for the judge that counts them and the mender that completes them."""

from __future__ import annotations

from typing import Any


def filespecs(document: Any) -> list[Any]:
    """Return every specification of an embedded file (ISO 32000-1, 7.11.4), each once.

    They stand in the name tree, at annotations, or anywhere as objects of their own; those
    of the first two may be direct, and so are no entry of the file's object list.
    """
    from pikepdf import Dictionary, Name

    found = [one.obj for one in document.attachments.values()]
    for page in document.pages:
        for annotation in page.obj.get(Name.Annots, ()):
            if isinstance(annotation, Dictionary) and Name.FS in annotation:
                found.append(annotation.FS)
    found.extend(one for one in document.objects if isinstance(one, Dictionary))
    specifications: list[Any] = []
    seen: set[tuple[int, int]] = set()
    for one in found:
        if not isinstance(one, Dictionary) or not isinstance(one.get(Name.EF), Dictionary):
            continue
        if one.is_indirect and one.objgen in seen:
            continue
        seen.add(one.objgen)
        specifications.append(one)
    return specifications
