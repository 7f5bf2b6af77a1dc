# SPDX-License-Identifier: AGPL-3.0-or-later
"""Interactive forms (ISO 19005-2, 6.4): fields stay, with an appearance for each value."""

from __future__ import annotations

from migrators.pdf.menders.base import Mending


def need_appearances(mending: Mending) -> int:
    """Draw fields now instead of asking each reader to (6.4.1).

    qpdf draws text and choice fields; buttons keep what they have.
    """
    from pikepdf import Dictionary, Name

    form = mending.document.Root.get(Name.AcroForm)
    if not isinstance(form, Dictionary) or not form.get(Name.NeedAppearances, False):
        return 0
    mending.document.generate_appearance_streams()
    form = mending.document.Root.AcroForm
    if Name.NeedAppearances in form:
        del form.NeedAppearances
    return 1


def xfa(mending: Mending) -> int:
    """Take the XML form (XFA) out; the fields that readers without XFA show stay (6.4.2)."""
    from pikepdf import Dictionary, Name

    changed = 0
    root = mending.document.Root
    form = root.get(Name.AcroForm)
    if isinstance(form, Dictionary) and Name.XFA in form:
        del form.XFA
        changed += 1
        mending.lost("pdfa.xfa_removed", "")
    if Name.NeedsRendering in root:
        del root.NeedsRendering
        changed += 1
    return changed
