# SPDX-License-Identifier: AGPL-3.0-or-later
"""The rules by which two engines' answers become one, each on the smallest case."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from format_registry import agreement, siegfried
from format_registry.agreement import Ruling
from format_registry.fido.engine import NOTHING, Answer
from format_registry.fido.engine import Match as Ours
from format_registry.fido.model import ContainerSignature, Format, Signature, SignatureSet
from pipeline.core.records import Agreement, Basis, Opinion

# A over B over C over D; nothing between those and X, Y. NEW has no signature here.
OVER = {"A": ("B",), "B": ("C",), "C": ("D",), "X": (), "Y": (), "NEW": (), "D": ("x-fmt/263",)}
KNOWN = SignatureSet(
    name="small",
    version=1,
    sources=(),
    formats={puid: Format(puid, over=frozenset(over)) for puid, over in OVER.items()},
    signatures=tuple(Signature(puid, puid, ()) for puid in [*"ABCDX", *agreement.GENERIC]),
    containers=(ContainerSignature("ZIP", "Y", ("Y",), ()),),
)
WORDS = {
    Basis.CONTAINER: "container name content.xml",
    Basis.SIGNATURE: "byte match at 0, 4",
    Basis.TEXT: "text match ASCII",
    Basis.EXTENSION: "extension match abc",
}


def sf(*puids: str, basis: Basis = Basis.SIGNATURE) -> siegfried.Answer:
    matches = tuple(siegfried.Match(one, one, "", "", WORDS[basis], "") for one in puids)
    opinion = Opinion("Siegfried", "1", "", puids, basis if puids else Basis.NONE)
    return siegfried.Answer(opinion, matches)


def fido(*puids: str, basis: Basis = Basis.SIGNATURE, among: Iterable[str] = ()) -> Answer:
    return Answer(tuple(Ours(one, one) for one in puids), basis, tuple(among))


def rule(one: siegfried.Answer | None, two: Answer | None, newest: Iterable[str] = ()) -> Ruling:
    return agreement.rule(one, two, KNOWN, lambda puid: puid in newest)


C, S, T, E = Basis.CONTAINER, Basis.SIGNATURE, Basis.TEXT, Basis.EXTENSION


@pytest.mark.parametrize(
    ("one", "two", "puid", "basis", "candidates"),
    [
        (sf("X"), fido("X"), "X", S, ()),
        (sf("X", basis=C), fido("X", basis=C), "X", C, ()),
        # The stronger basis of the two.
        (sf("X"), fido("X", basis=C), "X", C, ()),
        (sf("X", basis=C), fido("X"), "X", C, ()),
        # One leaves a choice that the other decides.
        (sf("X", "Y"), fido("Y"), "Y", S, ("X", "Y")),
        (sf("X"), fido("Y", "X"), "X", S, ("X", "Y")),
        # Where the name chose among FIDO's, Siegfried's bytes choose better.
        (sf("X"), fido("Y", among=["X", "Y"]), "X", S, ("X", "Y")),
    ],
)
def test_agree(
    one: siegfried.Answer, two: Answer, puid: str, basis: Basis, candidates: tuple[str, ...]
) -> None:
    assert rule(one, two) == Ruling(puid, Agreement.AGREE, basis, True, candidates)


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (sf("A"), fido("B"), Ruling("A", Agreement.REFINED, S, True, ("A", "B"))),
        (sf("B"), fido("A"), Ruling("A", Agreement.REFINED, S, False, ("B", "A"))),
        (sf("B"), fido("A", basis=C), Ruling("A", Agreement.REFINED, C, False, ("B", "A"))),
        # Through others.
        (sf("D"), fido("A"), Ruling("A", Agreement.REFINED, S, False, ("D", "A"))),
        (sf("A"), fido("C", "D"), Ruling("A", Agreement.REFINED, S, True, ("A", "C", "D"))),
        # Priority goes before what the signatures of either know.
        (sf("A"), fido("D"), Ruling("A", Agreement.REFINED, S, True, ("A", "D"))),
    ],
)
def test_refined_by_pronoms_priorities(
    one: siegfried.Answer, two: Answer, expected: Ruling
) -> None:
    assert rule(one, two, newest=["D"]) == expected


@pytest.mark.parametrize("generic", sorted(agreement.GENERIC))
def test_refined_where_one_sees_only_that_it_is_a_container(generic: str) -> None:
    both = Ruling("Y", Agreement.REFINED, C, True, ("Y", generic))
    assert rule(sf("Y", basis=C), fido(generic)) == both
    other = Ruling("Y", Agreement.REFINED, C, False, (generic, "Y"))
    assert rule(sf(generic), fido("Y", basis=C)) == other
    # From bytes alone it is no more than another answer.
    assert rule(sf("Y"), fido(generic)).agreement is Agreement.CONFLICT


def test_newer_where_the_others_signatures_do_not_have_it() -> None:
    pair = ("NEW", "X")
    assert rule(sf("NEW"), fido("X")) == Ruling("NEW", Agreement.NEWER, S, True, pair)
    assert rule(sf("NEW"), None) == Ruling("NEW", Agreement.SINGLE, S, True)
    assert rule(sf("NEW"), NOTHING) == Ruling("NEW", Agreement.NEWER, S, True)
    assert rule(sf("NEW"), fido("X", basis=E)) == Ruling("NEW", Agreement.NEWER, S, True)
    back = Ruling("Y", Agreement.NEWER, C, False, ("X", "Y"))
    assert rule(sf("X"), fido("Y", basis=C), newest=["Y"]) == back
    alone = Ruling("Y", Agreement.NEWER, S, False)
    assert rule(sf(), fido("Y"), newest=["Y"]) == alone
    assert rule(sf("X", basis=E), fido("Y"), newest=["Y"]) == alone


@pytest.mark.parametrize(
    ("one", "two", "puid", "candidates"),
    [
        (sf("X"), fido("Y"), "X", ("X", "Y")),
        (sf("X"), fido("Y", basis=C), "X", ("X", "Y")),
        (sf("X", "Y"), fido("X", "Y"), "X", ("X", "Y")),
        (sf("X", "A"), fido("Y"), "X", ("X", "A", "Y")),
        (sf("B"), fido("A", "X"), "B", ("B", "A", "X")),
        # Several, of which one is new: no one knows what the others would have become.
        (sf("NEW", "X"), fido("Y"), "NEW", ("NEW", "X", "Y")),
        (sf("X", "Y"), NOTHING, "X", ("X", "Y")),
        (sf("X", "Y"), None, "X", ("X", "Y")),
    ],
)
def test_conflict_where_nothing_decides(
    one: siegfried.Answer, two: Answer | None, puid: str, candidates: tuple[str, ...]
) -> None:
    found = rule(one, two)
    assert (found.puid, found.agreement, found.candidates) == (
        puid, Agreement.CONFLICT, candidates,
    )  # fmt: skip
    assert found.conflict
    assert found.first


def test_conflict_of_fido_alone() -> None:
    expected = Ruling("X", Agreement.CONFLICT, S, False, ("X", "Y"))
    assert rule(None, fido("X", "Y")) == expected
    assert rule(sf(), fido("X", "Y")) == expected


@pytest.mark.parametrize("silent", [None, NOTHING, fido("X", basis=E)])
def test_single_where_only_siegfried_has_bytes(silent: Answer | None) -> None:
    assert rule(sf("X", basis=C), silent) == Ruling("X", Agreement.SINGLE, C, True)


@pytest.mark.parametrize("silent", [None, sf(), sf("Y", basis=E), sf("Y", basis=T)])
def test_single_where_only_fido_has_bytes(silent: siegfried.Answer | None) -> None:
    assert rule(silent, fido("X", basis=C)) == Ruling("X", Agreement.SINGLE, C, False)
    # Not asked, Siegfried cannot lack what FIDO knows.
    label = Agreement.SINGLE if silent is None else Agreement.NEWER
    assert rule(silent, fido("X"), newest=["X"]).agreement is label


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        # Text before extension, Siegfried before FIDO.
        (sf("X", basis=T), fido("Y", basis=E), Ruling("X", Agreement.WEAK, T, True, ("X", "Y"))),
        (sf("X", basis=E), fido("Y", basis=E), Ruling("X", Agreement.WEAK, E, True, ("X", "Y"))),
        (sf("X", basis=E), fido("X", basis=E), Ruling("X", Agreement.WEAK, E)),
        (sf("X", basis=E), None, Ruling("X", Agreement.WEAK, E)),
        (None, fido("Y", basis=E), Ruling("Y", Agreement.WEAK, E, False)),
        (sf(), fido("Y", basis=E), Ruling("Y", Agreement.WEAK, E, False)),
        # A name that several formats share names none.
        (sf("X", "Y", basis=E), None, Ruling(None, Agreement.WEAK, Basis.NONE, False, ("X", "Y"))),
        (sf("X", "Y", basis=E), fido("Y", basis=E),
         Ruling(None, Agreement.WEAK, Basis.NONE, False, ("X", "Y"))),
        (None, fido("X", "Y", basis=E),
         Ruling(None, Agreement.WEAK, Basis.NONE, False, ("X", "Y"))),
        (sf(), NOTHING, Ruling(None, Agreement.WEAK, Basis.NONE, False)),
        (None, None, Ruling(None, Agreement.WEAK, Basis.NONE, False)),
    ],
)  # fmt: skip
def test_weak_where_neither_has_bytes(
    one: siegfried.Answer | None, two: Answer | None, expected: Ruling
) -> None:
    assert rule(one, two) == expected


def test_priorities_that_run_in_circles_decide_nothing() -> None:
    formats = {"P": Format("P", over=frozenset("Q")), "Q": Format("Q", over=frozenset("P"))}
    some = (Signature("P", "", ()), Signature("Q", "", ()))
    circle = SignatureSet("circle", 1, (), formats, some, ())
    found = agreement.rule(sf("P"), fido("Q"), circle, lambda _puid: False)
    assert (found.puid, found.agreement) == ("P", Agreement.CONFLICT)
