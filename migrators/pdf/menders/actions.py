# SPDX-License-Identifier: AGPL-3.0-or-later
"""Actions that PDF/A forbids (ISO 19005-2, 6.4.1, 6.5; ISO 19005-1, 6.6).

What a document does is taken out, what it shows is left: a link that starts a program
stays a rectangle that is no link any more, and the report says so.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from migrators.pdf.menders.base import Mending

_ALLOWED = frozenset(
    {"/GoTo", "/GoToR", "/GoToE", "/Thread", "/URI", "/Named", "/SubmitForm"}
)  # fmt: skip
_NAMED = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})
_HOLDERS = ("/A", "/OpenAction", "/PA", "/Next")
_PERMITTED = frozenset({"/UR3", "/DocMDP"})


def forbidden(mending: Mending) -> int:
    """Take out every action of a kind that is not allowed (6.5.1)."""
    from pikepdf import Array, Dictionary

    removed: Counter[str] = Counter()
    for holder in _dictionaries(mending.document):
        for key in _HOLDERS:
            value = holder.get(key)
            if isinstance(value, Dictionary) and not _may(value):
                removed[str(value.get("/S", "?"))[1:]] += 1
                following = value.get("/Next")
                if isinstance(following, Dictionary) and _may(following):
                    holder[key] = following
                else:
                    del holder[key]
            elif key == "/Next" and isinstance(value, Array):
                # Several actions may follow one (ISO 32000-1, 12.6.2).
                bad = [one for one in value if isinstance(one, Dictionary) and not _may(one)]
                if bad:
                    removed.update(str(one.get("/S", "?"))[1:] for one in bad)
                    holder[key] = Array(
                        [one for one in value if not isinstance(one, Dictionary) or _may(one)]
                    )
        triggers = holder.get("/AA")
        if isinstance(triggers, Dictionary):
            for key, value in list(triggers.as_dict().items()):
                if isinstance(value, Dictionary) and not _may(value):
                    removed[str(value.get("/S", "?"))[1:]] += 1
                    del triggers[key]
    _tell(mending, removed)
    return sum(removed.values())


def _may(action: Any) -> bool:
    kind = action.get("/S")
    if kind is None:
        return True  # a destination, or an annotation's own entry of that name
    if str(kind) == "/Named":
        return str(action.get("/N", "")) in _NAMED
    return str(kind) in _ALLOWED


def additional(mending: Mending) -> int:
    """Take out what happens by itself: /AA of catalog, pages, fields, widgets (6.4.1, 6.5.2)."""
    from pikepdf import Dictionary, Name

    removed: Counter[str] = Counter()
    for holder in _dictionaries(mending.document):
        triggers = holder.get(Name.AA)
        if isinstance(triggers, Dictionary):
            for action in triggers.as_dict().values():
                kind = action.get("/S", "?") if isinstance(action, Dictionary) else "?"
                removed[str(kind).removeprefix("/")] += 1
            del holder.AA
    _tell(mending, removed)
    return sum(removed.values())


def of_widgets(mending: Mending) -> int:
    """Take the actions out of form fields, which may do nothing in PDF/A (6.4.1)."""
    from pikepdf import Dictionary, Name

    removed: Counter[str] = Counter()
    for holder in _dictionaries(mending.document):
        if holder.get(Name.Subtype) == Name.Widget and Name.A in holder:
            action = holder.A
            kind = action.get("/S", "?") if isinstance(action, Dictionary) else "?"
            removed[str(kind).removeprefix("/")] += 1
            del holder.A
    _tell(mending, removed)
    return sum(removed.values()) + additional(mending)


def permissions(mending: Mending) -> int:
    """Take out permissions other than UR3 and DocMDP (6.1.12)."""
    from pikepdf import Dictionary, Name

    found = mending.document.Root.get(Name.Perms)
    if not isinstance(found, Dictionary):
        return 0
    wrong = [key for key in found if key not in _PERMITTED]
    for key in wrong:
        del found[key]
    return len(wrong)


def _dictionaries(document: Any) -> Any:
    """Yield every dictionary that may hold an action, also direct ones of pages."""
    from pikepdf import Array, Dictionary, Name, Stream

    for one in document.objects:
        if isinstance(one, Dictionary) and not isinstance(one, Stream):
            yield one
    for page in document.pages:
        annotations = page.obj.get(Name.Annots)
        for one in annotations if isinstance(annotations, Array) else ():
            if isinstance(one, Dictionary) and not one.is_indirect:
                yield one


def _tell(mending: Mending, removed: Counter[str]) -> None:
    if removed:
        detail = ", ".join(f"{kind} ({count})" for kind, count in sorted(removed.items()))
        mending.lost("pdfa.actions_removed", detail)
