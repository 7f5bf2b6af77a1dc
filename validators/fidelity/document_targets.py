# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where links and bookmarks lead: to a page, an address, another file (ISO 32000-1, 12.3, 12.6)."""

from __future__ import annotations

from typing import Any

from validators.fidelity.document_objects import array, dictionary, named, number, text


class Targets:
    """Names targets of one document in words that two documents can be compared by."""

    def __init__(self, document: Any) -> None:
        self._pages = {page.obj.objgen: place for place, page in enumerate(document.pages, 1)}
        self._named: dict[str, Any] | None = None
        self._root = document.Root

    def of(self, holder: Any) -> str:
        """Return where a link or bookmark leads, "" where nowhere."""
        action = dictionary(holder.get("/A"))
        if "/S" not in action:
            return self._page(holder.get("/Dest"))
        kind = text(action.S).removeprefix("/")
        if kind == "GoTo":
            return self._page(action.get("/D"))
        if kind == "URI":
            return text(action.get("/URI"))
        if kind in ("GoToR", "GoToE", "Launch", "Thread"):
            return f"{kind} {_file(action.get('/F'))} {text(action.get('/D'))}".strip()
        return f"{kind} {text(action.get('/N'))}".strip()

    def _page(self, destination: Any) -> str:
        """Return "page n" of a destination, by name or outright."""
        if destination is None:
            return ""
        steps = array(destination)
        name = text(destination)
        if not steps and name:
            found = self._names().get(name.removeprefix("/"))
            if found is None:
                return f"unknown destination {name}"
            steps = array(found) or array(dictionary(found).get("/D"))
        if not steps:
            return ""
        first = steps[0]
        if isinstance(first, int):
            return f"page {number(first) + 1}"
        place = self._pages.get(getattr(first, "objgen", (0, 0)))
        return f"page {place}" if place else "a page that is not there"

    def _names(self) -> dict[str, Any]:
        if self._named is None:
            names = dictionary(self._root.get("/Names")).get("/Dests")
            self._named = dict(named(names, "/Names")) if names is not None else {}
            older = dictionary(self._root.get("/Dests"))
            self._named.update({key.removeprefix("/"): older[key] for key in older})
        return self._named


def _file(value: Any) -> str:
    plain = dictionary(value)
    return text(plain.get("/UF")) or text(plain.get("/F")) or text(value)
