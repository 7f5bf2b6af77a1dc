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
import gzip
import io
import json
import os
import platform
import struct
import subprocess
import sys
import time
import wave
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    row = b"\0" + bytes((number + at) % 256 for at in range(16))
    head = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * 16)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _tiff(number: int) -> bytes:
    pixels = bytes((number + at) % 256 for at in range(64))
    # Tag, type, count, value (TIFF 6.0, section 2): 8 by 8 grey pixels in one strip.
    tags = [
        (256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 8), (279, 4, 1, 64),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *one) for one in tags)
    body = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8 + 64) + pixels + body


def _gif(number: int) -> bytes:
    colours = bytes([number % 256, number // 256 % 256, 0, 255, 255, 255])
    screen = b"GIF89a\x01\0\x01\0\x80\0\0" + colours
    return screen + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def _wav(number: int) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(bytes((number + at) % 256 for at in range(200)))
    return stream.getvalue()


def _zip(number: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("ärende.txt"), str(number))
    return stream.getvalue()


def _gzip(number: int) -> bytes:
    return gzip.compress(str(number).encode(), mtime=0)


def _bmp(number: int) -> bytes:
    pixels = bytes((number + at) % 256 for at in range(12)) * 4
    head = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


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


def memory(pid: int) -> tuple[int, int]:
    """Return (RSS, PSS) of a process in bytes, zeros when it is gone."""
    found = {"Rss": 0, "Pss": 0}
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0, 0  # it has ended between the listing and now
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) * 1024
    return found["Rss"], found["Pss"]


def descendants(pid: int) -> list[int]:
    """Return the processes below one, as far as the kernel lists them."""
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
    return found[1:]


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
