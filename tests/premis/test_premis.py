# SPDX-License-Identifier: AGPL-3.0-or-later
"""PREMIS by the schema of the Library of Congress, and what the schema cannot ask."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from lxml import etree

from pipeline.core.errors import ConfigError
from pipeline.core.records import Agent, Event, EventType, FileKind, FileRecord, Outcome
from pipeline.ledger import connection, rows
from pipeline.ledger.store import Ledger, RunFacts
from pipeline.premis.write import NS, write_premis
from tests.report.test_reports import NAMES, TIME, finished, make_ledger

P = {"p": NS}


class Local(etree.Resolver):
    """Finds xlink.xsd beside the schema: PREMIS names it by an address on the network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def resolve(self, url: str, public_id: str, context: object) -> object:
        name = url.rpartition("/")[2]
        return self.resolve_filename(str(self._folder / name), context)


@pytest.fixture(scope="session")
def schema(schemas: Path) -> etree.XMLSchema:
    loader = etree.XMLParser(no_network=True)
    loader.resolvers.add(Local(schemas))
    return etree.XMLSchema(etree.parse(schemas / "premis-3.0.xsd", loader))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> etree._ElementTree:
    return etree.parse(write_premis(make_ledger(tmp_path_factory.mktemp("out"))))


def values(tree: etree._ElementTree, path: str) -> list[str]:
    return [str(one) for one in tree.xpath(path, namespaces=P)]


def test_valid_by_the_schema(tree: etree._ElementTree, schema: etree.XMLSchema) -> None:
    schema.assertValid(tree)
    kinds = values(tree, "//p:object/@xsi:type".replace("xsi:type", "*[local-name()='type']"))
    assert set(kinds) == {"file"}


def test_every_file_is_an_object_and_every_output(tree: etree._ElementTree) -> None:
    names = values(tree, "//p:object/p:originalName/text()")
    assert len(names) == len(NAMES) + 7
    assert {"new%0Aline.pdf", "latin%E5.pdf", "åäö/Protokoll.pdf"} <= set(names)
    assert "<script>alert(1)</script>.pdf" in names
    identifiers = values(tree, "//p:objectIdentifierValue/text()")
    assert len(set(identifiers)) == len(identifiers)
    assert all(str(uuid.UUID(one)) == one for one in identifiers)


def test_derivations_lead_both_ways(tree: etree._ElementTree) -> None:
    def pairs(kind: str) -> set[tuple[str, str]]:
        return {
            (
                str(
                    one.xpath("../p:objectIdentifier/p:objectIdentifierValue", namespaces=P)[0].text
                ),
                str(one.xpath(".//p:relatedObjectIdentifierValue", namespaces=P)[0].text),
            )
            for one in tree.xpath(f"//p:relationship[p:relationshipSubType='{kind}']", namespaces=P)
        }

    forth, back = pairs("is source of"), pairs("has source")
    assert len(forth) == 7
    assert back == {(made, source) for source, made in forth}
    events = set(values(tree, "//p:event//p:eventIdentifierValue/text()"))
    related = values(tree, "//p:relatedEventIdentifierValue/text()")
    assert len(related) == 14
    assert set(related) <= events


def test_every_event_names_who_acted_and_on_what(tree: etree._ElementTree) -> None:
    agents = set(values(tree, "//p:agent//p:agentIdentifierValue/text()"))
    objects = set(values(tree, "//p:objectIdentifierValue/text()"))
    events = tree.xpath("//p:event", namespaces=P)
    assert len(events) == len(NAMES) * 2 - 1
    for event in events:
        who = event.xpath(".//p:linkingAgentIdentifierValue/text()", namespaces=P)
        what = event.xpath(".//p:linkingObjectIdentifierValue/text()", namespaces=P)
        assert who
        assert what
        assert set(who) <= agents
        assert set(what) <= objects


