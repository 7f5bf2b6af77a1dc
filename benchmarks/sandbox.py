# SPDX-License-Identifier: AGPL-3.0-or-later
"""What hostile files and programs reach, without a sandbox and with each kind of it.

    python -m benchmarks.sandbox [--json] [--starts 50]

Every cell is found by looking: is the file gone, does the secret stand in the output, did
the server on the loopback have a visitor. "settings" is the pipeline's own way with the
same file (its profile, its parsers, -dSAFER) without any sandbox. Limits are small, so
that no machine is harmed: 100 processes, files of 64 MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.sandbox_attacks import Attack, Place
from benchmarks.sandbox_catalogue import all_attacks
from pipeline.core import bounded, sandbox
from pipeline.core.posix import environment
from pipeline.core.sandbox import Protection
from pipeline.core.warm import package_root

COLUMNS = ("none", "namespaces", "unshare", "bubblewrap", "settings")
_LIMITS = {"max_processes": 100, "max_file_mib": 64}


@contextmanager
def counting() -> Iterator[tuple[str, Counter[str]]]:
    """Yield the address of an HTTP server on the loopback, and its visits by first folder."""
    visits: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visits[self.path.split("/")[1]] += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"text")

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", visits
    finally:
        server.shutdown()
        server.server_close()


def attempt(attack: Attack, column: str, base: Path, url: str, visits: Counter[str]) -> str:
    """Return what an attack reached in a column; "" for nothing, "-" where it has no meaning."""
    if column == "settings" and attack.ours is None:
        return "-"
    place = Place(base, f"{url}/{base.name}")
    place.prepare()
    make = attack.ours if column == "settings" and attack.ours is not None else attack.command
    kind = {"none": "session", "settings": "session"}.get(column, column)
    before = {name: os.environ.get(name) for name in (sandbox.VARIABLE, "TMPDIR")}
    try:
        os.environ[sandbox.VARIABLE] = json.dumps({"use": kind, **_LIMITS})
        command = make(place)
        sandbox.writable(place.work)
        sandbox.readable(place.work.parent)
        if kind != "session":
            command = sandbox.wrap(command, None)
        printed = _run(command, place, attack.seconds)
    finally:
        sandbox.unconfined()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        tempfile.tempdir = None
    if attack.visits:
        found = f"{visits[base.name]} requests" if visits[base.name] else ""
    else:
        found = attack.reached(place, printed)
    worked = attack.ours_worked if column == "settings" else attack.worked
    return found if found or worked(place, printed) else "the tool failed"


def _run(command: list[str], place: Place, seconds: float) -> str:
    env = {**environment(), "PYTHONPATH": str(package_root())}
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd=place.work, env=env, start_new_session=True,
    )  # fmt: skip
    tail = bounded.Tail(child)
    try:
        # Some wait for a person; what they reached is seen all the same.
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=seconds)
    finally:
        bounded.kill(child)
    return tail.text()


def starts(count: int) -> dict[str, float]:
    """Return the median of the milliseconds that starting `true` takes, by column."""
    found = {}
    for column in COLUMNS[:-1]:
        os.environ[sandbox.VARIABLE] = json.dumps({"use": column if column != "none" else ""})
        times = []
        for _ in range(count):
            began = time.monotonic()
            command = ["true"] if column == "none" else sandbox.wrap(["true"], None)
            subprocess.run(command, check=True, env=environment())
            times.append(1000 * (time.monotonic() - began))
        found[column] = round(statistics.median(times), 1)
    os.environ.pop(sandbox.VARIABLE)
    return found


def measure(chosen: str = "") -> list[dict[str, str]]:
    """Return a row for each attack: name, tool, what each column reached."""
    rows: list[dict[str, str]] = []
    with counting() as (url, visits), tempfile.TemporaryDirectory(prefix="skanearkiv-") as folder:
        working = [one for one in COLUMNS if one in ("none", "settings") or _has(one)]
        for attack in all_attacks():
            if chosen not in attack.name:
                continue
            row = {"attack": attack.name, "tool": attack.tool}
            for column in COLUMNS:
                base = Path(folder) / f"{len(rows)}-{column}"
                base.mkdir()
                missing = column not in working
                row[column] = "not here" if missing else attempt(attack, column, base, url, visits)
            rows.append(row)
    return rows


def _has(column: str) -> bool:
    os.environ[sandbox.VARIABLE] = json.dumps({"use": column})
    try:
        return sandbox.protection().kind is Protection(column)
    finally:
        os.environ.pop(sandbox.VARIABLE)


def main() -> None:
    """Print the table, as Markdown or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", default="", help="attacks whose name has this in it")
    parser.add_argument("--starts", type=int, default=50, help="starts to measure, 0 for none")
    arguments = parser.parse_args()
    rows = measure(arguments.only)
    cost = starts(arguments.starts) if arguments.starts else {}
    if arguments.json:
        machine = f"{platform.system()} {platform.release()} {platform.machine()}"
        print(json.dumps({"rows": rows, "start_ms": cost, "machine": machine}, indent=1))
        return
    print(f"| attack | by | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    for row in rows:
        cells = " | ".join(row[one] or "nothing" for one in COLUMNS)
        print(f"| {row['attack']} | {row['tool']} | {cells} |")
    if cost:
        print("\nStart of a program, median in ms:",
              ", ".join(f"{name} {value}" for name, value in cost.items()))  # fmt: skip


if __name__ == "__main__":
    main()
