# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the reports say of the identification: of real files, and of answers that conflict."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from lxml import html as parser

from format_registry import policy as policies
from pipeline.config.settings import Settings
from pipeline.core.records import (
    Agreement,
    Basis,
    Candidate,
    Clues,
    FileKind,
    FileRecord,
    Identification,
    Opinion,
    Outcome,
)
from pipeline.ledger import connection, rows
from pipeline.ledger.store import Ledger, RunFacts
from pipeline.premis.write import NS, write_premis
from pipeline.report import identified
from pipeline.report.build import write_all
from pipeline.report.texts import LANGUAGES, labels
from pipeline.steps.jobs import Context, SurveyJob
from pipeline.steps.survey import survey

MAGIC = b"QQZ1\x00\x01\x02\x03"
SWEDISH = "Räksmörgås i ärendet, åäö\n"
CONFLICT = Identification(
    "fmt/1105", Basis.SIGNATURE, "Siegfried", "V125", name="Hierarchical <File> System",
    candidates=("fmt/1105", "x-fmt/342"), conflict=True, agreement=Agreement.CONFLICT,
    opinions=(
        Opinion("Siegfried", "1.11", "V125", ("fmt/1105",), Basis.SIGNATURE),
        Opinion("FIDO", "1.6", "v109", ("x-fmt/342", "x-fmt/8"), Basis.SIGNATURE),
    ),
)  # fmt: skip


def started(out: Path) -> Ledger:
    ledger = Ledger(connection.path_in(out), Path("/in"), "Leverans", "")
    ledger.start_run(RunFacts("policy 1", "p1", "", "{}", 1, "Linux"))
    return ledger


