# SPDX-License-Identifier: AGPL-3.0-or-later
"""Find the signatures of a PDF: signature fields that hold a value (ISO 32000-2, 12.7.5.5).

Read with qpdf and not with pyHanko, since it also finds them in a file whose structure
had to be repaired: a signature that nobody can check any more must still be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pipeline.core.codec import register

# Forms in the wild hold some thousand fields; more than this is not a form but an attack.
_NODES = 200_000
_NAME = 200


@register
@dataclass(frozen=True, slots=True)
class Found:
    """A signature field with a value; object numbers are 0 for an object that has none.

    `name` is the fully qualified name, `kind` signature or timestamp; `subfilter` says how
    the value is encoded; `certified`: the catalog names it as the author's own (DocMDP).
    """

    name: str
    kind: str
    subfilter: str
    field: tuple[int, int]
    value: tuple[int, int]
    certified: bool = False


def signature_fields(document: Any) -> list[Found]:
    """Return the signatures of a document that pikepdf has opened, each once.

    The type of a field may stand at any of its parents (12.7.4.1, FT is inheritable).
    Fields that no form names are told as well: a viewer shows them by their page.
    """
    from pikepdf import Dictionary, Name

    author = _author(document)
    # By value: a field and the widget that shows it may both name the one signature.
    found: dict[tuple[int, int] | int, Found] = {}
    fields = _tree(document)
    others = (
        (one, _text(one.get(Name.T)), one.get(Name.FT))
        for one in document.objects
        if isinstance(one, Dictionary)
    )
    seen: set[tuple[int, int]] = set()
    for node, name, kind in chain(fields, others):
        if kind != Name.Sig or not isinstance(node.get(Name.V), Dictionary):
            continue
        if node.is_indirect and node.objgen in seen:
            continue
        seen.add(node.objgen)
        one = _found(node, name, author)
        found.setdefault(one.value if one.value[0] else -len(found), one)
    return list(found.values())


def _tree(document: Any) -> Iterator[tuple[Any, str, Any]]:
    """Yield (field, full name, field type) of the form's fields, parents first."""
    from pikepdf import Array, Dictionary, Name

    form = document.Root.get(Name.AcroForm)
    if not isinstance(form, Dictionary):
        return
    waiting: list[tuple[Any, str, Any]] = [(form.get(Name.Fields), "", None)]
    seen: set[tuple[int, int]] = set()
    count = 0
    while waiting and count < _NODES:
        kids, above, inherited = waiting.pop()
        if not isinstance(kids, Array):
            continue
        for node in kids:
            count += 1
            if not isinstance(node, Dictionary) or node.objgen in seen:
                continue
            if node.is_indirect:
                # A kid that names its own parent as a kid would never end.
                seen.add(node.objgen)
            own = _text(node.get(Name.T))
            name = f"{above}.{own}" if above and own else above or own
            kind = node.get(Name.FT, inherited)
            yield node, name, kind
            if Name.Kids in node:
                waiting.append((node.get(Name.Kids), name, kind))


def _found(node: Any, name: str, author: tuple[int, int] | None) -> Found:
    from pikepdf import Name

    value = node.get(Name.V)
    subfilter = _text(value.get(Name.SubFilter)).lstrip("/")
    stamp = value.get(Name.Type) == Name.DocTimeStamp or subfilter == "ETSI.RFC3161"
    return Found(
        name,
        "timestamp" if stamp else "signature",
        subfilter,
        node.objgen,
        value.objgen,
        author is not None and value.objgen == author,
    )


def _author(document: Any) -> tuple[int, int] | None:
    """Return the object number of the author's signature (12.8.2.2), None without one."""
    from pikepdf import Dictionary, Name

    rights = document.Root.get(Name.Perms)
    one = rights.get(Name.DocMDP) if isinstance(rights, Dictionary) else None
    return one.objgen if isinstance(one, Dictionary) and one.is_indirect else None


def _text(value: Any) -> str:
    from pikepdf import Name, String

    return str(value)[:_NAME] if isinstance(value, (Name, String)) else ""
