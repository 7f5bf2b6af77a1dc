# SPDX-License-Identifier: AGPL-3.0-or-later
"""Metadata of parts of a document (ISO 19005-2, 6.6.2): pictures, fonts, pages.

The document's own are declared by pikepdf when it is prepared.
"""

from __future__ import annotations

from migrators.pdf.menders.base import Mending


def of_parts(mending: Mending) -> int:
    """Take out metadata streams of parts; what PDF/A asks of each property is not in them.

    Software writes them when a picture is placed: they tell of the picture's own file.
    """
    from pikepdf import Dictionary, Name, Stream

    own = mending.document.Root.get(Name.Metadata)
    keep = own.objgen if isinstance(own, Stream) else None
    changed = 0
    for one in mending.document.objects:
        if not isinstance(one, (Dictionary, Stream)):
            continue
        held = one.get(Name.Metadata)
        if isinstance(held, Stream) and held.objgen != keep:
            del one.Metadata
            changed += 1
    if changed:
        mending.lost("pdfa.part_metadata_removed", str(changed))
    return changed
