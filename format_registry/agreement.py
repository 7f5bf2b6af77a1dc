# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two engines, one answer: the rules of docs/identification.md, and nothing else.

An answer is strong where it rests on bytes (container or signature). Strong answers are
compared by PUID, by PRONOM's priorities, and by what each engine's signatures know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from format_registry import siegfried
from format_registry.fido.engine import Answer
from format_registry.fido.model import SignatureSet
from pipeline.core.records import Agreement, Basis

# ZIP, OLE2 and OOXML as such: the container signature file's own TriggerPuids.
GENERIC = frozenset({"x-fmt/263", "fmt/111", "fmt/189"})


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say. `first`: the PUID's facts come from Siegfried's answer.

    `candidates` are all formats in question, where there is more than one.
    """

    puid: str | None
    agreement: Agreement
    basis: Basis
    first: bool = True
    candidates: tuple[str, ...] = ()

    @property
    def conflict(self) -> bool:
        """Whether a person must choose."""
        return self.agreement is Agreement.CONFLICT


def rule(
    one: siegfried.Answer | None,
    two: Answer | None,
    known: SignatureSet,
    newest: Callable[[str], bool],
) -> Ruling:
    """Return the ruling on Siegfried's answer and FIDO's; None: not asked, or it failed.

    `known` is FIDO's signature set; `newest` says whether a PUID that FIDO names is beyond
    what Siegfried's signatures can have.
    """
    ours = _strong(one)
    theirs = tuple(match.puid for match in two.matches) if two and two.basis.strong else ()
    if ours and two is not None and theirs:
        # Where the file's name chose among FIDO's, Siegfried's bytes choose better.
        return _both(one, two, ours, two.contenders or theirs, known, newest)
    if ours:
        lacking = two is not None and len(ours) == 1 and ours[0] not in known.signed
        return _alone(ours, Agreement.NEWER if lacking else Agreement.SINGLE, _basis(one), True)
    if theirs:
        lacking = one is not None and len(theirs) == 1 and newest(theirs[0])
        label = Agreement.NEWER if lacking else Agreement.SINGLE
        return _alone(theirs, label, two.basis if two else Basis.NONE, False)
    return _weak(one, two)


def _strong(one: siegfried.Answer | None) -> tuple[str, ...]:
    if one is None:
        return ()
    return tuple(m.puid for m in one.matches if siegfried.basis_of(m).strong)


def _basis(one: siegfried.Answer | None) -> Basis:
    return one.opinion.basis if one is not None else Basis.NONE


def _both(
    one: siegfried.Answer | None,
    two: Answer | None,
    ours: Sequence[str],
    theirs: Sequence[str],
    known: SignatureSet,
    newest: Callable[[str], bool],
) -> Ruling:
    every = tuple(dict.fromkeys([*ours, *theirs]))
    several = every if len(every) > 1 else ()
    basis, second = _basis(one), two.basis if two else Basis.NONE
    shared = [puid for puid in ours if puid in theirs]
    if len(shared) == 1:
        # One engine may leave a choice open that the other decides.
        stronger = Basis.CONTAINER if Basis.CONTAINER in (basis, second) else basis
        return Ruling(shared[0], Agreement.AGREE, stronger, True, several)
    best = [puid for puid in every if not any(known.over(other, puid) for other in every)]
    if Basis.CONTAINER in (basis, second):
        # What is inside says more than that it is a container, whatever priorities say.
        best = [puid for puid in best if puid not in GENERIC] or best
    if not shared and len(best) == 1:
        mine = best[0] in ours
        return Ruling(best[0], Agreement.REFINED, basis if mine else second, mine, several)
    if len(ours) == len(theirs) == 1:
        if ours[0] not in known.signed:
            return Ruling(ours[0], Agreement.NEWER, basis, True, several)
        if newest(theirs[0]):
            return Ruling(theirs[0], Agreement.NEWER, second, False, several)
    return Ruling((shared or ours)[0], Agreement.CONFLICT, basis, True, several)


def _alone(puids: Sequence[str], label: Agreement, basis: Basis, first: bool) -> Ruling:
    if len(puids) == 1:
        return Ruling(puids[0], label, basis, first)
    return Ruling(puids[0], Agreement.CONFLICT, basis, first, tuple(puids))


def _weak(one: siegfried.Answer | None, two: Answer | None) -> Ruling:
    """Rule where neither rests on bytes: text before extension, Siegfried before FIDO.

    An extension that several formats share names none of them.
    """
    named = tuple(match.puid for match in two.matches) if two else ()
    candidates = tuple(dict.fromkeys([*(m.puid for m in (one.matches if one else ())), *named]))
    if one is not None and len(one.matches) == 1:
        basis, several = siegfried.basis_of(one.matches[0]), len(candidates) > 1
        return Ruling(one.matches[0].puid, Agreement.WEAK, basis, True, candidates * several)
    if len(named) == 1 and (one is None or not one.matches):
        return Ruling(named[0], Agreement.WEAK, Basis.EXTENSION, False)
    return Ruling(None, Agreement.WEAK, Basis.NONE, False, candidates)
