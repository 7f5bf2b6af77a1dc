# SPDX-License-Identifier: AGPL-3.0-or-later
"""`identify` as archivists, scripts and other tools meet it."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import signal
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.core.records import Outcome
from pipeline.steps import columns
from tests.cli.test_commands import command, lines
from tests.contract.samples import pdf
from tests.system.deliveries import COMMAND

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"IEND\xaeB`\x82"
UNKNOWN = b"\x07ZQX\x01\x02" + bytes(range(200, 250))


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "delivery"
    (folder / "b").mkdir(parents=True)
    (folder / "a.pdf").write_bytes(pdf())
    (folder / "b" / "copy.pdf").write_bytes((folder / "a.pdf").read_bytes())
    (folder / "b" / "picture.doc").write_bytes(PNG)
    (folder / "b" / "text.txt").write_bytes("Ärende\r\nnummer två\r\n".encode("cp1252"))
    (folder / "empty.docx").touch()
    (folder / "odd.qqz").write_bytes(UNKNOWN)
    (folder / "link").symlink_to("a.pdf")
    os.mkfifo(folder / "pipe")
    return folder


def test_the_columns_are_those_of_siegfried_then_droid_then_ours(delivery: Path) -> None:
    done = command("identify", delivery)
    assert done.returncode == 1, done.stderr
    header = done.stdout.splitlines()[0].split(",")
    assert header[:12] == [
        "filename", "filesize", "modified", "errors", "sha256", "namespace", "id", "format",
        "version", "mime", "basis", "warning",
    ]  # fmt: skip
    assert header[12:30] == list(columns.DROID)
    assert len(set(header)) == len(header)
    rows = {Path(row["filename"]).name: row for row in table(done.stdout)}
    assert len(rows) == 8
    one = rows["a.pdf"]
    assert (one["id"], one["PUID"], one["METHOD"], one["STATUS"]) == (
        "fmt/276", "fmt/276", "Signature", "Done",
    )  # fmt: skip
    assert one["sha256"] == one["SHA256_HASH"]
    assert one["URI"].startswith("file:/")
    assert "byte match" in one["basis"]
    assert one["agreement"] == "agree"
    assert "SHA-256" in one["signatures"]
    assert "DROID_SignatureFile" in one["signatures"]
    wrong = rows["picture.doc"]
    assert (wrong["EXTENSION_MISMATCH"], wrong["warning"]) == ("true", "extension mismatch")
    assert rows["odd.qqz"]["id"] == "UNKNOWN"
    assert rows["odd.qqz"]["first_bytes"] == UNKNOWN[:16].hex()
    assert rows["odd.qqz"]["group"]


def test_a_tool_that_reads_siegfrieds_csv_by_position_finds_its_twelve_columns(
    delivery: Path,
) -> None:
    rows = list(
        csv.reader(io.StringIO(command("identify", "--columns", "siegfried", delivery).stdout))
    )
    assert {len(row) for row in rows} == {12}
    assert rows[0][4:7] == ["sha256", "namespace", "id"]
    droid = table(command("identify", "--columns", "droid", delivery).stdout)
    assert list(droid[0]) == list(columns.DROID)
    assert [row["ID"] for row in droid] == [str(number + 1) for number in range(len(droid))]


def test_every_entry_has_an_outcome_and_a_text_its_encoding(delivery: Path) -> None:
    rows = {Path(str(row["path"])).name: row for row in lines(jsonl(delivery))}
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "a.pdf": "ok", "copy.pdf": "ok", "picture.doc": "ok", "text.txt": "ok",
        "empty.docx": "empty", "odd.qqz": "unidentified", "link": "link", "pipe": "not_a_file",
    }  # fmt: skip
    text: Any = rows["text.txt"]
    assert (text["basis"], text["agreement"]) == ("text", "weak")
    assert (text["encoding"], text["line_ends"]) == ("iso-8859-1", "CRLF")


def jsonl(folder: Path, *options: str) -> str:
    return command("identify", "--json", *options, folder).stdout


def test_duplicates_name_the_first_of_their_content(delivery: Path) -> None:
    rows = {Path(str(row["path"])).name: row for row in lines(jsonl(delivery))}
    assert rows["a.pdf"]["duplicate_of"] == ""
    assert str(rows["copy.pdf"]["duplicate_of"]).endswith("/a.pdf")


@pytest.mark.parametrize(("engine", "engines"), [("siegfried", {"Siegfried"}), ("fido", {"FIDO"})])
def test_one_engine_can_be_asked_alone(delivery: Path, engine: str, engines: set[str]) -> None:
    rows = lines(jsonl(delivery / "b", "--engine", engine))
    told: list[Any] = [row["opinions"] for row in rows]
    assert {one["engine"] for opinions in told for one in opinions} == engines
    assert {row["puid"] for row in rows} == {"fmt/276", "fmt/11", "x-fmt/111"}


def test_wrong_options_are_told_with_the_right_ones(delivery: Path) -> None:
    for options, told in (
        (["--engine", "magic"], "siegfried, fido, both"),
        (["--columns", "mine"], "all, siegfried, droid"),
    ):
        done = command("identify", *options, delivery)
        assert done.returncode == 2
        assert told in done.stderr


def test_a_list_is_never_overwritten_and_never_half(delivery: Path, tmp_path: Path) -> None:
    target = tmp_path / "list.csv"
    done = command("identify", delivery, "--output", target)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(table(target.read_text())) == 8
    before = target.read_bytes()
    again = command("identify", delivery, "--output", target)
    assert again.returncode == 2
    assert "never overwritten" in again.stderr
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["delivery", "list.csv"]


def test_what_was_listed_before_ctrl_c_stays(tmp_path: Path) -> None:
    folder, target = tmp_path / "many", tmp_path / "list.jsonl"
    folder.mkdir()
    for number in range(6000):
        (folder / f"{number}.txt").write_text(f"number {number}\n")
    words = [*COMMAND, "identify", folder, "--json", "--workers", "1", "--output", target]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as started:
        part = tmp_path / "list.jsonl.part"
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size > 100_000):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        _, told = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "list.jsonl.part" in told
    assert not target.exists()
    kept = lines(part.read_text())
    assert 100 < len(kept) < 6000
    assert {row["puid"] for row in kept} == {"x-fmt/111"}


def test_workers_give_the_same_list_in_the_same_order(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(700):
        body = (PNG, pdf(), UNKNOWN, b"text %d\n" % number)[number % 4]
        (folder / f"{number:03}.{('png', 'pdf', 'qqz', 'txt')[number % 4]}").write_bytes(body)
    alone = command("identify", folder, "--workers", "1")
    spread = command("identify", folder, "--workers", "2")
    assert spread.stdout == alone.stdout
    assert len(table(spread.stdout)) == 700
    assert "files/s" in spread.stderr
    # A hundred and seventy-five of one unknown kind are one line.
    assert spread.stderr.count("unidentified: 175 x") == 1


def test_what_takes_too_long_is_an_outcome_of_that_file(delivery: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[limits]\nseconds = 0.000001\nseconds_per_mib = 0.0\n")
    rows = lines(jsonl(delivery, "--config", str(limits)))
    assert len(rows) == 8
    assert {row["outcome"] for row in rows} == {
        Outcome.TIMEOUT.value, Outcome.LINK.value, Outcome.NOT_A_FILE.value,
        Outcome.EMPTY.value,
    }  # fmt: skip


def test_hostile_files_get_an_answer_in_little_memory(tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    with (folder / "sparse.pdf").open("wb") as stream:
        stream.write(b"%PDF-1.4\n")
        stream.seek((3 << 30) - 6)
        stream.write(b"%%EOF\n")
    nested = b"end"
    for _ in range(60):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.zip", nested)
        nested = packed.getvalue()
    (folder / "nested.zip").write_bytes(nested)
    for name, part in (("bomb.docx", "word/media/a.bin"), ("types.docx", "[Content_Types].xml")):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("word/document.xml", "<a/>")
            with archive.open(part, "w", force_zip64=True) as inner:
                for _ in range(1024):
                    inner.write(bytes(1 << 20))
    os.mkfifo(folder / "pipe")
    Path(os.fsdecode(os.fsencode(folder) + b"/latin\xe5.pdf")).write_bytes(pdf())
    done = subprocess.run(
        ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", *measured(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *rows, peak = [json.loads(line) for line in done.stdout.splitlines()]
    found = {Path(row["path"]).name: (row["puid"] or row["outcome"]) for row in rows}
    assert found == {
        "sparse.pdf": "fmt/18", "nested.zip": "x-fmt/263", "bomb.docx": "x-fmt/263",
        "types.docx": "x-fmt/263", "pipe": "not_a_file", "latin%E5.pdf": "fmt/276",
    }  # fmt: skip
    # Megabytes, of the largest process that took part.
    assert 30 < peak < 300


MEASURED = """
import json, resource, subprocess, sys
subprocess.run([sys.executable, "-c", "from pipeline.cli.main import run; run()", "identify",
                "--json", "--quiet", sys.argv[1]])
