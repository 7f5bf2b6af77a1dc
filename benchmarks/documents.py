# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDF to PDF/A: ours against Ghostscript alone and OCRmyPDF, on one folder, in one run.

    python -m benchmarks.documents FOLDER --out results/

For each way: how many of the files that open became valid PDF/A by veraPDF, valid and
faithful, and with everything kept (definitions: benchmarks/document_quality.py), CPU and
wall seconds, and size. Ours includes identification, validation and its proof; the others
are cold processes whose results nobody checks. Compare within one run only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import document_methods, document_quality, plots
from migrators.pdf import ghostscript
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import FileError
from pipeline.core.records import Verdict
from validators.pdfa_verapdf import VALIDATOR

_SECONDS = 120.0  # for judging one output
_PACKAGES = ("pikepdf", "pymupdf", "fonttools", "ocrmypdf")
_COUNTS = ("valid", "faithful", "kept")


def pdfs(folder: Path) -> Iterator[Path]:
    """Yield the files that are PDFs by name or by their first bytes, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                head = stream.read(1024)
            if head.startswith(b"%PDF-") or (path.suffix.lower() == ".pdf" and b"%PDF-" in head):
                yield path


class Beside:
    """Calls functions in a process beside this one, which a bad file may take with it."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def call(self, function: Callable[..., Any], *given: Path) -> Any:
        """Return `function(*given)`. Raises TimeoutError, BrokenProcessPool, what it raises."""
        try:
            return self._pool.submit(function, *given).result(timeout=_SECONDS)
        except (TimeoutError, BrokenProcessPool):
            for process in list(self._pool._processes.values()):
                process.kill()
            self._pool.shutdown(wait=False)
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
            raise


def openable(paths: Sequence[Path], beside: Beside) -> list[Path]:
    """Return the files that can be opened without a password and have pages."""
    found = []
    for path in paths:
        try:
            if beside.call(document_quality.opens, path):
                found.append(path)
        except (TimeoutError, BrokenProcessPool):
            continue  # it crashed or held the libraries: that is what "does not open" means
    return found


def judged(source: Path, made: Path, beside: Beside) -> dict[str, Any]:
    """Return what is true of one output."""
    row: dict[str, Any] = {"valid": False, "faithful": False, "kept": False, "blank": False}
    if not made.exists() or not made.stat().st_size:
        return row | {"why": "no output"}
    row["size"] = made.stat().st_size
    try:
        with budget(_SECONDS, 3072 * MIB):
            verdict = VALIDATOR.validate(made)
        quality = beside.call(document_quality.compare, source, made)
    except (FileError, TimeoutError, BrokenProcessPool, RuntimeError, ValueError) as error:
        return row | {"why": f"{type(error).__name__}: {error}"[:200]}
    # "pdfa" names what it claims to be; an output that claims nothing is no PDF/A.
    row["valid"] = verdict.verdict is Verdict.VALID and bool(verdict.properties.get("pdfa"))
    row["pdfa"] = verdict.properties.get("pdfa", "")
    row["faithful"] = row["valid"] and quality.faithful
    row["kept"] = row["valid"] and quality.kept
    row["blank"] = quality.blank
    row["why"] = quality.why or ("" if row["valid"] else "not valid PDF/A")
    row["lost"] = list(quality.lost)
    return row


def run(method: str, sources: Sequence[Path], out: Path, beside: Beside) -> dict[str, Any]:
    """Convert all files by one method, in a process of its own, and judge the outputs."""
    out.mkdir(parents=True)
    listing = out / "list.json"
    listing.write_text(json.dumps([str(path) for path in sources]), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "benchmarks.document_methods", method, str(listing), str(out)],
        check=True,
    )
    result: dict[str, Any] = json.loads((out / f"{method}.json").read_text(encoding="utf-8"))
    for number, (source, row) in enumerate(zip(sources, result["files"], strict=True)):
        row.update(judged(source, out / f"{number:05}.pdf", beside))
    return result


def summary(results: dict[str, Any], openable_files: set[str], bytes_before: int) -> dict[str, Any]:
    """Return the counts and costs of each method; counts are of files that open."""
    table = {}
    for method, result in results.items():
        rows = [row for row in result["files"] if row["file"] in openable_files]
        others = [row for row in result["files"] if row["file"] not in openable_files]
        table[method] = {
            **{name: sum(bool(row[name]) for row in rows) for name in _COUNTS},
            "outputs_of_files_that_do_not_open": sum("size" in row for row in others),
            "blank_pages": sum(bool(row["blank"]) for row in rows),
            "cpu_seconds": result["cpu_seconds"],
            "wall_seconds": round(sum(row["seconds"] for row in result["files"]), 1),
            "size_ratio": round(sum(row.get("size", 0) for row in rows) / max(bytes_before, 1), 2),
        }
    return table


def markdown(table: dict[str, Any], count: int) -> str:
    """Return the table for people."""
    lines = [
        f"{count} files that open.",
        "",
        "| way | valid | valid and faithful | all kept | made of files that do not open"
        " | CPU s | wall s | size |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, row in table.items():
        counts = " | ".join(f"{row[name]} ({row[name] / max(count, 1):.1%})" for name in _COUNTS)
        lines.append(
            f"| {method} | {counts} | {row['outputs_of_files_that_do_not_open']}"
            f" | {row['cpu_seconds']:.0f} | {row['wall_seconds']:.0f} | {row['size_ratio']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure what the command line asks for; print a table, write JSON and a plot."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m benchmarks.documents DELIVERY --out results --methods ours",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for JSON and plot")
    parser.add_argument("--methods", nargs="+", choices=document_methods.METHODS,
                        default=list(document_methods.METHODS))  # fmt: skip
    parser.add_argument("--keep", type=Path, help="keep the outputs in this folder")
    arguments = parser.parse_args()
    paths = list(pdfs(arguments.folder))
    if not paths:
        parser.error(f"{arguments.folder} holds no PDF")
    beside = Beside()
    good = openable(paths, beside)
    if not good:
        parser.error(f"no PDF of {arguments.folder} can be opened")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-") as scratch:
        work = arguments.keep or Path(scratch)
        results = {one: run(one, paths, work / one, beside) for one in arguments.methods}
    before = sum(path.stat().st_size for path in good)
    table = summary(results, {str(path) for path in good}, before)
    text = markdown(table, len(good))
    print(text)
    for result in results.values():
        for row in result["files"]:
            row["file"] = str(Path(row["file"]).relative_to(arguments.folder))
            for key in ("said", "why"):  # a result is shared; where the files lay is not
                row[key] = row.get(key, "").replace(f"{arguments.folder}/", "")
    report = {
        "machine": {"cpu": platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in _PACKAGES}
        | {"ghostscript": ghostscript.PROBE.version(), "python": platform.python_version()},
        "files": len(paths), "files_that_open": len(good), "bytes": before,
        "summary": table, "results": results,
    }  # fmt: skip
    target = arguments.out / "documents.json"
    target.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    plots.shares(
        {
            method: {name: row[name] / len(good) for name in _COUNTS}
            for method, row in table.items()
        },
        {method: row["cpu_seconds"] for method, row in table.items()},
        arguments.out / "documents.png",
    )


if __name__ == "__main__":
    main()