def surveyed(out: Path, found: dict[str, Identification]) -> Path:
    """Write a ledger of files that were identified so."""
    ledger = started(out)
    ledger.scanned(
        [FileRecord(name.encode(), FileKind.REGULAR, 10, 1) for name in found], frozenset()
    )
    ledger.surveyed(
        [
            rows.Surveyed(number, f"{number:064x}", None, one, None, "", "", ())
            for number, one in enumerate(found.values(), 1)
        ]
    )
    ledger.close()
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a small real delivery, each file of it read by both engines."""
    source, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    chance = random.Random(1)
    contents = {f"mätning {n:04}.qqz": MAGIC + chance.randbytes(8) * 9 for n in range(1000)}
    for n in range(3):
        contents[f"crlf{n}.txt"] = SWEDISH.replace("\n", "–\r\n").encode("cp1252") * (n + 9)
    for n in range(4):
        contents[f"lf{n}.txt"] = SWEDISH.encode() * (n + 9)
    contents["kalkyl.wq1"] = b"\xc8\x01\x00\x07" * 30
    contents["ritning.dwg"] = b"\xc8\x01\x00\x07" * 30
    contents["brev.pdf"] = b"%PDF-1.4\n%%EOF\n"
    contents["tom.txt"] = b""
    for name, data in contents.items():
        (source / name).write_bytes(data)
    context = Context(source, out, policies.load(policies.default_path()), Settings())
    ledger = started(out)
    ledger.scanned(
        [FileRecord(os.fsencode(name), FileKind.REGULAR, len(data), 1)
         for name, data in contents.items()],
        frozenset(),
    )  # fmt: skip
    for number, (name, data) in enumerate(contents.items(), 1):
        one = survey(SurveyJob(number, os.fsencode(name), len(data), 1), context)
        assert one.digest is not None
        end = one.failure
        ledger.surveyed(
            [
                rows.Surveyed(
                    number, one.digest.sha256, None, one.identification,
                    end.outcome if end else None, end.code if end else "",
                    end.detail if end else "", one.events,
                )
            ]
        )  # fmt: skip
    ledger.close()
    return out


@pytest.fixture(scope="module")
def written(out: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8-sig") for path in write_all(out)}


@pytest.fixture(scope="module")
def told(written: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written["report.json"])["identification"]
    return found


def shown(page: str) -> str:
    return " ".join(parser.fromstring(page).text_content().split())


def test_every_identified_file_is_in_one_line_of_the_agreement(told: dict[str, Any]) -> None:
    found = {one["agreement"]: one["files"] for one in told["agreement"]}
    assert found == {"agree": 1, "weak": 1009}, "all but the empty one"


def test_a_thousand_of_one_unknown_kind_are_one_line(
    told: dict[str, Any], written: dict[str, str]
) -> None:
    unknown = told["unknown"]
    assert (unknown["files"], unknown["groups"]) == (1001, 2)
    many, drawing = unknown["listed"]
    assert (many["files"], many["bytes"]) == (1000, 1000 * 80)
    assert many["extensions"] == ["qqz"]
    assert (many["mime"], many["description"]) == ("application/octet-stream", "data")
    assert bytes.fromhex(many["first"])[:8] == MAGIC
    assert many["alike"] == 8
    assert 0 < many["entropy"][0] <= many["entropy"][1] < 5
    assert many["examples"] == [f"mätning {n:04}.qqz" for n in range(3)]
    assert drawing["extensions"] == ["dwg"]
    assert {one["why"] for one in drawing["nearest"]} == {"extension"}
    assert drawing["nearest"][0]["puid"] == "fmt/21"
    for language, more in (("sv", "och 997 till"), ("en", "and 997 more")):
        page = parser.fromstring(written[f"report.{language}.html"])
        (table,) = page.find_class("unknown")
        assert len(table.xpath(".//tbody/tr")) == 2
        assert more in shown(etree.tostring(table, encoding="unicode"))
        assert table.xpath(".//b/text()") == ["51 51 5a 31 00 01 02 03"]


def test_texts_are_counted_by_encoding_and_line_ends(told: dict[str, Any]) -> None:
    found = {(one["encoding"], one["line_ends"]): one["files"] for one in told["texts"]}
    assert found == {("cp1252", "CRLF"): 3, ("utf-8", "LF"): 4}


def test_weak_evidence_does_not_pass_for_a_signature(
    told: dict[str, Any], written: dict[str, str]
) -> None:
    found = {(one["puid"], one["basis"]): one["files"] for one in told["weak"]}
    assert found == {("x-fmt/111", "text"): 7, ("x-fmt/121", "extension"): 1}
    formats = {one["puid"]: one for one in json.loads(written["report.json"])["formats"]}
    assert (formats["x-fmt/111"]["by_text"], formats["x-fmt/111"]["by_extension"]) == (7, 0)
    assert (formats["fmt/18"]["by_text"], formats["fmt/18"]["by_extension"]) == (0, 0)
    english, swedish = shown(written["report.en.html"]), shown(written["report.sv.html"])
    assert "Plain Text File7 as text only" in english.replace("File 7", "File7")
    assert "1 enbart efter filändelse" in swedish


def test_the_signatures_of_each_engine(told: dict[str, Any], written: dict[str, str]) -> None:
    found = {one["engine"]: one for one in told["signatures"]}
    assert set(found) == {"Siegfried", "FIDO"}
    assert {one["files"] for one in found.values()} == {1010}
    for page in ("report.sv.html", "report.en.html"):
        assert all(one["signatures"] in shown(written[page]) for one in found.values())


def test_the_csv_has_both_answers(written: dict[str, str]) -> None:
    table = {
        one["path"]: one for one in csv.DictReader(io.StringIO(written["files.csv"], newline=""))
    }
    pdf, text, drawing = table["brev.pdf"], table["crlf0.txt"], table["ritning.dwg"]
    assert (pdf["siegfried_puid"], pdf["fido_puid"], pdf["agreement"]) == (
        "fmt/18", "fmt/18", "agree",
    )  # fmt: skip
    assert (pdf["encoding"], pdf["clue_group"]) == ("", "")
    assert (text["encoding"], text["line_ends"]) == ("cp1252", "CRLF")
    assert (text["siegfried_basis"], text["fido_basis"]) == ("text", "extension")
    assert drawing["siegfried_puid"] == ""
    assert drawing["fido_puid"].startswith("fmt/21 fmt/22 ")
    assert drawing["clue_group"].endswith(".dwg")
    assert (table["tom.txt"]["agreement"], table["tom.txt"]["fido_puid"]) == ("", "")


def test_premis_tells_of_weak_evidence(out: Path) -> None:
    tree = etree.parse(write_premis(out))

    def notes(name: str) -> list[str]:
        query = f"//p:object[p:originalName='{name}']//p:formatNote/text()"
        return [str(one) for one in tree.xpath(query, namespaces={"p": NS})]

    assert notes("kalkyl.wq1")[1:] == ["identified by extension only"]
    assert notes("lf0.txt")[1:] == ["identified by text only"]
    assert len(notes("brev.pdf")) == len(notes("ritning.dwg")) == 1
    agents = [str(one) for one in tree.xpath("//p:agentNote/text()", namespaces={"p": NS})]
    # Siegfried's file and the one that opf-fido ships write their names so.
    assert any("DROID_SignatureFile_V" in one for one in agents)
    assert any("DROID_SignatureFile-v" in one for one in agents)


def test_conflicts_of_one_kind_are_one_line_with_both_answers(tmp_path: Path) -> None:
    other = replace(CONFLICT, opinions=CONFLICT.opinions[1:])
    found = {f"{n}.img": CONFLICT for n in range(5)} | {"single.img": other}
    written = {path.name: path for path in write_all(surveyed(tmp_path, found))}
    told = json.loads(written["report.json"].read_text(encoding="utf-8"))
    assert told["identification"]["conflicts"] == [
        {"siegfried": "fmt/1105", "fido": "x-fmt/342 x-fmt/8", "puid": "fmt/1105",
         "name": "Hierarchical <File> System", "files": 5,
         "examples": ["0.img", "1.img", "2.img"]},
        {"siegfried": None, "fido": "x-fmt/342 x-fmt/8", "puid": "fmt/1105",
         "name": "Hierarchical <File> System", "files": 1, "examples": ["single.img"]},
    ]  # fmt: skip
    page = shown(written["report.sv.html"].read_text(encoding="utf-8"))
    assert "Konflikter" in page
    assert "och 2 till" in page
    assert "6 i konflikt" in page
    tree = etree.parse(write_premis(tmp_path))
    note = tree.xpath("//p:formatNote[starts-with(., 'the answers')]", namespaces={"p": NS})
    assert len(note) == 6


def looks_like(group: str, number: int, **change: Any) -> Identification:
    clues = Clues("a/b", "words", float(number), bytes([9, number]) * 8, (), group)
    return Identification(
        None, Basis.NONE, "FIDO", "v109", agreement=Agreement.WEAK, clues=replace(clues, **change)
    )


def test_the_commonest_stands_for_the_group(tmp_path: Path) -> None:
    near = Candidate("fmt/1", "One", "mime")
    first = Candidate("fmt/2", "Two", "signature")
    found = {
        "a.x": looks_like("g", 1, description="rare", nearest=(first, near)),
        "b.y": looks_like("g", 2, first=b"\x09\x07", nearest=(near,)),
        "c.y": looks_like("g", 3, first=b"\x09\x07"),
        "=d": looks_like("<h>", 4),
    }
    written = {path.name: path for path in write_all(surveyed(tmp_path, found))}
    told = json.loads(written["report.json"].read_text(encoding="utf-8"))
    group, other = told["identification"]["unknown"]["listed"]
    assert (group["group"], group["files"], group["entropy"]) == ("g", 3, [1.0, 3.0])
    assert (group["description"], group["first"], group["alike"]) == ("words", "0907", 1)
    assert group["extensions"] == ["y", "x"]
    assert [(one["puid"], one["files"]) for one in group["nearest"]] == [("fmt/1", 2), ("fmt/2", 1)]
    assert (other["group"], other["extensions"], other["nearest"]) == ("<h>", [""], [])


def test_only_the_present_generation_counts(tmp_path: Path) -> None:
    surveyed(tmp_path, {"a": looks_like("g", 1), "b": CONFLICT})
    ledger = started(tmp_path)
    changed = [FileRecord(b"a", FileKind.REGULAR, 10, 2), FileRecord(b"b", FileKind.REGULAR, 10, 2)]
    for number in (1, 2):
        ledger.finished([(nothing(number), [])])
    ledger.scanned(changed, frozenset())
    plain = replace(CONFLICT, conflict=False, agreement=Agreement.AGREE)
    ledger.surveyed([rows.Surveyed(n, "aa", None, plain, None, "", "", ()) for n in (1, 2)])
    found = identified.gather(ledger.database)
    ledger.close()
    assert [(one["agreement"], one["files"]) for one in found["agreement"]] == [("agree", 2)]
    assert (found["conflicts"], found["unknown"]["listed"], found["unknown"]["groups"]) == (
        [], [], 0,
    )  # fmt: skip


def nothing(file: int) -> rows.Finished:
    return rows.Finished(
        file, Outcome.UNIDENTIFIED, "identify.unknown", "", (), None, "p1", None, "", (), (), (), 0
    )


def test_of_many_groups_the_largest_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identified, "GROUPS", 2)
    found = {f"{n}.x": looks_like(f"g{n % 5 if n < 10 else 0}", 1) for n in range(12)}
    written = {path.name: path for path in write_all(surveyed(tmp_path, found))}
    unknown = json.loads(written["report.json"].read_text(encoding="utf-8"))["identification"][
        "unknown"
    ]
    assert [(one["group"], one["files"]) for one in unknown["listed"]] == [("g0", 4), ("g1", 2)]
    assert (unknown["files"], unknown["groups"]) == (12, 5)
    page = shown(written["report.en.html"].read_text(encoding="utf-8"))
    assert "The list shows the 2 largest of 5 groups" in page


def test_the_unknown_are_found_by_their_index(tmp_path: Path) -> None:
    """Of a million files, each of 200 groups must not be searched for among all."""
    surveyed(tmp_path, {"a": looks_like("g", 1)})
    db = connection.open_reader(tmp_path)
    query = f"SELECT path FROM {identified._UNKNOWN} WHERE {identified._ALIKE}"
    steps = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", ("g",))]
    db.close()
    assert any("identifications_unknown" in step for step in steps), steps


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_what_the_page_puts_together(language: str) -> None:
    wanted = {f"agreement.{one.value}" for one in Agreement}
    wanted |= {f"agreement_means.{one.value}" for one in Agreement}
    wanted |= {f"basis.{one}" for one in ("text", "extension")}
    wanted |= {f"why.{one}" for one in ("signature", "mime", "extension")}
    wanted |= {f"line_ends.{one}" for one in ("LF", "CRLF", "CR", "mixed", "none")}
    wanted |= {f"n_{one}" for one in ("by_text", "by_extension", "in_conflict")}
    assert sorted(wanted - set(labels(language))) == []
