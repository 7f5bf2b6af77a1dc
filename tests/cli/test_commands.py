# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command as a person or a script meets it: exit codes, JSON, help, odd names."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.execution.lock import exclusive
from pipeline.ledger import connection
from tests.contract.samples import pdf, pdfa_2b, xml
from tests.report.test_reports import make_ledger
from tests.system.deliveries import COMMAND
from tests.validators.signing import authority, signed

COMMANDS = (
    "run", "status", "report", "identify", "validate", "format", "signatures", "doctor", "demo",
    "cluster", "bench", "capacity",
)  # fmt: skip
ODD = (
    b"plain.pdf",
    "åäö.pdf".encode(),
    b"latin\xe5.pdf",
    b"new\nline.pdf",
    b"-- help.pdf",
    b"[red].pdf",
)


def command(
    *arguments: str | bytes | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        # Rich folds lines and colours them by what it takes the terminal for.
        env={**os.environ, "COLUMNS": "200", "TERM": "dumb", **(env or {})},
    )


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder of names that shells, tools and terminals stumble over."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name in ODD:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(pdf())
    return folder


def policy(folder: Path) -> Path:
    """Return a policy that keeps what it knows, so that a run needs few tools."""
    path = folder / "policy.toml"
    path.write_text(
        """
[policy]
name = "test"
version = "1"
date = 2026-01-01
basis = "test"

[[rules]]
id = "keep"
puids = ["fmt/101"]
action = "keep"
reason = "r"
basis = "b"
source = "s"
date = 2026-01-01
""",
        encoding="utf-8",
    )
    return path


def migrating(folder: Path) -> Path:
    """Return a policy that needs Ghostscript."""
    path = policy(folder)
    text = path.read_text(encoding="utf-8")
    text = text.replace('action = "keep"', 'action = "migrate"\nmigrator = "pdf_to_pdfa"\n'
                        'target = "t"\njudge = "document"')  # fmt: skip
    text = text.replace('puids = ["fmt/101"]', 'puids = ["fmt/276"]')
    target = '[targets.t]\nextension = "pdf"\npuids = ["fmt/477"]\nvalidator = "verapdf"\n'
    path.write_text(text.replace("[[rules]]", f"{target}\n[[rules]]"), encoding="utf-8")
    return path


def delivery(folder: Path, **files: bytes) -> Path:
    source = folder / "source"
    source.mkdir()
    for name, data in files.items():
        (source / name.replace("_", ".")).write_bytes(data)
    return source


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert f"skanearkiv {name}" in done.stdout.partition("Examples:")[2]


def test_the_command_alone_and_its_version() -> None:
    assert command("--version").stdout.startswith("skanearkiv ")
    shown = command("--help").stdout
    assert [name for name in COMMANDS if name not in shown] == []
    assert "Exit codes" in shown


