# SPDX-License-Identifier: AGPL-3.0-or-later
"""A delivery of many small files: `python -m benchmarks.many_files --files 100000`.

Writes small files of twelve formats (most of a content of their own, some copies, some
empty, some damaged), runs `skanearkiv run` on them as a child, and looks every second at
the memory of the coordinator's process, of which Dask's scheduler is a part on one machine,
and of everything that it started. Resident memory (RSS) counts shared pages with each
process, PSS divides them (proc_pid_smaps(5)). Prints files a second, peaks, outcomes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import generator_raw as raw
from benchmarks.processes import descendants, memory

_COMMAND = [sys.executable, "-c", "from pipeline.cli.main import run; run()", "run"]


def _text(number: int) -> bytes:
    return f"Ärende {number}\nHandläggare: å ä ö\n".encode() * 3


def _csv(number: int) -> bytes:
    rows = [f"{number};{at};värde {at * number}" for at in range(12)]
    return "\n".join(["nummer;rad;värde", *rows, ""]).encode()


def _xml(number: int) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ärende nr="{number}"><rad/></ärende>\n'.encode()
    )


def _html(number: int) -> bytes:
    return f"<!DOCTYPE html>\n<html><title>{number}</title><body><p>å</p></body></html>\n".encode()


def _json(number: int) -> bytes:
    return json.dumps({"ärende": number, "rader": list(range(5))}).encode()


def _png(number: int) -> bytes:
    return raw.png(16, 16, _counted(number, 16) * 16)


def _tiff(number: int) -> bytes:
    return raw.tiff(8, 8, _counted(number, 64))


def _gif(number: int) -> bytes:
    return raw.gif(bytes([number % 256, number // 256 % 256, 0, 255, 255, 255]))


def _wav(number: int) -> bytes:
    return raw.wav(_counted(number, 200))


def _zip(number: int) -> bytes:
    return raw.zipped("ärende.txt", str(number))


def _gzip(number: int) -> bytes:
    return raw.gzipped(str(number).encode())


def _bmp(number: int) -> bytes:
    return raw.bmp(4, 4, _counted(number, 12) * 4)


def _counted(number: int, length: int) -> bytes:
    return bytes((number + at) % 256 for at in range(length))


_FORMATS: tuple[tuple[str, Callable[[int], bytes]], ...] = (
    ("txt", _text), ("csv", _csv), ("xml", _xml), ("html", _html), ("json", _json),
    ("png", _png), ("tif", _tiff), ("gif", _gif), ("wav", _wav), ("zip", _zip),
    ("gz", _gzip), ("bmp", _bmp),
)  # fmt: skip


def write(folder: Path, files: int) -> None:
    """Write the delivery: a thousand files to a folder, the same on every run."""
    for number in range(files):
        ending, make = _FORMATS[number % len(_FORMATS)]
        # One in twenty is the copy of an earlier one, one in 200 empty, one in 100 cut off.
        content = make(number - 12 if number % 20 == 19 and number >= 12 else number)
        if number % 200 == 7:
            content = b""
        elif number % 100 == 11:
            content = content[: len(content) // 2]
        place = folder / f"del {number // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"handling {number:06d}.{ending}").write_bytes(content)


def measure(source: Path, out: Path, workers: int) -> dict[str, Any]:
    """Run once; return seconds, files a second, peaks of memory in MB, outcomes."""
    command = [*_COMMAND, str(source), "--out", str(out), "--workers", str(workers), "--json"]
    answer = out.with_name(f"{out.name}.json")
    started = time.monotonic()
    peaks = {"coordinator_rss": 0, "coordinator_pss": 0, "all_pss": 0}
    working = 0.0
    with answer.open("w", encoding="utf-8") as stream:
        child = subprocess.Popen(command, stdout=stream)
        while child.poll() is None:
            rss, pss = memory(child.pid)
            others = sum(memory(one)[1] for one in descendants(child.pid))
            for name, value in (
                ("coordinator_rss", rss), ("coordinator_pss", pss), ("all_pss", pss + others),
            ):  # fmt: skip
                peaks[name] = max(peaks[name], value)
            if (out / "run.json").exists():
                working = time.monotonic() - started
            time.sleep(1)
    seconds = time.monotonic() - started
    if child.returncode not in (0, 1):
        raise SystemExit(f"the run ended with exit code {child.returncode}")
    result = json.loads(answer.read_text(encoding="utf-8"))
    return {
        "files": result["files"],
        "workers": workers,
        "wall_seconds": round(seconds, 1),
        # Without the reports and PREMIS that follow.
        "files_per_second": round(result["files"] / (working or seconds), 1),
        "peak_mb": {name: round(value / 1e6, 1) for name, value in peaks.items()},
        "ledger_mb": round((out / "ledger.sqlite").stat().st_size / 1e6, 1),
        "outcomes": result["outcomes"],
        "load_at_end": os.getloadavg(),
    }


def main() -> None:
    """Write a delivery, run it, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python -m benchmarks.many_files --files 100000 --folder MANY",
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, required=True, help="for delivery and outputs")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "many_files.json"
    )
    arguments = parser.parse_args()
    source = arguments.folder / "delivery"
    if not source.exists():
        write(source, arguments.files)
    found = measure(source, arguments.folder / "out", arguments.workers)
    machine = {"system": platform.platform(), "cores": os.cpu_count()}
    text = json.dumps({"machine": machine, **found}, indent=1)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
