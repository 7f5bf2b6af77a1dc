# SPDX-License-Identifier: AGPL-3.0-or-later
"""Read a PDF's objects, whatever stands where something else should (pikepdf; in the child)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_DEEPEST = 64
LIMIT = 100_000  # nodes of a tree that are looked at
_LONGEST = 2_000  # characters of a text that are compared


def text(value: Any) -> str:
    """Return a string, name, number or stream as text, "" for anything else."""
    from pikepdf import Name, Stream, String

    if value is None:
        return ""
    if isinstance(value, Stream):
        return bytes(value.read_raw_bytes()[:_LONGEST]).hex()
    if isinstance(value, (String, Name)):
        # White space is how a line was broken, and CR and LF are exchanged on the way; a
        # C programmer's closing zero is no part of the text.
        plain = "".join(one if one.isprintable() else " " for one in str(value)[:_LONGEST])
        return " ".join(plain.split())
    if isinstance(value, (bool, int, float)) or type(value).__name__ == "Decimal":
        return str(value)
    return ""


def number(value: Any, default: int = 0) -> int:
    """Return a whole number, `default` for anything else."""
    if isinstance(value, (int, float)) or type(value).__name__ == "Decimal":
        return int(value)
    return default


def dictionary(value: Any) -> Any:
    """Return a dictionary (a stream is none), else an empty one."""
    from pikepdf import Dictionary, Stream

    plain = isinstance(value, Dictionary) and not isinstance(value, Stream)
    return value if plain else Dictionary()


def array(value: Any) -> list[Any]:
    """Return the items of an array, else none."""
    from pikepdf import Array

    return list(value) if isinstance(value, Array) else []


def same(value: Any) -> tuple[int, int]:
    """Return what names an indirect object, (0, 0) for a direct one."""
    found: tuple[int, int] = value.objgen
    return found


def tree(root: Any, kids: str, *, limit: int = LIMIT) -> Iterator[tuple[Any, int]]:
    """Yield (dictionary, depth) of a tree in order; what was met before is not met again."""
    from pikepdf import Array, Dictionary

    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[Any, int]] = [(root, 0)]
    count = 0
    while waiting and count < limit:
        node, depth = waiting.pop()
        if isinstance(node, Array):
            waiting.extend((one, depth) for one in reversed(list(node)))
            continue
        if not isinstance(node, Dictionary) or depth > _DEEPEST:
            continue
        name = node.objgen
        if name != (0, 0):
            if name in seen:
                continue
            seen.add(name)
        count += 1
        yield node, depth
        below = node.get(kids)
        if below is not None:
            waiting.append((below, depth + 1))


def named(root: Any, values: str) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of a name or number tree (ISO 32000-1, 7.9.6 and 7.9.7)."""
    for node, _ in tree(root, "/Kids"):
        pairs = array(node.get(values))
        for key, value in zip(pairs[::2], pairs[1::2], strict=False):
            yield text(key), value


def placed(page: Any) -> Iterator[Any]:
    """Yield the annotations of a page, hidden ones as well."""
    from pikepdf import Dictionary

    for one in array(page.obj.get("/Annots")):
        if isinstance(one, Dictionary):
            yield one


def inherited(node: Any, key: str) -> Any:
    """Return an entry of a field, which it may have from above (ISO 32000-1, 12.7.3.1)."""
    from pikepdf import Dictionary

    for _ in range(_DEEPEST):
        if not isinstance(node, Dictionary):
            return None
        if key in node:
            return node[key]
        node = node.get("/Parent")
    return None