print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))
"""


def measured(folder: Path) -> list[str]:
    import sys

    return [sys.executable, "-c", MEASURED, str(folder)]


def test_the_meter_reads_children() -> None:
    """What the test above relies on: the peak of a child that was waited for."""
    subprocess.run(["python3", "-c", "bytearray(80 << 20)"], check=True)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 80 << 10


def test_a_killed_worker_loses_no_line(tmp_path: Path) -> None:
    folder, target = tmp_path / "many", tmp_path / "list.csv"
    folder.mkdir()
    for number in range(3000):
        (folder / f"{number:04}.txt").write_text(f"number {number}\n")
    words = [*COMMAND, "identify", folder, "--workers", "2", "--output", target]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as started:
        part, killed = tmp_path / "list.csv.part", 0
        deadline = time.monotonic() + 60
        while killed < 2 and started.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
            if not part.exists() or part.stat().st_size < (killed + 1) * 100_000:
                continue
            for child in psutil.Process(started.pid).children(recursive=True):
                named = " ".join(child.cmdline())
                # First what identifies, then the worker that asks it.
                if ("warm_child" if not killed else "spawn_main") in named:
                    child.kill()
                    killed += 1
                    break
        _, told = started.communicate(timeout=120)
    assert killed == 2
    assert started.returncode == 0, told
    rows = table(target.read_text())
    assert [Path(row["filename"]).name for row in rows] == [f"{n:04}.txt" for n in range(3000)]
    assert {row["outcome"] for row in rows} == {"ok"}
