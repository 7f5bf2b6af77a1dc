# SPDX-License-Identifier: AGPL-3.0-or-later
"""Measure the constants of `rates.toml`: `python -m benchmarks.capacity.measure`.

Processor seconds wherever that is what counts, so that what else runs on the machine
changes little: of the coordinator's thread (time.thread_time), of its process with Dask's
scheduler in it (time.process_time), of children that have ended (getrusage(2)). What is
waiting (a commit, a start) is wall time, the median or the least of several.
Takes about a minute, with one core. Prints the tables to be put into `rates.toml`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import big_ledger, many_files
from benchmarks.capacity import rates
from benchmarks.capacity.measured_crowding import crowding
from benchmarks.capacity.measured_starts import Found, children, starts
from benchmarks.capacity.watched_run import Clock, watched
from pipeline.cli.written import write_records
from pipeline.execution.clusters.base import configured
from pipeline.ledger import connection, measures


def coordinator(folder: Path, files: int) -> Found:
    """Run a delivery of small files; return the coordinator's and the worker's rates."""
    source, out = folder / "delivery", folder / "out"
    many_files.write(source, files)
    before = children()
    clock = watched(source, out)
    used = children() - before
    with closing(connection.open_reader(out)) as db:
        taken = [one for one in measures.taken(db) if not one.tool]
    taken = [one for one in taken if one.stage in {"survey", "file"}]
    busy = sum(one.seconds for one in taken)
    command, worker = _imports()
    own = used - worker - sum(one.cpu for one in taken)
    survey = np.array([(1, n) for n, _, _ in clock.surveys], float)
    per_batch, per_survey = _fit(survey, [one[2] for one in clock.surveys])
    result = np.array([(1, n, made) for n, made, _ in clock.files], float)
    per_result, per_file, per_output = _fit(result, [one[2] for one in clock.files])
    landed = sum(n for n, _, _ in clock.files)
    how = f"thread time of the coordinator, {files} small files of 12 formats, one worker"
    submitting = clock.submit + clock.next - clock.copy
    return {
        "scan_file": (clock.scan / files, f"`_scan`, {how}"),
        "survey_batch": (per_batch, f"`Recorder.landed` of surveys, constant part; {how}"),
        "survey_file": (per_survey, f"`Recorder.landed` of surveys, per file; {how}"),
        "record_batch": (per_result, f"`Recorder.landed` of files, constant part; {how}"),
        "record_file": (per_file, f"`Recorder.landed` of files, per file; {how}"),
        "record_output": (per_output, f"the same, more for each output; {how}"),
        "record_copy": (
            clock.copy / max(clock.copies, 1),
            f"`Recorder._copy` and `_record_copies`; {how}",
        ),
        "submit_batch": (submitting / clock.batches, f"`Recorder.next` and `_submit`; {how}"),
        "start": (
            clock.begun - clock.asked - clock.scan_wall + command,
            "wall seconds of `execute` until work is handed out to one worker, less the scan,"
            " and processor time of the command's imports",
        ),
        "worker_start": (worker, "processor time of a process that imports what a worker does"),
        "worker_file_cpu": (
            max(own, 0.0) / (files + landed),
            f"processor time of all children less that of tools and imports; {how}",
        ),
        "log_bytes_file": (
            sum(one.stat().st_size for one in (out / "log").iterdir()) / files,
            f"of {how}",
        ),
        "coordinator_bytes": (
            float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024),
            f"most resident memory of the coordinator's process; {how}",
        ),
        **_around(clock, files, landed, busy),
    }


def _imports() -> tuple[float, float]:
    """Return the processor seconds that the command and a worker take to be loaded."""
    found = []
    for what in ("pipeline.cli.main", "distributed, pipeline.execution.tasks"):
        before = children()
        subprocess.run([sys.executable, "-c", f"import {what}"], check=True)
        found.append(children() - before)
    return found[0], found[1]


def _fit(known: np.ndarray, seconds: list[float]) -> list[float]:
    """Return what each column costs, by least squares, none of them less than nothing."""
    found = np.zeros(known.shape[1])
    columns = list(range(known.shape[1]))
    while columns:
        least, *_ = np.linalg.lstsq(known[:, columns], np.array(seconds), rcond=None)
        if min(least) >= 0:
            found[columns] = least
            break
        # Too few batches to tell it from the others: it is in what they cost.
        columns.pop(int(np.argmin(least)))
    return [float(one) for one in found]


def _around(clock: Clock, files: int, landed: int, busy: float) -> Found:
    """Return what goes on beside the coordinator's thread. Prints what it is made from."""
    wall = clock.ended - clock.begun
    print(f"# work {wall:.2f} s, worker busy {busy:.2f} s, {clock.batches} batches")
    print(f"# thread {clock.thread:.2f} s, process {clock.process:.2f} s, {landed} files landed")
    beside = max(clock.process - clock.thread, 0.0)
    per_task, gap = scheduler()
    return {
        "scheduler_task": (per_task, "process time beside the main thread, 400 empty tasks"),
        "scheduler_file": (
            max(beside - per_task * clock.batches, 0.0) / (files + landed),
            "process time beside the coordinator's thread in a run, less that of empty tasks,"
            " per file and job: results are read there",
        ),
        "worker_task": (gap, "wall seconds between two empty tasks of a worker, median"),
    }