def test_what_was_not_made_has_no_derivation(tree: etree._ElementTree) -> None:
    one = tree.xpath("//p:object[p:originalName='latin%E5.pdf']", namespaces=P)
    assert len(one) == 1
    damaged = tree.xpath("//p:object[p:originalName='new%0Aline.pdf']", namespaces=P)[0]
    assert damaged.xpath("p:relationship", namespaces=P) == []
    assert damaged.xpath(".//p:formatRegistryKey/text()", namespaces=P) == ["fmt/276"]


def test_control_characters_do_not_break_it(tmp_path: Path, schema: etree.XMLSchema) -> None:
    ledger = Ledger(connection.path_in(tmp_path), Path("/in"), "a", "")
    ledger.start_run(RunFacts("policy 1", "p1", "", "{}", 1, "Linux"))
    ledger.scanned([FileRecord(b"a\x01\x1b[31m.pdf", FileKind.REGULAR, 1, 1)], frozenset())
    words = "bell \x07, escape \x1b, surrogate \udce5, noncharacter \uffff, <&>"
    event = Event(EventType.DIGEST, TIME, "success", words, (Agent("t", "1", words),))
    ledger.surveyed([rows.Surveyed(1, "aa", "bb", None, None, "", "", (event,))])
    ledger.failed(1, Outcome.CRASH, "file.crash", words)
    ledger.close()
    tree = etree.parse(write_premis(tmp_path))
    schema.assertValid(tree)
    (detail,) = values(tree, "//p:eventDetail/text()")
    assert detail.startswith("bell \ufffd, escape \ufffd, surrogate \\udce5")
    assert detail.endswith("<&>")
    assert values(tree, "//p:messageDigestAlgorithm/text()") == ["SHA-256", "SHA-512"]


def test_a_signature_is_an_event_of_its_source(tmp_path: Path, schema: etree.XMLSchema) -> None:
    ledger = Ledger(connection.path_in(tmp_path), Path("/in"), "a", "")
    ledger.start_run(RunFacts("policy 1", "p1", "", "{}", 1, "Linux"))
    ledger.scanned([FileRecord(b"a.pdf", FileKind.REGULAR, 1, 1)], frozenset())
    agent = Agent("pyhanko", "0.38.0", "PDF signatures")
    words = "signature 'Underskrift': valid; by CN=Åsa Öst; 2026-01-02T03:04:05Z"
    event = Event(EventType.SIGNATURE, TIME, "success", words, (agent,))
    ledger.surveyed([rows.Surveyed(1, "aa", None, None, None, "", "", (event,))])
    ledger.close()
    tree = etree.parse(write_premis(tmp_path))
    schema.assertValid(tree)
    (one,) = tree.xpath("//p:event[p:eventType='digital signature validation']", namespaces=P)
    assert one.xpath(".//p:eventDetail/text()", namespaces=P) == [words]
    assert one.xpath(".//p:eventOutcome/text()", namespaces=P) == ["success"]
    assert one.xpath(".//p:linkingObjectRole/text()", namespaces=P) == ["source"]
    assert values(tree, "//p:agentName/text()") == ["pyhanko"]


def test_the_present_generation_is_told(tmp_path: Path, schema: etree.XMLSchema) -> None:
    """A file that was worked on anew has one source object, and events of that work alone."""
    make_ledger(tmp_path)
    ledger = Ledger(connection.path_in(tmp_path), Path("/in/<i>"), "", "")
    ledger.start_run(RunFacts("policy 2", "p2", "", "{}", 1, "Linux"))
    ledger.reopen([1])
    ledger.finished([(finished(1, Outcome.OK), [])])
    ledger.close()
    tree = etree.parse(write_premis(tmp_path))
    schema.assertValid(tree)
    assert len(values(tree, "//p:object[p:originalName='plain.pdf']")) == 1


def test_without_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        write_premis(tmp_path)
    assert list(tmp_path.iterdir()) == []