def test_a_run_from_start_to_records(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--out", out, "--policy", policy(tmp_path), "--workers", "1", "--json"]
    source = delivery(tmp_path, a_xml=xml())
    good = command("run", source, *arguments)
    assert good.returncode == 0, good.stderr
    told = json.loads(good.stdout)
    assert (told["completed"], told["executed"], told["files"]) == (True, 1, 1)
    assert told["outcomes"] == {"ok": 1}
    (source / "empty.xml").touch()
    attention = command("run", source, *arguments)
    assert attention.returncode == 1, attention.stderr
    assert json.loads(attention.stdout)["outcomes"] == {"ok": 1, "empty": 1}
    for name in ("report/report.sv.html", "report/files.csv", "premis.xml"):
        assert (out / name).stat().st_size > 0
    state = json.loads(command("status", out, "--outcome", "empty", "--json").stdout)
    assert [one["path"] for one in state["listed"]] == ["empty.xml"]
    written = json.loads(command("report", out, "--json").stdout)["written"]
    assert len(written) == 6
    assert all(Path(path).exists() for path in written)


def test_a_missing_program_stops_the_run_before_it_starts(tmp_path: Path) -> None:
    """A PATH with everything that is here but Ghostscript."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
            link = programs / program.name
            link.unlink(missing_ok=True)
            if program.name != "gs":
                link.symlink_to(program)
    source, out = delivery(tmp_path, a_pdf=pdf()), tmp_path / "out"
    done = command(
        "run", source, "--out", out, "--policy", migrating(tmp_path), "--workers", "1",
        env={"PATH": str(programs)},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "apt-get install ghostscript" in " ".join(done.stderr.split())
    found = command("doctor", "--json", env={"PATH": str(programs)})
    assert found.returncode == 3
    rows = {row["name"]: row for row in json.loads(found.stdout)}
    assert rows["ghostscript"]["found"] is False
    assert rows["tesseract"]["found"] is True


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('action = "keep"', 'action = "keeep"', "is none of"),
        ('reason = "r"', 'raeson = "r"', "did you mean 'reason'"),
        ('"fmt/101"', '"fmt/0101"', "is not a PUID"),
        ("[policy]", "[policy", "policy.toml"),
    ],
)
def test_a_mistake_in_the_policy(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = policy(tmp_path)
    path.write_text(path.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    done = command("run", delivery(tmp_path), "--out", tmp_path / "out", "--policy", path)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_wrong_usage_is_two_and_says_why(tmp_path: Path) -> None:
    source, out = delivery(tmp_path), tmp_path / "out"
    empty = tmp_path / "empty"
    empty.mkdir()
    wrong: list[tuple[list[str | Path], str]] = [
        (["run", source, "--out", source / "out"], "must not lie within each other"),
        (["run", source, "--out", tmp_path], "must not lie within each other"),
        (["run", tmp_path / "gone", "--out", out], "is not a folder"),
        (["run", source, "--out", out, "--retry", "tiemout"], "there is no outcome"),
        (["run", source, "--out", out, "--config", tmp_path / "gone"], "gone"),
        (["status", empty], "holds no ledger"),
        (["report", empty], "holds no ledger"),
        (["identify", tmp_path / "gone"], "does not exist"),
        (["validate", tmp_path / "gone"], "does not exist"),
        (["run", source], "--out"),
    ]
    for arguments, said in wrong:
        done = command(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert said in " ".join(done.stderr.split()), arguments
        assert "Traceback" not in done.stderr
    assert list(empty.iterdir()) == []
    assert list(source.iterdir()) == []


def test_one_coordinator_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with exclusive(out):
        done = command(
            "run", delivery(tmp_path), "--out", out, "--policy", policy(tmp_path), "--workers", "1"
        )
    assert done.returncode == 2
    assert "another run is writing" in " ".join(done.stderr.split())
    assert not connection.path_in(out).exists()


def test_status_adds_up_and_parses(tmp_path: Path) -> None:
    make_ledger(tmp_path)
    told = json.loads(command("status", tmp_path, "--json").stdout)
    assert sum(told["outcomes"].values()) + told["pending"] == told["files"]
    shown = command("status", tmp_path)
    assert shown.returncode == 0
    assert "needs attention" in shown.stdout
    listed = command("status", tmp_path, "--outcome", "damaged").stdout
    assert "new%0Aline.pdf\tpdf.damaged\t" in listed


def test_odd_names_are_identified(odd: Path) -> None:
    done = command("identify", odd, "--json")
    assert done.returncode == 0, done.stderr
    rows = lines(done.stdout)
    assert {row["puid"] for row in rows} == {"fmt/276"}
    assert {str(row["path"]).rpartition("/")[2] for row in rows} == {
        "plain.pdf", "åäö.pdf", "latin%E5.pdf", "new%0Aline.pdf", "-- help.pdf", "[red].pdf",
    }  # fmt: skip
    table = list(csv.DictReader(io.StringIO(command("identify", odd).stdout)))
    assert len(table) == len(ODD)
    assert {len(row["sha256"]) for row in table} == {64}


def test_odd_names_are_validated_one_by_one(odd: Path) -> None:
    names = [os.fsencode(odd) + b"/" + name for name in ODD]
    done = command("validate", "--json", *names)
    assert done.returncode == 0, done.stderr
    rows = lines(done.stdout)
    assert [row["verdict"] for row in rows] == ["valid"] * len(ODD)
    assert all(row["properties"]["pages"] == 1 for row in rows)  # type: ignore[index]


def test_validate_tells_good_from_bad(tmp_path: Path) -> None:
    source = delivery(tmp_path, good_pdf=pdfa_2b(), cut_pdf=pdf()[:-600], nothing_pdf=b"")
    both = command("validate", source)
    assert both.returncode == 1
    verdicts = {
        Path(row.split("\t")[2]).name: row.split("\t")[0] for row in both.stdout.splitlines()
    }
    assert verdicts == {"good.pdf": "valid", "cut.pdf": "invalid", "nothing.pdf": "invalid"}
    assert f"valid\tfmt/477\t{source / 'good.pdf'}\n" in both.stdout
    assert "3 files" in both.stderr
    strict = command("validate", "--flavour", "2a", "--json", source / "good.pdf")
    assert strict.returncode == 1
    assert lines(strict.stdout)[0]["validators"] == {"verapdf": "invalid"}


def test_validate_tells_of_signatures(tmp_path: Path) -> None:
    source = delivery(tmp_path, signed_pdf=signed(), plain_pdf=pdf())
    config = tmp_path / "limits.toml"
    (tmp_path / "rot.pem").write_bytes(authority().pem)
    config.write_text(f"[signature_trust]\ncertificates = ['{tmp_path / 'rot.pem'}']\n")
    done = command("validate", "--json", "--config", config, source)
    assert done.returncode == 0, done.stderr
    plain, found = sorted(lines(done.stdout), key=lambda row: len(row["signatures"]))  # type: ignore[arg-type]
    assert plain["signatures"] == []
    (one,) = found["signatures"]  # type: ignore[misc]
    assert (one["status"], one["trust"], one["coverage"]) == ("valid", "trusted", "file")
    assert "Åsa Öst" in one["signer"]
    shown = command("validate", source / "signed.pdf")
    assert "'Underskrift': intact_untrusted" in shown.stdout
    (tmp_path / "rot.pem").write_text("no certificate")
    broken = command("validate", "--config", config, source)
    assert broken.returncode == 2
    assert "rot.pem" in broken.stderr


def test_what_stays_unknown_needs_attention(tmp_path: Path) -> None:
    source = delivery(tmp_path, a_zzzq=bytes(range(256)) * 8)
    os.mkfifo(source / "pipe")
    done = command("identify", "--json", source / "a.zzzq", source / "pipe")
    assert done.returncode == 1
    first, second = lines(done.stdout)
    assert (first["puid"], second["puid"]) == ("", "")
    assert str(second["error"]).startswith("not_a_file")
