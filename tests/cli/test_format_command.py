# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv format` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.test_commands import command, policy


def told(*arguments: str | Path) -> list[dict[str, Any]]:
    done = command("format", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_help_shows_an_example() -> None:
    done = command("format", "--help")
    assert done.returncode == 0
    assert "skanearkiv format fmt/412" in done.stdout.partition("Examples:")[2]


def test_a_format_in_full() -> None:
    done = command("format", "fmt/412")
    assert done.returncode == 0, done.stderr
    for part in (
        "fmt/412  Microsoft Word for Windows, 2007 onwards",
        "wordprocessingml.document",
        "docx",
        "Is supertype of",
        "fmt/597  Microsoft Word Template, 2007 onwards",
        "Risk (NARA, 2026-03-20",
        "low (28)",
        "ooxml",
        "office_to_pdfa: makes fmt/476, fmt/477",
        "office-text-to-pdfa",
        "migrate to pdfa-2b (fmt/476, fmt/477, fmt/478) by office_to_pdfa",
        "text documents are read as PDF/A; the original stays for reuse",
    ):
        assert part in done.stdout, part


def test_it_is_readable_at_80_columns() -> None:
    puids = ["fmt/412", "fmt/354", "fmt/40", "x-fmt/111"]
    done = command("format", *puids, ".doc", env={"COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    assert [one for one in puids if one not in done.stdout] == []
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_json_of_several() -> None:
    word, pdfa, text = told("fmt/40", "FMT/354", "x-fmt/111")
    assert [one["puid"] for one in (word, pdfa, text)] == ["fmt/40", "fmt/354", "x-fmt/111"]
    assert word["pronom"]["extensions"][0] == "doc"
    assert word["risk"]["judgements"][0]["level"] == "moderate"
    assert word["risk"]["date"] == "2026-03-20"
    assert (word["validators"], word["made_by"]) == (["ole"], [])
    assert word["migrators"] == [{"name": "office_to_pdfa", "makes": ["fmt/476", "fmt/477"]}]
    assert pdfa["validators"] == ["pdf", "verapdf"]
    first = pdfa["policy"]["rules"][0]
    assert (first["id"], first["action"], first["when"]) == (
        "pdfa-keep", "keep", {"pdfa_valid": True},
    )  # fmt: skip
    assert text["validators"] == ["text"]
    assert {one["id"] for one in text["policy"]["rules"]} >= {"text-utf8-keep"}


def test_another_policy(tmp_path: Path) -> None:
    (xml, word) = told("fmt/101", "fmt/40", "--policy", policy(tmp_path))
    assert [one["action"] for one in xml["policy"]["rules"]] == ["keep"]
    assert word["policy"]["rules"] == []
    assert word["policy"]["otherwise"] == "review"
    shown = command("format", "fmt/40", "--policy", policy(tmp_path)).stdout
    assert "otherwise" in shown
    broken = command("format", "fmt/40", "--policy", tmp_path / "gone.toml")
    assert broken.returncode == 2
    assert "gone.toml" in broken.stderr


def test_look_up_by_extension() -> None:
    done = command("format", "docx", ".docx", "DOCX")
    assert done.returncode == 0, done.stderr
    lines = [one for one in done.stdout.splitlines() if one.startswith("fmt/412 ")]
    assert len(lines) == 3
    for line in lines:
        assert "Microsoft Word for Windows" in line
        assert line.split()[-1] == "low"


def test_look_up_by_name() -> None:
    found = {one["puid"]: one for one in told("word 97")}
    assert found["fmt/40"]["name"] == "Microsoft Word Document"
    assert "fmt/39" not in found


def test_what_is_not_found() -> None:
    said = {
        "fmt/99999": "nothing is known of fmt/99999",
        "fmt/0412": "did you mean fmt/412",
        "docxx": "did you mean .docx",
        ".nosuchthing": "no format has the extension or name '.nosuchthing'",
        "[bold]": "'[bold]'",
        "": "no format has the extension or name ''",
    }
    done = command("format", *said)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    told = " ".join(done.stderr.split())
    assert [one for one in said.values() if one not in told] == []


def test_what_is_found_is_shown_beside_what_is_not() -> None:
    done = command("format", "fmt/40", "fmt/99999")
    assert done.returncode == 2
    assert "fmt/40  Microsoft Word Document" in done.stdout
    assert "fmt/99999" in done.stderr
