# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the identification engines answered, in words for events and for the ledger."""

from __future__ import annotations

from pipeline.core.records import Agreement, Identification, Opinion

_NAMED = 8  # PUIDs of one answer; an extension may stand for twenty
_LONGEST = 200


def answers(found: Identification) -> str:
    """Return each engine's answer: `Siegfried: fmt/1 (signature); FIDO: fmt/2 (signature)`."""
    return "; ".join(f"{one.engine}: {_answer(one)}" for one in found.opinions)


def differ(found: Identification) -> bool:
    """Whether the engines did not all answer the same."""
    return len({one.puids for one in found.opinions}) > 1


def basis(found: Identification) -> str:
    """Return on what an identification rests, and say so where that is not the content."""
    if found.puid is None:
        return "unknown"
    only = " only" if found.agreement is Agreement.WEAK else ""
    return f"{found.puid} by {found.basis.value}{only}"


def clues(found: Identification) -> str:
    """Return what speaks for some format where no engine could tell, "" if nothing does."""
    if found.clues is None:
        return f"perhaps {_some(found.candidates)}" if found.candidates else ""
    words = [part for part in (found.clues.mime, found.clues.description) if part]
    told = [f"libmagic: {', '.join(words)}"] if words else []
    if found.clues.nearest:
        one = found.clues.nearest[0]
        told.append(f"nearest: {' '.join(filter(None, (one.puid, one.name)))} ({one.why})")
    return "; ".join(told)


def _answer(one: Opinion) -> str:
    if not one.signatures:
        # An engine that answered names the signatures that it used.
        return f"failed, {one.note[:_LONGEST]}"
    return f"{_some(one.puids)} ({one.basis.value})" if one.puids else "no answer"


def _some(puids: tuple[str, ...]) -> str:
    more = len(puids) - _NAMED
    return ", ".join(puids[:_NAMED]) + (f" and {more} more" if more > 0 else "")
