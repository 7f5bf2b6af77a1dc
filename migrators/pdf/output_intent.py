# SPDX-License-Identifier: AGPL-3.0-or-later
"""The output intent that a document has, if it is one that PDF/A accepts (ISO 19005-2, 6.2.3).

A profile of its own says what its device colours mean; another in its place would change
how the pages look.
"""

from __future__ import annotations

from typing import Any

_SPACES = (b"RGB ", b"CMYK", b"GRAY")
_CLASSES = (b"prtr", b"mntr")


def of(document: Any, part: int) -> bytes | None:
    """Return the ICC profile of the document's output intent, None where it has none to keep."""
    from pikepdf import Array, Dictionary, Name, PdfError, Stream

    intents = document.Root.get(Name.OutputIntents)
    for one in intents if isinstance(intents, Array) else ():
        profile = one.get(Name.DestOutputProfile) if isinstance(one, Dictionary) else None
        if not isinstance(profile, Stream):
            continue
        try:
            data = profile.read_bytes()
        except PdfError:
            continue  # a profile that cannot be read says nothing about colours
        if (
            len(data) >= 128
            and data[36:40] == b"acsp"
            and data[16:20] in _SPACES
            and data[12:16] in _CLASSES
            and data[8] <= (2 if part == 1 else 4)
        ):
            return bytes(data)
    return None
