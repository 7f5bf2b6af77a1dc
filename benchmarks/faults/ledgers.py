# SPDX-License-Identifier: AGPL-3.0-or-later
"""A ledger and its outputs beside those of an undisturbed run: what is lost, what told twice."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.ledger.connection import NAME


@dataclass(frozen=True, slots=True)
class Told:
    """What a ledger tells of a file; `events`: (generation, type, subject, detail) and how often.

    `output`: SHA-256 of what lies on the disk under the recorded name, "" for none, and
    `recorded` what the ledger says of it.
    """

    state: str
    outcome: str | None
    code: str
    detail: str
    recorded: str
    output: str
    events: Counter[tuple[int, str, str, str]]


def opened(out: Path) -> sqlite3.Connection:
    """Open a ledger to read."""
    return sqlite3.connect(f"file:{out / NAME}?mode=ro", uri=True, timeout=10)


def told(out: Path) -> dict[str, Told]:
    """Return what an output folder's ledger tells, by path."""
    found: dict[str, Told] = {}
    with closing(opened(out)) as db:
        files = db.execute(
            "SELECT files.id, path, state, outcome, code, detail, m.sha256, m.output FROM files"
            " LEFT JOIN migrations AS m ON m.file = files.id AND m.generation = files.generation"
        ).fetchall()
        for file, path, state, outcome, code, detail, recorded, output in files:
            events = Counter(
                db.execute(
                    "SELECT generation, type, subject, detail FROM events WHERE file = ?", (file,)
                ).fetchall()
            )
            real = _sha256(out / output) if output else ""
            found[path] = Told(
                state, outcome, code or "", detail or "", recorded or "", real, events
            )
    return found


def outcomes(out: Path) -> dict[str, str | None]:
    """Return the outcomes so far, by path; none where there is no ledger yet."""
    return {path: outcome for path, (outcome, _) in states(out).items()}


def states(out: Path) -> dict[str, tuple[str | None, str]]:
    """Return (outcome, state) by path, as far as a run has come."""
    if not (out / NAME).exists():
        return {}
    try:
        with closing(opened(out)) as db:
            rows = db.execute("SELECT path, outcome, state FROM files").fetchall()
    except sqlite3.OperationalError:
        return {}  # the schema is not there yet
    return {path: (outcome, state) for path, outcome, state in rows}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "gone"


def compare(
    got: dict[str, Told], undisturbed: dict[str, Told], victims: tuple[str, ...]
) -> tuple[int, int, int, str]:
    """Return (files lost, events told twice, innocents blamed, which)."""
    lost, twice, blamed = [], [], []
    for path in sorted(got.keys() | undisturbed.keys()):
        one, other = got.get(path), undisturbed.get(path)
        if one is None or one.outcome is None or one.output != one.recorded:
            lost.append(path)
            continue
        twice += [f"{path}: {key[1]}" for key in _twice(one, other)]
        if path in victims or other is None:
            continue
        if one.outcome != other.outcome:
            blamed.append(f"{path}: {one.outcome} {one.detail[:200]}")
        if (one.outcome, one.code, one.output) != (other.outcome, other.code, other.output):
            lost.append(path)
    words = [f"lost {lost}"] if lost else []
    words += [f"twice {twice}"] if twice else []
    words += [f"blamed {blamed}"] if blamed else []
    return len(lost), len(twice), len(blamed), "; ".join(words)


def _twice(one: Told, other: Told | None) -> list[tuple[int, str, str, str]]:
    """Return the events that stand there more often than in an undisturbed run."""
    normal: Counter[tuple[str, str, str]] = Counter()
    for (_, type_, subject, detail), count in other.events.items() if other else ():
        normal[type_, subject, detail] = count
    return [
        key for key, count in one.events.items() if count > max(1, normal[key[1], key[2], key[3]])
    ]


def whole(out: Path) -> list[str]:
    """Return what is wrong with a finished package: ledger, reports, PREMIS, left-overs."""
    wrong = []
    with closing(opened(out)) as db:
        (word,) = db.execute("PRAGMA integrity_check").fetchone()
        known = {row[0] for row in db.execute("SELECT output FROM migrations")}
        (files,) = db.execute("SELECT count(*) FROM files").fetchone()
        numbered = db.execute(
            "SELECT count(*) FROM (SELECT max(number) AS last, count(*) AS n FROM events"
            " GROUP BY file, generation HAVING last <> n)"
        ).fetchone()[0]
    if word != "ok":
        wrong.append(f"ledger: {word}")
    if numbered:
        wrong.append(f"events of {numbered} files are not numbered through")
    premis = out / "premis.xml"
    if not premis.is_file() or not (out / "report" / "report.sv.html").is_file():
        wrong.append("reports missing")
    else:
        # Our own output, not somebody's file.
        root = ET.parse(premis).getroot()  # noqa: S314
        objects = [one for one in root if one.tag.endswith("}object")]
        if len(objects) < files:
            wrong.append(f"PREMIS has {len(objects)} objects of {files} files")
    for part in ("migrated", "review"):
        for path in (out / part).rglob("*"):
            if path.is_file() and path.relative_to(out).as_posix() not in known:
                wrong.append(f"{path.name} is recorded nowhere")
    if any((out / ".staging").rglob("*")):
        wrong.append("staging is not empty")
    return wrong
