# SPDX-License-Identifier: AGPL-3.0-or-later
"""Find what menders work on: fonts, colour spaces, images, wherever resources name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def resources(document: Any) -> Iterator[Any]:
    """Yield each resource dictionary once: of pages, forms, patterns, glyphs, appearances.

    Those of the interactive form, whose fonts its appearances use, come last.
    """
    from pikepdf import Dictionary, Name

    seen: set[tuple[int, int]] = set()
    for scope in document.content_scopes():
        one = scope.resources
        if one is None or (one.is_indirect and one.objgen in seen):
            continue
        if one.is_indirect:
            seen.add(one.objgen)
        yield one
    form = document.Root.get(Name.AcroForm)
    if isinstance(form, Dictionary) and isinstance(form.get(Name.DR), Dictionary):
        yield form.DR


def entries(document: Any, kind: str) -> Iterator[tuple[Any, str, Any]]:
    """Yield (holder, key, value) of one category of all resources, e.g. "/Font".

    Indirect values come once, direct ones wherever they stand; in the order of their names,
    since pikepdf gives keys as a set, and what is made of them would change its place.
    """
    from pikepdf import Dictionary, Object, Stream

    seen: set[tuple[int, int]] = set()
    for one in resources(document):
        holder = one.get(kind)
        if not isinstance(holder, Dictionary) or isinstance(holder, Stream):
            continue
        for key in sorted(holder.keys()):
            value = holder[key]
            if isinstance(value, Object) and value.is_indirect:
                if value.objgen in seen:
                    continue
                seen.add(value.objgen)
            yield holder, key, value


def fonts(document: Any) -> Iterator[Any]:
    """Yield every font dictionary that content may use, also those in graphics states."""
    from pikepdf import Array, Dictionary

    for _, _, font in entries(document, "/Font"):
        if isinstance(font, Dictionary):
            yield font
    for _, _, state in entries(document, "/ExtGState"):
        pair = state.get("/Font") if isinstance(state, Dictionary) else None
        if isinstance(pair, Array) and len(pair) and isinstance(pair[0], Dictionary):
            yield pair[0]


def embedded(descriptor: Any) -> bool:
    """Whether a font descriptor carries a program."""
    from pikepdf import Dictionary, Name, Stream

    return isinstance(descriptor, Dictionary) and any(
        isinstance(descriptor.get(key), Stream)
        for key in (Name.FontFile, Name.FontFile2, Name.FontFile3)
    )
