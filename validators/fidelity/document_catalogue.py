# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a PDF says of itself: bookmarks, layers, tags, labels of pages, metadata, actions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from validators.fidelity.document_objects import (
    array,
    dictionary,
    named,
    number,
    placed,
    same,
    text,
    tree,
)
from validators.fidelity.document_targets import Targets

_STATED = ("/Title", "/Author", "/Subject", "/Keywords", "/CreationDate", "/ModDate")
_DATES = frozenset({"/CreationDate", "/ModDate"})
_DATE = re.compile(r"(?:D:)?\s*(\d{4}(?:\d{2}){0,5})(?!\d)")
# What a link or bookmark leads to is compared as its target.
_LEADING = frozenset({"GoTo", "GoToR", "GoToE", "URI", "Thread", "Named"})


def outline(document: Any) -> Counter[str]:
    """Return "level title -> page 3" of each bookmark."""
    targets, found = Targets(document), Counter[str]()
    seen: set[tuple[int, int]] = set()
    waiting = [(dictionary(document.Root.get("/Outlines")).get("/First"), 1)]
    while waiting:
        node, level = waiting.pop()
        one = dictionary(node)
        if not len(one) or same(one) in seen or len(seen) > 100_000:
            continue
        seen.add(same(one))
        found[f"{level} {text(one.get('/Title'))} -> {targets.of(one)}"] += 1
        waiting += [(one.get("/Next"), level), (one.get("/First"), level + 1)]
    return found


def layers(document: Any) -> Counter[str]:
    """Return "name: shown" or "name: hidden" of each layer, as the document opens."""
    properties = dictionary(document.Root.get("/OCProperties"))
    default = dictionary(properties.get("/D"))
    shown = text(default.get("/BaseState")) != "/OFF"
    differ = {same(one) for one in array(default.get("/OFF" if shown else "/ON"))}
    return Counter(
        f"{text(one.get('/Name'))}: {'shown' if shown != (same(one) in differ) else 'hidden'}"
        for one in map(dictionary, array(properties.get("/OCGs")))
    )


def tags(document: Any) -> tuple[int, int, int]:
    """Return (structure trees, pages with StructParents, structure elements)."""
    root = dictionary(document.Root.get("/StructTreeRoot"))
    if not len(root):
        return 0, 0, 0
    pages = sum("/StructParents" in page.obj for page in document.pages)
    return 1, pages, sum("/S" in node for node, _ in tree(root.get("/K"), "/K"))


def language(document: Any) -> Counter[str]:
    """Return the language that the document states."""
    found = text(document.Root.get("/Lang")).casefold()
    return Counter([found] if found else [])


def labels(document: Any) -> Counter[str]:
    """Return "from page 3: style prefix first" of each range of page labels."""
    ranges = named(document.Root.get("/PageLabels"), "/Nums")
    return Counter(
        f"from page {int(key or 0) + 1}: {text(one.get('/S'))} {text(one.get('/P'))}"
        f" {number(one.get('/St'), 1)}"
        for key, one in ((key, dictionary(value)) for key, value in ranges)
        if key.isdigit()
    )


def xfa(document: Any) -> Counter[str]:
    """Return whether there is an XFA form."""
    form = dictionary(document.Root.get("/AcroForm"))
    return Counter(["XFA"] if "/XFA" in form else [])


def metadata(document: Any) -> Counter[str]:
    """Return title, author, subject, keywords and dates of the document information."""
    stated = dictionary(document.trailer.get("/Info"))
    found = ((key[1:], _moment(text(stated.get(key))) if key in _DATES else text(stated.get(key)))
             for key in _STATED)  # fmt: skip
    return Counter(f"{name}: {value}" for name, value in found if value)


def _moment(value: str) -> str:
    """Return a date's digits down to the minute, as it was written there.

    Spelling differs ("D:", apostrophes), and all but the year may be missing: then the
    first month, the first day, midnight are meant (ISO 32000-1, 7.9.4).
    """
    found = _DATE.match(value)
    if found is None:
        return value
    digits = found.group(1)
    return (digits + "00000101000000"[len(digits) :])[:12]


def actions(document: Any) -> Counter[str]:
    """Return the kinds of what the document does, apart from leading somewhere on a click."""
    found: Counter[str] = Counter()
    scripts = dictionary(document.Root.get("/Names")).get("/JavaScript")
    for _, one in named(scripts, "/Names") if scripts is not None else ():
        found.update(_chain(one))
    for holder, clicked in _holders(document):
        kinds = _chain(holder.get("/A"))
        found.update(one for one in kinds if not clicked or one not in _LEADING)
        for key in ("/OpenAction", "/PA"):
            found.update(one for one in _chain(holder.get(key)) if one != "GoTo")
        for trigger in dictionary(holder.get("/AA")).values():
            found.update(_chain(trigger))
    return found


def _holders(document: Any) -> Iterator[tuple[Any, bool]]:
    """Yield (what may hold actions, whether its own is a link's or bookmark's)."""
    yield document.Root, False
    for page in document.pages:
        yield page.obj, False
        for one in placed(page):
            yield one, one.get("/Subtype") == "/Link"
    for node, _ in tree(dictionary(document.Root.get("/AcroForm")).get("/Fields"), "/Kids"):
        if "/Subtype" not in node:  # widgets were met on their pages
            yield node, False
    first = dictionary(document.Root.get("/Outlines")).get("/First")
    seen: set[tuple[int, int]] = set()
    waiting = [first]
    while waiting:
        one = dictionary(waiting.pop())
        if len(one) and same(one) not in seen:
            seen.add(same(one))
            waiting += [one.get("/Next"), one.get("/First")]
            yield one, True


def _chain(action: Any) -> list[str]:
    """Return the kinds of an action and of those that follow it (ISO 32000-1, 12.6.2)."""
    return [text(one.S).removeprefix("/") for one, _ in tree(action, "/Next", limit=1000)
            if "/S" in one]  # fmt: skip
