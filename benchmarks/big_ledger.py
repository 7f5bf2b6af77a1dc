# SPDX-License-Identifier: AGPL-3.0-or-later
"""`report` and `status` on a ledger of a million files: `python -m benchmarks.big_ledger`.

The ledger is made in two steps. A thousand files of every kind of end (kept, migrated with
checks, invalid, in conflict, unknown, signed, for review with pictures, empty, copies of
others) go through the ledger's own code, so that every table is filled as a run fills it.
Then those rows are multiplied in SQL, each time with paths, contents and identifiers of
their own. The commands run as children; memory is that of all their processes, shared
pages once (PSS), looked at five times a second. Without PREMIS, which the run has written
and `report` leaves as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.ledger_templates import fill
from benchmarks.processes import Watched
from format_registry.policy import default_path
from pipeline.ledger import connection
from pipeline.ledger.store import Ledger, RunFacts

_TEMPLATES = 1000
_COMMAND = [sys.executable, "-c", "from pipeline.cli.main import run; run()"]
# How each table is multiplied: the columns that become the copy's own. `:n` is the copy's
# number from 1, `:f` and `:e` what is added to the numbers of files and events.
_OWN = {
    "files": {
        "id": "id + :f",
        "raw": "CAST(printf('delen %04d/', :n) || path AS BLOB)",
        "path": "printf('delen %04d/', :n) || path",
        "sha256": "printf('%08x', :n) || substr(sha256, 9)",
        "same_as": "same_as + :f",
    },
    "identifications": {"file": "file + :f"},
    "validations": {"id": "NULL", "file": "file + :f"},
    "signatures": {"id": "NULL", "file": "file + :f"},
    "decisions": {"file": "file + :f"},
    "migrations": {
        "file": "file + :f",
        "output": "printf('migrated/delen %04d/', :n) || output",
        "sha256": "printf('%08x', :n) || substr(sha256, 9)",
    },
    "checks": {"file": "file + :f"},
    "evidence": {"file": "file + :f", "path": "printf('review/delen %04d/', :n) || path"},
    "events": {
        "id": "id + :e",
        "uuid": "printf('%08x', :n) || substr(uuid, 9)",
        "file": "file + :f",
    },
    "event_agents": {"event": "event + :e"},
}


def make(out: Path, files: int) -> None:
    """Write a ledger of `files` files, a multiple of a thousand, into `out`."""
    policy = default_path().read_text(encoding="utf-8")
    facts = RunFacts("skanearkiv 1", "0" * 64, policy, "", 2, "Linux")
    ledger = Ledger(connection.path_in(out), out / "source", "Ärenden 1998–2019", "Kommunen")
    ledger.start_run(facts)
    fill(ledger, _TEMPLATES)
    ledger.close()
    db = sqlite3.connect(connection.path_in(out), isolation_level=None)
    # A ledger that is made anew need not survive a power cut.
    db.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;")
    (events,) = db.execute("SELECT max(id) FROM events").fetchone()
    queries = {table: _query(db, table, own) for table, own in _OWN.items()}
    for number in range(1, files // _TEMPLATES):
        values = {"n": number, "f": number * _TEMPLATES, "e": number * events}
        db.execute("BEGIN")
        for query in queries.values():
            db.execute(query, values)
        db.execute("COMMIT")
    db.execute("UPDATE runs SET surveyed = ?, processed = ?", (files, files))
    db.execute("UPDATE measures SET count = count * ?", (files // _TEMPLATES,))
    db.execute("UPDATE runs SET status = 'done', ended = started")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()


def _query(db: sqlite3.Connection, table: str, own: dict[str, str]) -> str:
    names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    first = {"event_agents": f"event <= (SELECT max(id) FROM events WHERE file <= {_TEMPLATES})"}
    key = "id" if table == "files" else "file"
    where = first.get(table, f"{key} <= {_TEMPLATES}")
    values = ", ".join(own.get(name, name) for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} WHERE {where}"


def measure(*arguments: str) -> dict[str, Any]:
    """Run a command; return its seconds, and the peak of all its processes' memory in MB."""
    watched = Watched([*_COMMAND, *arguments], subprocess.DEVNULL, {}, memory_every=1)
    seconds = watched.wait()
    if watched.child.returncode:
        raise SystemExit(f"{arguments} ended with exit code {watched.child.returncode}")
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": watched.cpu["all"],
        "peak_memory_mb": round(watched.peaks["all"] / 1e6, 1),
    }


def main() -> None:
    """Make a ledger, measure both commands, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python -m benchmarks.big_ledger --files 1000000 --folder BIG",
    )
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="kept, and used again")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "big_ledger.json"
    )
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    ledger = connection.path_in(folder)
    if not ledger.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            make(folder, arguments.files)
        except BaseException:
            shutil.rmtree(folder)  # half a ledger must not be measured
            raise
    with sqlite3.connect(ledger) as db:
        (files,) = db.execute("SELECT count(*) FROM files").fetchone()
    result = {
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "load_before": os.getloadavg(),
        "files": files,
        "ledger_mb": round(ledger.stat().st_size / 1e6),
        "status": measure("status", str(folder), "--json"),
        "report": measure("report", str(folder), "--no-premis", "--json"),
        "written_mb": {
            one.name: round(one.stat().st_size / 1e6, 1)
            for one in sorted((folder / "report").iterdir())
        },
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
