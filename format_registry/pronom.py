# SPDX-License-Identifier: AGPL-3.0-or-later
"""What PRONOM knows of a format: the signature set in use, and PRONOM's reports.

The set in use is what files are identified by, so names, versions, MIME types, extensions
and priorities are told from it; the reports, often older, add the rest.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from format_registry import reports
from format_registry.fido.model import Format, SignatureSet
from format_registry.reports import Record, Relation

_OVER, _UNDER = "Has priority over", "Has lower priority than"
_PUID = re.compile(r"(?:x-)?fmt/\d+", re.IGNORECASE)


def is_puid(text: str) -> bool:
    """Whether a text has the form of a PUID, known or not."""
    return _PUID.fullmatch(text) is not None


def record(puid: str) -> Record | None:
    """Return what is known of a format, or None. A PUID is taken as PRONOM writes it."""
    return records().get(puid)


def by_extension(extension: str) -> tuple[Record, ...]:
    """Return the formats whose files are named like this, in the order of their PUIDs."""
    wanted = extension.lower().removeprefix(".")
    return tuple(one for one in records().values() if wanted in one.extensions)


def search(text: str) -> tuple[Record, ...]:
    """Return the formats whose name and version hold every word of the text."""
    # Whole words: "doc" would otherwise find every format that is a document.
    words = _words(text)
    return tuple(
        one for one in records().values() if words and words <= _words(f"{one.name} {one.version}")
    )


def near(text: str) -> tuple[str, ...]:
    """Return a few PUIDs, extensions or names that may have been meant."""
    if is_puid(text):
        number = str(int(text.partition("/")[2]))
        # The usual slips: fmt for x-fmt, a zero in front, a digit wrong.
        slips = [one for one in (f"fmt/{number}", f"x-fmt/{number}") if one in records()]
        return tuple(dict.fromkeys([*slips, *difflib.get_close_matches(text, records(), 3)]))[:3]
    wanted = text.lower().removeprefix(".")
    extensions = {one for each in records().values() for one in each.extensions}
    close = [f".{one}" for one in difflib.get_close_matches(wanted, sorted(extensions), 3, 0.7)]
    names = {one.name.casefold(): one.name for one in records().values()}
    close += [names[one] for one in difflib.get_close_matches(wanted, names, 3)]
    return tuple(close[:3])


def records() -> Mapping[str, Record]:
    """Return everything that is known, by PUID and in the order of PUIDs."""
    in_use = _in_use()
    return _records(in_use.name, in_use.sources)


@lru_cache(maxsize=2)
def _records(_name: str, _sources: tuple[tuple[str, str], ...]) -> Mapping[str, Record]:
    # The arguments are what a set is told apart by; the set itself cannot be a key.
    in_use, told = _in_use(), reports.reports()
    under: dict[str, set[str]] = {}
    for one in in_use.formats.values():
        for lower in one.over:
            under.setdefault(lower, set()).add(one.puid)
    found: dict[str, Record] = {}
    for puid in sorted({*in_use.formats, *told}, key=reports.order):
        format_ = in_use.formats.get(puid)
        # A set may have formats that are no PRONOM format: Fido's own, for instance.
        if is_puid(puid):
            base = told.get(puid) or Record(puid, "")
            found[puid] = _joined(base, format_, in_use.name) if format_ else base
    return {
        puid: replace(one, relations=_relations(one, found, in_use, under.get(puid, set())))
        for puid, one in found.items()
    }


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w.+]+", text.casefold()))


def _in_use() -> SignatureSet:
    # Here, not above: the identifier's modules are needed only when a format is asked for.
    from format_registry import signatures

    return signatures.active()


def _joined(base: Record, format_: Format, name: str) -> Record:
    mime = tuple(one.strip() for one in format_.mime.split(",") if one.strip())
    return replace(
        base,
        name=format_.name or base.name,
        version=format_.version if format_.name else base.version,
        mime=mime or base.mime,
        extensions=tuple(one.lower() for one in format_.extensions) or base.extensions,
        signatures=name,
    )


def _relations(
    one: Record, known: Mapping[str, Record], in_use: SignatureSet, under: set[str]
) -> tuple[Relation, ...]:
    """Return what the reports say, priorities by the set in use where that has the format."""
    related = {(each.kind, each.puid): each for each in one.relations}
    if format_ := in_use.formats.get(one.puid):
        kept = [key for key in related if key[0] not in (_OVER, _UNDER)]
        now = [*((_OVER, puid) for puid in format_.over), *((_UNDER, puid) for puid in under)]
        related = {key: related.get(key, Relation(*key)) for key in [*kept, *now]}
    return tuple(
        _named(related[key], known)
        for key in sorted(related, key=lambda key: (_rank(key[0]), reports.order(key[1])))
    )


def _named(relation: Relation, known: Mapping[str, Record]) -> Relation:
    other = known.get(relation.puid)
    return replace(relation, name=other.name, version=other.version) if other else relation


def _rank(kind: str) -> tuple[bool, str]:
    # Priorities are about identification and often many: they come last.
    return kind in (_OVER, _UNDER), kind
