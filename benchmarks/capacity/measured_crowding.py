# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the same work takes when all cores are busy, by what it takes on one; for `measure`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.capacity.measured_starts import Found
from pipeline.demo import pdfs

_PAGES, _TURNS = 20, 3
# What a judge of outputs does most: draw a page, and look at every pixel of it.
_WORK = """
import sys, time, pymupdf
document = pymupdf.open(sys.argv[1])
began = time.process_time()
for _ in range(int(sys.argv[2])):
    for page in document:
        page.get_pixmap(dpi=150).samples.count(b"\\0")
print(time.process_time() - began)
"""


def crowding(folder: Path) -> Found:
    """Return the processor seconds of work beside as many others as there are more cores."""
    sheet = folder / "crowding.pdf"
    sheet.write_bytes(pdfs.born_digital())
    ratios = []
    for _ in range(_TURNS):
        (alone,) = _taken(sheet, 1)
        ratios.append(statistics.fmean(_taken(sheet, len(os.sched_getaffinity(0)))) / alone)
    how = "drawing pages, processor time with every core at it by that of one; median of 3 turns"
    return {"crowding": (max(statistics.median(ratios), 1.0), how)}


def _taken(sheet: Path, processes: int) -> list[float]:
    command = [sys.executable, "-c", _WORK, str(sheet), str(_PAGES)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    return [float(one.communicate()[0]) for one in running]
