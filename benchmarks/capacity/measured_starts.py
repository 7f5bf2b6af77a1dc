# SPDX-License-Identifier: AGPL-3.0-or-later
"""What workers and their warm servers take to start; for `measure`."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.capacity import first_document
from benchmarks.processes import descendants, memory
from format_registry import looks
from migrators.libreoffice import client as office
from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.demo import flat, pdfs
from pipeline.demo import office as made
from validators import verapdf_engine
from validators.pdf import inspect

_ROUND = 100
Found = dict[str, tuple[float, str]]


def children() -> float:
    """Return the processor seconds of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def starts(folder: Path) -> Found:
    """Return what each warm server and a cluster's worker take to start."""
    sample = folder / "sample.txt"
    sample.write_text("Ärende 1\n", encoding="utf-8")
    sheet = folder / "sample.pdf"
    sheet.write_bytes(pdfs.born_digital())
    asked: dict[str, Callable[[], object]] = {
        "identify_start": lambda: isolate.call(
            Pool.IDENTIFY, looks.look, sample, ("siegfried", "fido")
        ),
        "libraries_start": lambda: isolate.call(Pool.LIBRARIES, inspect, sheet),
        "jvm_start": lambda: isolate.call(Pool.JVM, verapdf_engine.version),
    }
    found: Found = {}
    for name, ask in asked.items():
        taken = []
        for _ in range(2):
            cold = _wall(ask)
            taken.append(cold - _wall(ask))
            isolate.close_all()
            office.close()
        found[name] = (min(taken), "first question less the second, wall, least of 2")
    found["office_start"] = (
        _office(folder, sheet),
        "a worker's first document less its second, wall, Java there already, least of 2",
    )
    found["jvm_warming"] = (
        _warming(folder),
        f"first {_ROUND} validations of small PDFs less the fourth {_ROUND}, wall, least of 2",
    )
    found["worker_bytes"] = (
        _warm((*asked.values(), office.filters)),
        "PSS of four warm servers, RSS of a worker",
    )
    found["join"] = (_proof(), "what a worker proves of itself: processor time of `proof.collect`")
    return found


def _office(folder: Path, sheet: Path) -> float:
    """Return what a worker's first office document takes longer than its second."""
    letter = folder / "letter.docx"
    made.store(letter, flat.text("Ärende 1", made.LETTER))
    office.close()
    command = [sys.executable, "-m", first_document.__name__, str(sheet), str(letter)]
    taken = [
        float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(2)
    ]
    return min(taken)


def _warming(folder: Path) -> float:
    """Return what a Java machine's first validations take longer than later ones.

    It compiles what runs often, once soon and once more thoroughly (ADR 0007).
    """
    drawn = (pdfs.born_digital(), pdfs.unembedded(), pdfs.scanned(), pdfs.form(),
             pdfs.attached(pdfs.born_digital()))  # fmt: skip
    sheets = [folder / f"warming-{number}.pdf" for number in range(len(drawn))]
    for path, data in zip(sheets, drawn, strict=True):
        path.write_bytes(data)

    def round_() -> None:
        for number in range(_ROUND):
            isolate.call(Pool.JVM, verapdf_engine.judge, sheets[number % len(sheets)], "2b")

    taken = []
    for _ in range(2):
        isolate.call(Pool.JVM, verapdf_engine.version)
        times = [_wall(round_) for _ in range(4)]
        taken.append(times[0] - times[-1])
        isolate.close_all()
    return max(min(taken), 0.0)


def _proof() -> float:
    """Return the processor seconds of a worker's proof, in a process that has none yet."""
    told = (
        "import os; from format_registry import policy as p;"
        " from pipeline.execution.clusters import proof; asked = p.load(p.default_path());"
        " a = os.times(); proof.collect(asked); b = os.times(); print(sum(b[:4]) - sum(a[:4]))"
    )
    answer = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True)
    return float(answer.stdout)


def _warm(asked: Iterable[Callable[[], object]]) -> float:
    """Return the bytes of a worker with all its servers, after they have answered once."""
    for ask in asked:
        ask()
    servers = sum(memory(one)[1] for one in descendants(os.getpid()))
    isolate.close_all()
    office.close()
    told = "import resource as r, distributed, pipeline.execution.tasks;"
    told += "print(r.getrusage(r.RUSAGE_SELF).ru_maxrss)"
    answer = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True)
    return float(servers + int(answer.stdout) * 1024)


def _wall(ask: Callable[[], object]) -> float:
    started = time.monotonic()
    ask()
    return time.monotonic() - started
