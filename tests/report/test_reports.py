# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports say what the ledger says, stand alone, and hostile names stay names."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from lxml import html as parser

from pipeline.core.errors import ConfigError
from pipeline.core.records import (
    Action,
    Agent,
    Basis,
    Check,
    Decision,
    Event,
    EventType,
    FileKind,
    FileRecord,
    Identification,
    Message,
    MigrationResult,
    Outcome,
    Severity,
    ValidationResult,
    Verdict,
)
from pipeline.core.signed import (
    Signature,
    SignatureCoverage,
    SignatureStatus,
    SignatureTime,
    SignatureTrust,
)
from pipeline.ledger import connection, rows
from pipeline.ledger.store import Ledger, RunFacts
from pipeline.report import build
from pipeline.report.build import write_all

TIME = "2026-01-02T03:04:05.678Z"
TOOL = Agent("<b>tool</b>", "1 & 2", "note")
FOUND = Identification("fmt/276", Basis.SIGNATURE, "test", "V125", "PDF <x>", "1.7", "a/b")
NAMES = (
    b"plain.pdf",
    b"<script>alert(1)</script>.pdf",
    b"a & b \"c\" 'd'.pdf",
    b"new\nline.pdf",
    b"latin\xe5.pdf",
    "åäö/Protokoll.pdf".encode(),
    b"=cmd|' /C calc'!A0.pdf",
    b"+1+2.pdf",
    b"@SUM(A1).pdf",
    b"{{ 7 * 7 }}.pdf",
)
PICTURE = rows.Picture('evidence/a & "b" #1 åäö%0A.pdf/page-0017.png', 10, "dd")
FAILED = {2: Outcome.DAMAGED, 3: Outcome.DAMAGED, 4: Outcome.REVIEW}


def make_ledger(out: Path) -> Path:
    """Write a small ledger: every hostile name migrated, damaged or waiting for review."""
    ledger = Ledger(connection.path_in(out), Path("/in/<i>"), "Ärenden <2019> & mer", "Å & Ö")
    ledger.start_run(RunFacts("policy <1>", "p1" * 32, "[policy]", "{}", 2, "Linux"))
    ledger.scanned(
        [FileRecord(name, FileKind.REGULAR, 1000 + n, 1) for n, name in enumerate(NAMES)],
        frozenset(),
    )
    hashed = Event(EventType.DIGEST, TIME, "success", "SHA-256", (TOOL,))
    ledger.surveyed(
        [
            rows.Surveyed(n + 1, f"{n:064x}", None, FOUND, None, "", "", (hashed,))
            for n in range(len(NAMES))
        ]
    )
    for number in range(len(NAMES) - 1):  # the last one waits
        ledger.finished([(finished(number + 1, FAILED.get(number, Outcome.OK)), [])])
    ledger.end_run("interrupted")
    ledger.close()
    return out


def finished(file: int, outcome: Outcome) -> rows.Finished:
    good = outcome is Outcome.OK
    made = outcome is not Outcome.DAMAGED
    code = {Outcome.OK: "policy.migrated", Outcome.REVIEW: "check.document.tiles"}
    return rows.Finished(
        file=file,
        outcome=outcome,
        code=code.get(outcome, "pdf.damaged"),
        detail="the tool said <script>alert(2)</script>",
        validations=(
            ValidationResult(
                "pdf", Verdict.VALID, messages=(Message("pdf.signed", Severity.WARNING, "1"),)
            ),
            ValidationResult("pdf_signatures", Verdict.VALID, signatures=signatures(file)),
        ),
        decision=Decision(Action.MIGRATE, "rule", "reason", "m", "pdfa-2b"),
        policy_sha256="p1" * 32,
        migration=MigrationResult("m", "pdfa-2b", "mended", "s", "pdf", 99, "cc", "fmt/477")
        if made
        else None,
        output=f"migrated/{file}.pdf" if made else "",
        target=(),
        checks=(
            Check("document.pages", "2", "2", 1.0, True),
            Check("document.tiles", "0 %", "<90 %>", 1.0 if good else 0.1, good),
        )
        if made
        else (),
        events=(Event(EventType.NORMALIZATION, TIME, "success", "m", (TOOL,)),),
        seconds=0.1,
        evidence=(PICTURE,) if outcome is Outcome.REVIEW else (),
    )


