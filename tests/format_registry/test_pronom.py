# SPDX-License-Identifier: AGPL-3.0-or-later
"""PRONOM's facts: names and priorities as files are identified, the rest from the reports."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from format_registry import policy as policies
from format_registry import pronom, reports
from format_registry.fido.model import Format, SignatureSet
from format_registry.knowledge import knowledge
from pipeline.core.records import Action

NEWER = SignatureSet(
    name="PRONOM v999",
    version=999,
    sources=(),
    formats=MappingProxyType(
        {
            one.puid: one
            for one in (
                Format("fmt/40", "Word", "97 anew", "a/b, c/d", ("DOC",), frozenset({"fmt/9001"})),
                Format("fmt/609", "Generic", over=frozenset({"fmt/40"})),
                Format("fmt/9001", "Brand New", "1", "", ("new",)),
                Format("fido-fmt/1", "not PRONOM's"),
            )
        }
    ),
    signatures=(),
    containers=(),
)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature set that is newer than the reports."""
    monkeypatch.setattr(pronom, "_in_use", lambda: NEWER)


def related(puid: str, kind: str) -> list[str]:
    found = pronom.record(puid)
    assert found
    return [one.puid for one in found.relations if one.kind == kind]


def test_a_report_says_what_it_says() -> None:
    one = reports.reports()["fmt/40"]
    assert (one.name, one.version) == ("Microsoft Word Document", "97-2003")
    assert (one.mime, one.types) == (("application/msword",), ("Word Processor",))
    assert one.extensions == ("doc", "wbk")
    assert one.description.startswith("With the release of Word 97")
    assert one.pronom_version == reports.version() >= 109
    assert reports.reports()["fmt/354"].released == "01 Oct 2005"


def test_relations_lead_to_puids() -> None:
    everything = reports.reports()
    assert len(everything) > 2000
    relations = [one for record in everything.values() for one in record.relations]
    assert len(relations) > 3000
    assert {one.puid for one in relations} <= everything.keys()
    assert related("fmt/412", "Is supertype of") == ["fmt/597", "fmt/599"]
    assert related("fmt/40", "Is subsequent version of") == ["fmt/39"]
    assert related("fmt/40", "Is subtype of") == ["fmt/111"]


def test_the_signature_set_in_use_is_told_from() -> None:
    for puid in ("fmt/412", "fmt/354", "fmt/40", "x-fmt/111"):
        one = pronom.record(puid)
        assert one
        assert one.signatures
        assert one.pronom_version
    assert "fmt/18" in related("fmt/354", "Has priority over")
    assert "fmt/354" in related("fmt/18", "Has lower priority than")
    assert pronom.record("fmt/9999") is None


def test_a_newer_set_goes_before_the_reports(newer: None) -> None:
    one = pronom.record("fmt/40")
    assert one
    assert (one.name, one.version, one.mime) == ("Word", "97 anew", ("a/b", "c/d"))
    assert (one.extensions, one.signatures) == (("doc",), "PRONOM v999")
    assert one.description.startswith("With the release of Word 97")
    # Its priorities replace the reports'; other relations stay, under the names in use.
    assert related("fmt/40", "Has priority over") == ["fmt/9001"]
    assert related("fmt/40", "Has lower priority than") == ["fmt/609"]
    assert related("fmt/40", "Is subtype of") == ["fmt/111"]
    assert {each.name for each in one.relations if each.puid == "fmt/9001"} == {"Brand New"}


def test_what_one_of_the_two_does_not_have(newer: None) -> None:
    new, old = pronom.record("fmt/9001"), pronom.record("fmt/354")
    assert new
    assert old
    assert (new.name, new.pronom_version, new.signatures) == ("Brand New", 0, "PRONOM v999")
    assert (old.pronom_version, old.signatures) == (reports.version(), "")
    assert "fmt/18" in related("fmt/354", "Has priority over")
    assert pronom.record("fido-fmt/1") is None


def test_look_up_by_extension_and_by_name() -> None:
    assert {"fmt/40", "fmt/39"} <= {one.puid for one in pronom.by_extension(".DOC")}
    assert "fmt/412" in [one.puid for one in pronom.by_extension("docx")]
    assert pronom.by_extension("nosuchthing") == ()
    found = [one.puid for one in pronom.search("WORD 97")]
    assert "fmt/40" in found
    assert found == sorted(found, key=reports.order)
    assert pronom.search("") == pronom.search("nosuchthing") == ()


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("fmt/0412", "fmt/412"), ("fmt/454", "x-fmt/454"), ("docxx", ".docx")],
)
def test_what_may_have_been_meant(wrong: str, meant: str) -> None:
    assert meant in pronom.near(wrong)


def test_puids_are_in_the_order_of_their_numbers() -> None:
    puids = ["x-fmt/2", "fmt/10", "fmt/9", "x-fmt/10"]
    assert sorted(puids, key=reports.order) == ["fmt/9", "fmt/10", "x-fmt/2", "x-fmt/10"]


def test_knowledge_joins_facts_risk_and_policy() -> None:
    policy = policies.load(policies.default_path())
    word = knowledge("fmt/40", policy)
    assert word.name == "Microsoft Word Document"
    assert [one.level for one in word.risks] == ["moderate"]
    (rule,) = word.rules
    levels = ("fmt/476", "fmt/477", "fmt/478")
    assert (rule.action, rule.target, rule.makes) == (Action.MIGRATE, "pdfa-2b", levels)
    assert (rule.reason, rule.source) != ("", "")
    pdfa = knowledge("fmt/477", policy)
    assert "pdfa-2b" in pdfa.target_of
    first = pdfa.rules[0]
    assert (first.id, first.when) == ("pdfa-keep", {"pdfa_valid": True})


def test_nothing_is_known_of_what_does_not_exist() -> None:
    nothing = knowledge("fmt/9999", policies.load(policies.default_path()))
    assert not nothing.found
    assert (nothing.record, nothing.risks, nothing.rules, nothing.name) == (None, (), (), "")
