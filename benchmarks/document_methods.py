# SPDX-License-Identifier: AGPL-3.0-or-later
"""Three ways from PDF to PDF/A: ours, Ghostscript alone, OCRmyPDF without reading text.

`python -m benchmarks.document_methods METHOD LIST OUT` converts the files that LIST (JSON)
names into OUT, one after the other, and writes OUT/METHOD.json. A process for each method:
all that it starts is counted as its CPU time.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks.progress import show

METHODS = ("ours", "ghostscript", "ocrmypdf")
_LIMIT = 300.0  # seconds for one file
_LOOK = 0.25  # seconds between two looks at what is running
_ICC = Path("/usr/share/color/icc/ghostscript/srgb.icc")
# What pdfwrite wants to be told for PDF/A: its output intent (VectorDevices, "Creating PDF/A").
_INTENT = """%!
[/_objdef {{profile}} /type /stream /OBJ pdfmark
[{{profile}} << /N 3 >> /PUT pdfmark
[{{profile}} ({icc}) (r) file /PUT pdfmark
[/_objdef {{intent}} /type /dict /OBJ pdfmark
[{{intent}} << /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile {{profile}}
  /OutputConditionIdentifier (sRGB) >> /PUT pdfmark
[{{Catalog}} << /OutputIntents [ {{intent}} ] >> /PUT pdfmark
"""


def ghostscript(scratch: Path) -> Callable[[Path, Path], str]:
    """Return Ghostscript as most peers run it: a cold process, RGB, its result not validated."""
    intent = scratch / "intent.ps"
    intent.write_text(_INTENT.format(icc=_ICC), encoding="ascii")

    def convert(source: Path, made: Path) -> str:
        return _run(
            ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", "-dPDFA=2",
             "-dPDFACompatibilityPolicy=1", "-sColorConversionStrategy=RGB",
             f"--permit-file-read={_ICC}", f"-sOutputFile={made}", str(intent), str(source)]
        )  # fmt: skip

    return convert


def ocrmypdf(scratch: Path) -> Callable[[Path, Path], str]:
    """Return OCRmyPDF's command line without OCR, its output type left to it."""
    del scratch
    program = str(Path(sys.executable).with_name("ocrmypdf"))

    def convert(source: Path, made: Path) -> str:
        return _run(
            [program, "--quiet", "--skip-text", "--ocr-engine", "none", "--jobs", "1",
             "--invalidate-digital-signatures", str(source), str(made)]
        )  # fmt: skip

    return convert


def _run(arguments: list[str]) -> str:
    try:
        done = subprocess.run(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_LIMIT,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "timeout"
    if done.returncode:
        return f"exit code {done.returncode}: {done.stdout.decode(errors='replace')[-200:]}"
    return ""


def ours(scratch: Path) -> Callable[[Path, Path], str]:
    """Return the product's own way of a file, proof included, with OCR left out."""
    from format_registry import identifier, policy
    from pipeline.config.settings import Settings
    from pipeline.core.hashing import digest
    from pipeline.core.records import Action
    from pipeline.steps.file_job import process
    from pipeline.steps.jobs import Context, FileJob

    shipped = policy.load(policy.default_path())
    rules = tuple(one for one in shipped.rules if one.migrator != "scan_to_pdfa")
    staging = scratch / "staging"
    staging.mkdir()
    names: dict[str, int] = {}

    def convert(source: Path, made: Path) -> str:
        context = Context(source.parent, staging, replace(shipped, rules=rules), Settings())
        found = digest(source)
        number = names.setdefault(str(source), len(names) + 1)
        job = FileJob(
            number, 1, os.fsencode(source.name), source.stat().st_size, found.sha256,
            identifier.identify(source),
        )  # fmt: skip
        result = process(job, context)
        if result.migration is not None:
            shutil.move(staging / result.migration.staged, made)
            return f"{result.outcome.value}: {result.migration.method}: {result.detail}"
        if result.outcome.good and result.decision and result.decision.action is Action.KEEP:
            shutil.copyfile(source, made)
            return "ok: kept: "
        return f"{result.outcome.value}: : {result.detail[:300]}"

    return convert


class Meter(threading.Thread):
    """Counts the CPU time of all processes below this one, by looking four times a second.

    The kernel counts a child's time to its parent when that waits for it. Ours are killed
    with their namespace when they are not wanted any more, and are counted to nobody.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._seen: dict[tuple[int, float], float] = {}
        self._ended = threading.Event()
        self.own = 0.0

    def run(self) -> None:
        """Look until `seconds` is asked for."""
        while not self._ended.wait(_LOOK):
            self._look()
            self.own = time.thread_time()

    def _look(self) -> None:
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # gone since the list was made
                used = one.cpu_times()
                self._seen[one.pid, one.create_time()] = used.user + used.system

    def seconds(self) -> float:
        """Return the seconds of all that was seen."""
        self._look()
        self._ended.set()
        self.join()
        return sum(self._seen.values())


def main() -> None:
    """Convert with one method what a list names; write what became of each."""
    name, listing, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    rows: list[dict[str, Any]] = []
    # What is waited for is counted exactly; the other two wait for all that they start.
    meter = Meter() if name == "ours" else None
    if meter is not None:
        meter.start()
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-") as scratch:
        convert = {"ours": ours, "ghostscript": ghostscript, "ocrmypdf": ocrmypdf}[name](
            Path(scratch)
        )
        for number, source in enumerate(json.loads(listing.read_text(encoding="utf-8"))):
            made = out / f"{number:05}.pdf"
            started = time.monotonic()
            said = convert(Path(source), made)
            seconds = round(time.monotonic() - started, 3)
            rows.append({"file": source, "said": said, "seconds": seconds})
            show(f"{name}: {number + 1}")
    here = resource.getrusage(resource.RUSAGE_SELF)
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = here.ru_utime + here.ru_stime
    if meter is None:
        cpu += waited.ru_utime + waited.ru_stime
    else:
        cpu += meter.seconds() - meter.own
    result = {"cpu_seconds": round(cpu, 2), "files": rows}
    (out / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