def signatures(file: int) -> tuple[Signature, ...]:
    """Return one signature for the first files, each of another status."""
    if file > len(SignatureStatus):
        return ()
    return (
        Signature(
            f"<i>Field {file}</i>", ("signature", "timestamp")[file % 2],
            list(SignatureStatus)[file - 1], "the reason <u>",
            signer="CN=<script>alert(3)</script> Åsa", issuer="CN=Rot & Co", time=TIME,
            time_source=list(SignatureTime)[file % 4], trust=list(SignatureTrust)[file % 6],
            coverage=list(SignatureCoverage)[file % 4],
            changes=("none", "lta_updates", "form_filling", "annotations", "other")[file % 5],
            certification=("", "no_changes", "fill_forms", "annotate")[file % 4],
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = make_ledger(tmp_path_factory.mktemp("out"))
    return {path.name: path for path in write_all(out)}


@pytest.fixture(params=["sv", "en"])
def page(request: pytest.FixtureRequest, written: dict[str, Path]) -> str:
    return written[f"report.{request.param}.html"].read_text(encoding="utf-8")


def table(written: dict[str, Path]) -> list[dict[str, str]]:
    text = written["files.csv"].read_bytes().decode("utf-8")
    assert text.startswith("\ufeff"), "spreadsheets would read å as Ã¥"
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_everything_is_written(written: dict[str, Path]) -> None:
    assert set(written) == {
        "report.sv.html", "report.en.html", "report.json", "files.csv", "signatures.csv",
    }  # fmt: skip
    folder = written["files.csv"].parent
    assert {path.name for path in folder.iterdir()} == set(written), "something half was left"


def test_the_page_stands_alone(page: str) -> None:
    tree = parser.fromstring(page)
    assert tree.xpath("//script | //link | //iframe | //img | //object | //embed") == []
    assert tree.xpath("//@src | //@onclick | //@onload") == []
    # Nothing is fetched; a link leads to pictures beside the report.
    assert all(link.startswith("../evidence/") for link in tree.xpath("//@href"))
    style = "".join(tree.xpath("//style/text()"))
    assert "url(" not in style
    assert "@import" not in style
    assert len(style) > 500
    # A name space is no address that anything is fetched from.
    assert re.sub(r'xmlns="http://www.w3.org/2000/svg"', "", page).count("http") == 0


def test_names_and_words_of_tools_stay_text(page: str) -> None:
    assert "<script>alert" not in page
    assert "<b>tool</b>" not in page
    assert "<90 %>" not in page
    shown = parser.fromstring(page).text_content()
    assert "<script>alert(1)</script>.pdf" in shown
    assert "the tool said <script>alert(2)</script>" in shown
    assert "Ärenden <2019> & mer" in shown
    assert "new%0Aline.pdf" in shown
    assert "latin%E5.pdf" in shown
    assert "=cmd|' /C calc'!A0.pdf" in shown
    assert "49" not in re.findall(r"\b49\b\.pdf", shown), "a name was taken for a template"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("sv", ("Formatrapport", "Behöver åtgärdas", "Skadad", "Åtgärd", "avbruten")),
        ("en", ("Format report", "Needs attention", "Damaged", "Remedy", "interrupted")),
    ],
)
def test_each_language_has_its_own_words(
    written: dict[str, Path], language: str, words: tuple[str, ...]
) -> None:
    tree = parser.fromstring(written[f"report.{language}.html"].read_text(encoding="utf-8"))
    assert tree.get("lang") == language
    shown = tree.text_content()
    assert [word for word in words if word not in shown] == []
    # No code shows through where a text should stand.
    assert (
        re.findall(r"\b(?:outcome|check|run|signed_\w+|covers|changes|permits)\.[a-z_.]+", shown)
        == []
    )
    assert "pdf.damaged" not in shown


def test_counts_add_up(written: dict[str, Path]) -> None:
    told = json.loads(written["report.json"].read_text(encoding="utf-8"))
    assert told["files"] == len(NAMES)
    assert told["pending"] == 1
    assert sum(one["files"] for one in told["outcomes"]) + told["pending"] == told["files"]
    assert {one["outcome"]: one["files"] for one in told["outcomes"]} == {
        "ok": 6, "damaged": 2, "review": 1,
    }  # fmt: skip
    assert sum(one["files"] for one in told["formats"]) == told["files"]
    assert sum(one["files"] for one in told["attention"]) == 3
    assert sum(one["files"] for one in told["migrations"]) == 7
    assert told["bytes"] == sum(1000 + n for n in range(len(NAMES)))
    proof = {one["property"]: (one["files"], one["passed"]) for one in told["proof"]}
    assert proof == {"document.pages": (7, 7), "document.tiles": (7, 6)}
    assert [(one["code"], one["files"]) for one in told["noticed"]] == [("pdf.signed", 9)]


def test_the_page_shows_the_sums(written: dict[str, Path]) -> None:
    tree = parser.fromstring(written["report.en.html"].read_text(encoding="utf-8"))
    tiles = [tile.text_content() for tile in tree.find_class("tile")]
    assert tiles[0] == f"{len(NAMES)}Files"
    assert "6Done" in tiles
    assert "3Needs attention" in tiles
    assert "1Not yet worked on" in tiles
    assert tree.xpath("//tfoot//td")[1].text == "9"


