# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures of what differs reach their place once, whatever happens between."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pikepdf
import pymupdf
import pytest

from pipeline.core.records import Evidence, FileKind, FileRecord, Outcome
from pipeline.execution.outputs import Outputs
from pipeline.ledger import connection, rows
from pipeline.ledger.connection import open_reader
from pipeline.ledger.store import Ledger, RunFacts
from tests.ledger.test_store import finished, survey
from tests.system.deliveries import finish

OUTPUT = "review/Ärenden/a.pdf.pdf"
PLACE = "evidence/Ärenden/a.pdf.pdf/page-0003.png"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = Ledger(connection.path_in(tmp_path), Path("/in"), "", "")
    one.start_run(RunFacts("p", "p1", "[policy]", "{}", 1, ""))
    yield one
    one.close()


def staged(out: Path, content: bytes) -> Evidence:
    folder = out / ".staging" / "1-1" / "out" / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page-0003.png").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return Evidence("page-0003.png", "1-1/out/evidence/page-0003.png", len(content), sha256)


def place(out: Path, ledger: Ledger, content: bytes) -> str:
    picture = staged(out, content)
    return Outputs(out, ledger).place_evidence(OUTPUT, picture)


def test_a_picture_lies_in_a_folder_named_like_the_output(tmp_path: Path, ledger: Ledger) -> None:
    assert place(tmp_path, ledger, b"one") == PLACE
    assert (tmp_path / PLACE).read_bytes() == b"one"
    assert list((tmp_path / ".staging").rglob("*.png")) == []


def test_what_a_crash_left_is_adopted(tmp_path: Path, ledger: Ledger) -> None:
    place(tmp_path, ledger, b"one")
    assert place(tmp_path, ledger, b"one") == PLACE
    assert [path.name for path in (tmp_path / "evidence").rglob("*.png")] == ["page-0003.png"]
    assert not (tmp_path / "set-aside").exists()


def test_what_nobody_recorded_is_moved_aside_and_never_replaced(
    tmp_path: Path, ledger: Ledger
) -> None:
    place(tmp_path, ledger, b"one")
    assert place(tmp_path, ledger, b"two") == PLACE
    assert (tmp_path / PLACE).read_bytes() == b"two"
    (aside,) = (tmp_path / "set-aside").iterdir()
    assert aside.read_bytes() == b"one"


def test_what_is_recorded_stays_and_the_next_gets_a_number(tmp_path: Path, ledger: Ledger) -> None:
    ledger.scanned([FileRecord(b"a.pdf", FileKind.REGULAR, 10, 1)], frozenset())
    ledger.surveyed([survey(ledger, 1)])
    path = place(tmp_path, ledger, b"one")
    picture = rows.Picture(path, 3, hashlib.sha256(b"one").hexdigest())
    ledger.finished([(replace(finished(1, Outcome.REVIEW), evidence=(picture,)), [])])
    assert place(tmp_path, ledger, b"two") == PLACE.replace(".png", ".2.png")
    assert (tmp_path / PLACE).read_bytes() == b"one"


def unknown_letters(path: Path) -> None:
    """Write a page in a font that is not carried and has no stand-in: it will look otherwise."""
    name = pikepdf.Name.Papyrus
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(300, 200))
        descriptor = pikepdf.Dictionary(
            Type=pikepdf.Name.FontDescriptor, FontName=name, Flags=34, ItalicAngle=0, StemV=80,
            FontBBox=[0, -200, 1000, 900], Ascent=900, Descent=-200, CapHeight=700,
        )  # fmt: skip
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.TrueType, BaseFont=name,
            Encoding=pikepdf.Name.WinAnsiEncoding, FirstChar=32, LastChar=126, Widths=[900] * 95,
            FontDescriptor=pdf.make_indirect(descriptor),
        )  # fmt: skip
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(font)))
        page.Contents = pdf.make_stream(b"BT /F1 24 Tf 20 100 Td (Beslut 2019) Tj ET")
        pdf.save(path)


def test_a_run_keeps_evidence_of_what_needs_review_and_of_nothing_else(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "å ä").mkdir(parents=True)
    unknown_letters(source / "å ä" / "sida #1.pdf")
    shutil.copy(source / "å ä" / "sida #1.pdf", source / "kopia.pdf")
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 100), "Beslut om bygglov")
        document.save(source / "bra.pdf")
    code, output = finish(source, out)
    assert code in (0, 1), output
    with open_reader(out) as db:
        outcomes = dict(db.execute("SELECT path, outcome FROM files").fetchall())
        told = db.execute(
            "SELECT f.path, e.path, e.sha256 FROM evidence AS e JOIN files AS f ON f.id = e.file"
        ).fetchall()
    assert outcomes == {"bra.pdf": "ok", "kopia.pdf": "review", "å ä/sida #1.pdf": "review"}
    assert {row[0] for row in told} == {"kopia.pdf", "å ä/sida #1.pdf"}
    assert len({row[1] for row in told}) == 1, "the same content has the same pictures"
    for _, path, sha256 in told:
        content = (out / path).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert hashlib.sha256(content).hexdigest() == sha256
    on_disk = {os.fspath(path.relative_to(out)) for path in (out / "evidence").rglob("*.png")}
    assert on_disk == {row[1] for row in told}
    page = (out / "report" / "report.sv.html").read_text(encoding="utf-8")
    assert "../evidence/" in page
