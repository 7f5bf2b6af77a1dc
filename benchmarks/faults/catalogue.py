# SPDX-License-Identifier: AGPL-3.0-or-later
"""The rows of the fault table: what is done, and what must come of it.

`exit 1` is the end of a run that has files which need attention: the plain delivery holds
an empty one, whatever is done to it. `papers` has none: exit 0.
"""

from __future__ import annotations

import signal
from functools import partial

from benchmarks.faults import kill_rows as kills
from benchmarks.faults import place_rows as places
from benchmarks.faults import stop_rows as stops
from benchmarks.faults import tool_rows as tools
from benchmarks.faults.deliveries import PROGRAM, VICTIMS
from benchmarks.faults.model import Row

_MIB = 1024 * 1024
_LATE = "was killed after"

ROWS = (
    Row("tool segfaults", "a program, and code in a warm child, read address 0",
        "exit 1; program crash; warm crash",
        partial(tools.broken_tool, fault="segfault", sign="signal 11"), victims=VICTIMS),
    Row("tool hangs", "both sleep for good",
        "exit 1; program timeout; warm timeout",
        partial(tools.broken_tool, fault="hang", sign=_LATE), victims=VICTIMS),
    Row("tool ignores SIGTERM", "both sleep for good and ignore SIGTERM",
        "exit 1; program timeout; warm timeout",
        partial(tools.broken_tool, fault="stubborn", sign=_LATE), victims=VICTIMS),
    Row("tool forks and calls setsid", "as above, with a grandchild in a session of its own",
        "exit 1; program timeout; warm timeout", tools.escape, victims=VICTIMS),
    Row("tool eats memory", "both take memory until there is none",
        "exit 1; program out_of_memory; warm out_of_memory; memory bounded",
        tools.memory, victims=VICTIMS),
    Row("tool fills the disk", "both write to their TMPDIR until a tmpfs is full",
        "exit 1; program tool_failure; warm tool_failure", tools.fills_disk, victims=VICTIMS,
        needs=("root",)),
    Row("tool prints 1 GB", "both print 1 GiB",
        "exit 1; program ok; warm ok; memory bounded", tools.prints),
    Row("disk full", "2 MiB left on the tmpfs of output and scratch, room again later",
        "paused; waits; exit 1", partial(places.full, leave=2 * _MIB), needs=("root",)),
    Row("disk full to the last byte", "nothing left, room again later",
        "paused; waits; exit 1", partial(places.full, leave=0), needs=("root",)),
    Row("disk full before the run", "too little room to begin, then enough",
        "exit 2; told; again; exit 1", places.full_before, needs=("root",)),
    Row("worker killed", "SIGKILL to a worker at work", "killed; exit 1", kills.worker),
    Row("poison file", "each worker that is given the file dies by SIGKILL",
        "exit 1; victim crash", tools.poison, victims=(PROGRAM,)),
    Row("coordinator killed", "SIGKILL to the command; the command again",
        "exit -9; nothing left; again; exit 1", kills.coordinator),
    Row("scheduler killed", "SIGKILL to a scheduler of one's own; all again",
        "killed; exit 4; again; exit 1", kills.scheduler),
    Row("node lost", "SIGKILL to all of a node's workers; another node comes",
        "killed; exit 1", kills.node),
    Row("walltime", "SIGTERM to a node's workers; another node comes",
        "terminated; exit 1", kills.walltime),
    Row("LibreOffice killed between files", "SIGKILL while it is idle",
        "killed; started anew; exit 0", partial(kills.server_between, sign=kills.OFFICE),
        kind="papers"),
    Row("LibreOffice killed within a file", "SIGKILL while it works on a document",
        "killed; started anew; exit 0", partial(kills.server_within, sign=kills.OFFICE),
        kind="papers"),
    Row("JVM killed between files", "SIGKILL while it is idle",
        "killed; started anew; exit 0", partial(kills.server_between, sign=kills.JAVA),
        kind="papers"),
    Row("JVM killed within a file", "SIGKILL while it validates a document",
        "killed; started anew; exit 0", partial(kills.server_within, sign=kills.JAVA),
        kind="papers"),
    Row("ledger locked", "another program holds it for 45 s",
        "told; waits; exit 1", places.locked),
    Row("ledger locked for good", "held until the run was ended by Ctrl-C; the command again",
        "exit 4; told; again; exit 1", places.locked_for_good),
    Row("clock set back", "coordinator and workers read a clock that goes back three days",
        "exit 1; times went back", places.clock_back, needs=("cc",)),
    Row("output made read-only", "chattr +i for OUT and all folders in it; mended; again",
        "exit 4; told; again; exit 1", partial(places.read_only, place=""),
        needs=("root", "chattr")),
    Row("folder of outputs made read-only", "chattr +i OUT/migrated; mended; again",
        "exit 4; told; again; exit 1", partial(places.read_only, place="migrated"),
        needs=("root", "chattr")),
    Row("open ledger made read-only", "chattr -R +i OUT, the ledger with it; mended; again",
        "exit -7; again; exit 1", places.read_only_ledger, needs=("root", "chattr")),
    Row("source rewritten", "between identification and the rest; the command again",
        "exit 1; file changed; file changed; again; exit 1; file ok; file ok",
        places.rewritten, victims=VICTIMS),
    Row("source appended to", "while it is hashed; the command again",
        "exit 1; file changed; again; exit 1; file ok", places.appended,
        victims=("x-large.json",)),
    Row("second coordinator", "the same command beside the first; the first killed, again",
        "second 2; told; exit -9; again; exit 1", stops.second),
    Row("Ctrl-C once", "SIGINT to the process group; the command again",
        "drains; exit 130; again; exit 1", partial(stops.once, number=signal.SIGINT)),
    Row("SIGTERM once", "SIGTERM to the process group; the command again",
        "drains; exit 130; again; exit 1", partial(stops.once, number=signal.SIGTERM)),
    Row("Ctrl-C twice", "SIGINT twice; the command again",
        "exit 130; nothing left; again; exit 1", stops.twice),
    Row("machine short of memory", "[room] memory_mib is more than there is",
        "exit 1; one at a time", stops.short_of_memory),
)  # fmt: skip