def _empty(number: int) -> int:
    return number


def scheduler() -> tuple[float, float]:
    """Return the CPU seconds per task beside the client's thread, and a worker's gap."""
    from distributed import Client, LocalCluster, as_completed

    with (
        configured(),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as own,
        Client(own) as client,
    ):
        client.submit(_empty, -1, pure=False).result()
        thread, process = time.thread_time(), time.process_time()
        times = [time.monotonic()]
        flying = as_completed([client.submit(_empty, n, pure=False) for n in (0, 1)])
        for number, future in enumerate(flying, 2):
            future.result()
            times.append(time.monotonic())
            if number < 400:
                flying.add(client.submit(_empty, number, pure=False))
        beside = time.process_time() - process - (time.thread_time() - thread)
    gap = statistics.median(b - a for a, b in pairwise(times))
    return beside / (len(times) - 1), gap


def commit(folder: Path) -> Found:
    """Return what a transaction of the ledger waits for its disk."""
    waits = []
    with closing(connection.open_writer(folder / "commit.sqlite")) as db:
        db.execute("CREATE TABLE t (a TEXT)")
        for number in range(300):
            wall, cpu = time.monotonic(), time.thread_time()
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO t VALUES (?)", (str(number) * 200,))
            db.execute("COMMIT")
            waits.append(time.monotonic() - wall - (time.thread_time() - cpu))
    return {"commit": (statistics.median(waits), "300 commits, wall less processor time, median")}


def records(folder: Path) -> Found:
    """Return what reports and PREMIS take per file, from ledgers of two sizes."""
    taken, sizes = [], []
    for files in (1000, 5000):
        out = folder / f"ledger-{files}"
        out.mkdir()
        big_ledger.make(out, files)
        cpu = time.process_time() + children()
        written = write_records(out)
        taken.append(time.process_time() + children() - cpu)
        premis = sum(one.stat().st_size for one in written if one.suffix == ".xml")
        reports = sum(one.stat().st_size for one in written) - premis
        sizes.append((connection.path_in(out).stat().st_size, premis, reports))
    made = "made ledgers of 1,000 and 5,000 files"
    how = f"processor time of `write_records`, {made}"
    slope = (taken[1] - taken[0]) / 4000
    return {
        "records_file": (slope, how),
        "records": (taken[0] - slope * 1000, f"constant; {how}"),
        **{
            f"{name}_bytes_file": (float(large - small) / 4000, f"what more files add; {made}")
            for name, small, large in zip(("ledger", "premis", "report"), *sizes, strict=True)
        },
    }


def main() -> None:
    """Measure; print TOML."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python -m benchmarks.capacity.measure > rates.toml"
    )
    parser.add_argument("--files", type=int, default=1200, help="of the delivery that is run")
    parser.add_argument("--repeat", type=int, default=1, help="times; the medians are printed")
    parser.add_argument("--folder", type=Path, default=None, help="for what is made; removed")
    asked = parser.parse_args()
    # Not /tmp, which may be memory (file-hierarchy(7)): a commit there waits for nothing.
    parent = asked.folder or Path("/var/tmp")  # noqa: S108
    all_found = [_measured(parent, asked.files) for _ in range(asked.repeat)]
    for name, (_, how) in all_found[0].items():
        # What else runs only ever adds to wall time.
        least = name in {"commit", "start", "worker_task"} or (
            name.endswith("_start") and "wall" in how
        )
        value = (min if least else statistics.median)(found[name][0] for found in all_found)
        kind = "least" if least else "median"
        told = how if asked.repeat == 1 else f"{how}; {kind} of {asked.repeat}"
        print(f'[{name}]\nvalue = {value:.4g}\nunit = "{rates.unit(name)}"\nhow = "{told}"\n')


def _measured(parent: Path, files: int) -> Found:
    folder = Path(tempfile.mkdtemp(prefix="skanearkiv-capacity-", dir=parent))
    try:
        return {
            **commit(folder), **starts(folder), **coordinator(folder, files), **records(folder),
            **crowding(folder),
        }  # fmt: skip
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
