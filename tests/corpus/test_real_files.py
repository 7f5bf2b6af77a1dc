# SPDX-License-Identifier: AGPL-3.0-or-later
"""A share of the real files through the whole pipeline, twice.

Every fifth file: the families are all there, and it takes a minute. SKANEARKIV_CORPUS_STEP=1
takes all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pymupdf
import pytest

from pipeline.core.hashing import digest
from tests.system.deliveries import COMMAND, finish

STEP = int(os.environ.get("SKANEARKIV_CORPUS_STEP", "5"))


@pytest.fixture(scope="module")
def source(
    corpus: Path, manifest: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "delivery"
    for row in manifest[::STEP]:
        path = folder / row["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(corpus / row["path"], path)
    return folder


@pytest.fixture(scope="module")
def before(source: Path) -> dict[str, str]:
    return digests(source)


@pytest.fixture(scope="module")
def out(source: Path, before: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert before
    folder = tmp_path_factory.mktemp("first") / "out"
    code, output = finish(source, folder)
    assert code in (0, 1), output
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): digest(path).sha256
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def outputs(out: Path) -> dict[str, str]:
    return {
        f"{part}/{name}": sha256
        for part in ("migrated", "review")
        for name, sha256 in digests(out / part).items()
    }


def test_every_file_has_one_outcome_and_the_counts_add_up(source: Path, out: Path) -> None:
    answer = subprocess.run(
        [*COMMAND, "status", str(out), "--json"], capture_output=True, text=True, check=True
    )
    state = json.loads(answer.stdout)
    assert state["pending"] == 0
    assert sum(state["outcomes"].values()) == state["files"]
    assert state["files"] == sum(1 for path in source.rglob("*") if path.is_file())
    report = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    assert sum(one["files"] for one in report["outcomes"]) == state["files"]
    assert sum(one["files"] for one in report["formats"]) == state["files"]


def test_no_source_was_changed(source: Path, before: dict[str, str], out: Path) -> None:
    assert out.is_dir()
    assert digests(source) == before


def test_nothing_broke_that_is_ours(out: Path) -> None:
    db = sqlite3.connect(out / "ledger.sqlite")
    bugs = db.execute("SELECT path, detail FROM files WHERE code = 'internal.error'").fetchall()
    db.close()
    assert bugs == []


def test_every_migrated_output_is_valid_when_asked_anew(out: Path) -> None:
    answer = subprocess.run(
        [*COMMAND, "validate", str(out / "migrated"), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [row for row in rows if row["verdict"] != "valid"] == []
    assert answer.returncode == 0
    assert len(rows) > 10


def test_no_migrated_document_is_blank_whose_source_is_not(source: Path, out: Path) -> None:
    """A page of an empty document may be empty: its source asks for nothing to be drawn."""
    blank = []
    for path in (out / "migrated").rglob("*.pdf"):
        with pymupdf.open(path) as document:
            seen = any(
                page.get_text().strip()
                or min(page.get_pixmap(dpi=36, colorspace=pymupdf.csGRAY).samples) < 250
                for page in document
            )
        if not seen:
            original = source / path.relative_to(out / "migrated").with_suffix("")
            with pymupdf.open(original, filetype="pdf") as document:
                if any(page.get_bboxlog() for page in document):
                    blank.append(path.name)
    assert blank == []


def test_a_second_run_elsewhere_gives_the_same_bytes(
    source: Path, out: Path, tmp_path: Path
) -> None:
    code, output = finish(source, tmp_path / "out")
    assert code in (0, 1), output
    assert outputs(tmp_path / "out") == outputs(out)
