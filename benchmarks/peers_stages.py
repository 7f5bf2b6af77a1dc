# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each stage of the product beside what others do it with."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import documents
from benchmarks.peers_judge import Court, counts
from benchmarks.peers_plan import Planned, making, task
from benchmarks.peers_run import Way, answers, chain, in_turn, listing, ours, place, told
from format_registry.identifier import VARIABLE
from format_registry.policy import Policy

_PDF = frozenset({"pdf_to_pdfa", "scan_to_pdfa"})


@dataclass(frozen=True, slots=True)
class Bench:
    """What all stages share. `seconds`: limit of one call of a tool."""

    planned: Sequence[Planned]
    policy: Policy
    folder: Path
    repeat: int
    seconds: float
    court: Court
    say: Callable[[str], None]

    def tasks(
        self, name: str, files: Iterable[Planned], out: Path, step: Callable[[Planned], Any]
    ) -> Path:
        """Write the list of one way's tasks; each file with the one step of the stage."""
        rows = [task(one, [step(one)], out) for one in files]
        return listing(out / "tasks.json", rows, name, self.seconds)


def identification(bench: Bench) -> dict[str, Any]:
    """Measure identification: the product, Siegfried alone, FIDO's own command."""
    files = [one for one in bench.planned if one.size]

    def listed(out: Path) -> Path:
        return bench.tasks("identify", files, out, lambda _: _step("fido"))

    ways = [
        Way("ours, both engines", lambda out: ours("identify", listed(out), out)),
        Way("ours, Siegfried only", lambda out: ours("identify", listed(out), out),
            {VARIABLE: "siegfried"}),
        Way("Siegfried as a library", lambda out: ours("pygfried", listed(out), out)),
        Way("FIDO, once for all", lambda out: _fido_once(files, out)),
        Way("FIDO, for each file", lambda out: chain(listed(out), out)),
    ]  # fmt: skip
    found, said = _measured(bench, "identification", ways, len(files))
    said["FIDO, once for all"] = _fido_answers(
        files, place(bench.folder / "identification", "FIDO, once for all", 0)
    )
    for name, way in found["ways"].items():
        way["as_planned"] = sum(_same(one.puid, said[name].get(one.number, "")) for one in files)
    return found | {"files": _rows(files, said)}


def _same(puid: str, said: str) -> bool:
    """Whether a format is among the answers, or none where there is none."""
    words = [word for word in said.split() if word != "?"]
    return puid in words if puid else not words


def _fido_once(files: Sequence[Planned], out: Path) -> list[str]:
    """Return FIDO's command for all files together; what it says goes to a file."""
    # A name with a line end in it cannot stand in FIDO's list: it is one that FIDO misses.
    names = [os.fsencode(one.path) for one in files]
    (out / "list").write_bytes(b"\n".join(name for name in names if b"\n" not in name) + b"\n")
    script = 'exec "$0" -q -matchprintf "$1" -nomatchprintf "$2" -input "$3" > "$4" 2>&1'
    program = str(Path(sys.executable).with_name("fido"))
    return ["sh", "-c", script, program, "%(info.filename)s\t%(info.puid)s\n",
            "%(info.filename)s\t\n", str(out / "list"), str(out / "said")]  # fmt: skip


def _fido_answers(files: Sequence[Planned], out: Path) -> dict[int, str]:
    said: dict[str, list[str]] = {}
    for line in (out / "said").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        name, tab, puid = line.rpartition("\t")
        if tab:
            said.setdefault(name, []).append(puid)
    return {one.number: " ".join(said.get(str(one.path), [])) for one in files}


def pdf(bench: Bench) -> dict[str, Any]:
    """Measure PDF to PDF/A by the ways, and the rules, of benchmarks/documents.py."""
    files = [one for one in bench.planned if one.migrator in _PDF]
    if not files:
        return {}
    sources = [one.path for one in files]
    beside = documents.Beside()
    opened = set(documents.openable(sources, beside))

    def command(method: str) -> Callable[[Path], list[str]]:
        def words(out: Path) -> list[str]:
            path = out / "list.json"
            path.write_text(json.dumps([str(one) for one in sources]), encoding="utf-8")
            module = "benchmarks.document_methods"
            return [sys.executable, "-m", module, method, str(path), str(out)]

        return words

    named = {
        "ours, proof included": "ours",
        "Ghostscript alone": "ghostscript",
        "OCRmyPDF, no OCR": "ocrmypdf",
    }
    ways = [Way(name, command(method)) for name, method in named.items()]
    found, _ = _measured(bench, "pdf", ways, len(files))
    rows = [one.row() | {"opens": one.path in opened, "ways": {}} for one in files]
    for name in named:
        out = place(bench.folder / "pdf", name, 0)
        several = []
        for number, (source, row) in enumerate(zip(sources, rows, strict=True)):
            bench.say(f"judging {name}: {number + 1} of {len(rows)}")
            said = documents.judged(source, out / f"{number:05}.pdf", beside)
            row["ways"][name] = said
            several.append((source in opened, said))
        good = [said for opens, said in several if opens]
        found["ways"][name] |= _shares(
            len(good),
            sum("size" in said for said in good),
            sum(said["valid"] for said in good),
            sum(said["faithful"] for said in good),
        ) | {"made_of_barred": sum("size" in said for opens, said in several if not opens)}
    return found | {"files": rows}