@pytest.mark.parametrize(
    ("language", "heading", "keep"),
    [
        ("sv", "Signerade dokument (7)", "Originalet måste bevaras: det är signerat"),
        ("en", "Signed documents (7)", "The original must be kept: it is signed"),
    ],
)
def test_signed_documents_are_listed_with_their_status(
    written: dict[str, Path], language: str, heading: str, keep: str
) -> None:
    tree = parser.fromstring(written[f"report.{language}.html"].read_text(encoding="utf-8"))
    (section,) = [one for one in tree.xpath("//section") if heading in one.text_content()]
    counts, listed = section.xpath("./table")
    assert len(counts.xpath("./tbody/tr")) == len(SignatureStatus)
    rows_ = listed.xpath("./tbody/tr")
    assert len(rows_) == len(SignatureStatus)
    assert all(keep in row.text_content() for row in rows_)
    # What needs most attention comes first, what needs none last.
    assert "<i>Field 7</i>" in rows_[0].text_content()
    assert "<i>Field 1</i>" in rows_[-1].text_content()
    assert "CN=<script>alert(3)</script> Åsa" in section.text_content()


def test_a_long_list_of_signatures_is_cut_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.report.signed.LISTED", 2)
    written = {path.name: path for path in write_all(make_ledger(tmp_path))}
    page = written["report.en.html"].read_text(encoding="utf-8")
    assert "The list shows 2 of 7 signatures" in page
    text = written["signatures.csv"].read_text(encoding="utf-8-sig")
    table_ = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(table_) == len(SignatureStatus)
    assert {row["status"] for row in table_} == {one.value for one in SignatureStatus}


def test_one_row_a_file(written: dict[str, Path]) -> None:
    found = table(written)
    assert len(found) == len(NAMES)
    by_size = {row["size"]: row for row in found}
    assert by_size["1000"]["path"] == "plain.pdf"
    assert by_size["1000"]["output"] == "migrated/1.pdf"
    assert by_size["1000"]["validation"] == "pdf=valid pdf_signatures=valid"
    assert by_size["1000"]["signatures"] == "valid"
    assert by_size["1000"]["keep_original"] == "1"
    assert by_size["1003"]["path"] == "new%0Aline.pdf"
    assert by_size["1004"]["path"] == "latin%E5.pdf"
    assert by_size["1005"]["path"] == "åäö/Protokoll.pdf"
    assert by_size["1009"]["outcome"] == ""


def test_a_spreadsheet_takes_no_name_for_a_formula(written: dict[str, Path]) -> None:
    cells = [value for row in table(written) for value in row.values()]
    assert [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}] == []
    assert "'=cmd|' /C calc'!A0.pdf" in cells
    assert "'+1+2.pdf" in cells
    assert "'@SUM(A1).pdf" in cells


def test_written_anew_without_a_trace_of_before(tmp_path: Path) -> None:
    make_ledger(tmp_path)
    write_all(tmp_path)
    (tmp_path / "report" / "report.sv.html").write_text("old", encoding="utf-8")
    write_all(tmp_path)
    assert "Formatrapport" in (tmp_path / "report" / "report.sv.html").read_text(encoding="utf-8")


def test_an_empty_delivery_has_a_report_too(tmp_path: Path) -> None:
    ledger = Ledger(connection.path_in(tmp_path), Path("/in"), "Tom", "")
    ledger.start_run(RunFacts("policy 1", "p1", "", "{}", 1, "Linux"))
    ledger.close()
    written = {path.name: path for path in write_all(tmp_path)}
    page = written["report.sv.html"].read_text(encoding="utf-8")
    assert "Ingen fil behöver åtgärdas" in page
    assert "Signerade dokument" not in page
    assert json.loads(written["report.json"].read_text(encoding="utf-8"))["files"] == 0
    for name in ("files.csv", "signatures.csv"):  # a table without rows still says what it is
        heading = (tmp_path / "report" / name).read_text(encoding="utf-8-sig").splitlines()
        assert len(heading) == 1, name
        assert "path" in heading[0].split(",")


def test_without_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no ledger"):
        write_all(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_what_differs_are_linked_to(page: str) -> None:
    links = parser.fromstring(page).xpath("//a")
    assert len(links) == 2  # in the list of what needs attention, and in that of outputs
    for link in links:
        assert unquote(link.get("href")) == f"../{PICTURE.path}"
        assert link.text == "17"


def test_the_table_names_the_folder_of_pictures(written: dict[str, Path]) -> None:
    found = {row["evidence"] for row in table(written)}
    assert found == {"", PICTURE.path.rpartition("/")[0] + "/"}


def test_the_table_of_a_large_ledger_is_made_beside_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = make_ledger(tmp_path)
    paths = {path.name: path for path in write_all(out)}
    alone = paths["files.csv"].read_bytes()
    monkeypatch.setattr(build, "_MANY", 0)
    paths["files.csv"].unlink()
    write_all(out)
    assert paths["files.csv"].read_bytes() == alone
    # One that shows another moment than the rest is made again.
    monkeypatch.setattr(build, "_begun_apart", lambda _out, _path: lambda: ("earlier",))
    paths["files.csv"].write_text("an earlier moment")
    write_all(out)
    assert paths["files.csv"].read_bytes() == alone