def office(bench: Bench) -> dict[str, Any]:
    """Measure office documents to PDF/A: warm with proof, warm without, cold for each file."""
    files = [one for one in bench.planned if one.migrator == "office_to_pdfa"]
    if not files:
        return {}

    def listed(out: Path) -> Path:
        return bench.tasks("office", files, out, lambda one: making(one, bench.policy))

    def proven(out: Path) -> list[str]:
        path = out / "list.json"
        path.write_text(json.dumps([str(one.path) for one in files]), encoding="utf-8")
        return [sys.executable, "-m", "benchmarks.document_methods", "ours", str(path), str(out)]

    ways = [
        Way("ours, proof included", proven),
        Way("ours, making alone", lambda out: ours("office", listed(out), out)),
        Way("LibreOffice for each file", lambda out: chain(listed(out), out)),
    ]
    found, said = _measured(bench, "office", ways, len(files))
    rows = _rows(files, said)
    for way in ways:
        out, verdicts = place(bench.folder / "office", way.name, 0), {}
        for number, one in enumerate(files):
            bench.say(f"judging {way.name}: {number + 1} of {len(files)}")
            first = way is ways[0]
            made = out / f"{number:05}.pdf" if first else one.output(out)
            verdicts[one.number] = bench.court.judged(one, made)
            rows[number]["ways"][way.name] |= verdicts[one.number]
        found["ways"][way.name] |= counts(files, verdicts)
    return found | {"files": rows}


def validation(bench: Bench, more: Sequence[Path]) -> dict[str, Any]:
    """Measure veraPDF, warm and a Java machine for each file.

    On the sources that claim to be PDF/A or PDF/UA, and `more`: PDF/A that was made of others.
    """
    claimed = [one for one in bench.planned if "verapdf" in one.checks]
    first = max((one.number for one in bench.planned), default=0) + 1
    made = [
        Planned(first + at, os.fsencode(path.name), path, path.stat().st_size, "fmt/477", "made")
        for at, path in enumerate(more)
    ]
    files = [*claimed, *made]
    if not files:
        return {}

    def listed(out: Path) -> Path:
        return bench.tasks("validate", files, out, lambda _: _step("verapdf"))

    ways = [
        Way("ours, warm", lambda out: ours("validate", listed(out), out)),
        Way("veraPDF, a Java machine for each file", lambda out: chain(listed(out), out)),
    ]
    found, said = _measured(bench, "validation", ways, len(files))
    warm, cold = (said[way.name] for way in ways)
    found["agree"] = sum(
        _verdict(warm.get(one.number, "")) == _verdict(cold.get(one.number, "")) for one in files
    )
    return found | {"files": _rows(files, said)}


def _verdict(said: str) -> str:
    """Return "valid", "invalid" or "undecided": ours as it stands, veraPDF's per flavour."""
    if said in {"valid", "invalid", "undecided"}:
        return said
    if "no claim" in said:
        return "undecided"
    # A PDF that cannot be parsed is not valid: ours says "invalid" of it as well.
    return "valid" if " valid" in said and " invalid" not in said else "invalid"


def _step(tool: str) -> dict[str, str]:
    return {"tool": tool, "on": "source", "with": ""}


def _measured(
    bench: Bench, stage: str, ways: Sequence[Way], files: int
) -> tuple[dict[str, Any], dict[str, dict[int, str]]]:
    """Run a stage's ways; return what they took, and what each said of each file."""
    folder = bench.folder / stage
    runs = in_turn(ways, bench.repeat, folder, lambda text: bench.say(f"{stage}: {text}"))
    said = {
        way.name: {
            number: steps[-1]["said"] if steps else ""
            for number, steps in answers(place(folder, way.name, 0)).items()
        }
        for way in ways
    }
    return {"count": files, "ways": told(runs, files)}, said


def _rows(files: Sequence[Planned], said: dict[str, dict[int, str]]) -> list[dict[str, Any]]:
    return [
        one.row()
        | {"ways": {way: {"said": heard.get(one.number, "")} for way, heard in said.items()}}
        for one in files
    ]


def _shares(asked: int, made: int, valid: int, faithful: int) -> dict[str, Any]:
    found: dict[str, Any] = {"asked": asked, "made": made, "valid": valid, "faithful": faithful}
    for name in ("made", "valid", "faithful"):
        found[f"share_{name}"] = round(found[name] / asked, 4) if asked else None
    return found
