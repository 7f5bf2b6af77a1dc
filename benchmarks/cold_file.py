# SPDX-License-Identifier: AGPL-3.0-or-later
"""One file, three times in a process of its own: the first time every server has to start.

`python -m benchmarks.cold_file FILE SCRATCH [POLICY]` prints JSON: seconds of each time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from format_registry import identifier, policy
from pipeline.config.settings import Settings
from pipeline.core import isolate
from pipeline.core.hashing import digest
from pipeline.steps.file_job import process
from pipeline.steps.jobs import Context, FileJob

_TIMES = 3


def seconds(path: Path, scratch: Path, rules: Path) -> list[float]:
    """Return the wall seconds of identifying and working on a file, `_TIMES` times."""
    staging = scratch / "staging"
    staging.mkdir()
    context = Context(path.parent, staging, policy.load(rules), Settings())
    found = []
    for number in range(1, _TIMES + 1):
        started = time.monotonic()
        known = identifier.identify(path)
        job = FileJob(
            number, 1, os.fsencode(path.name), path.stat().st_size, digest(path).sha256, known
        )
        process(job, context)
        found.append(round(time.monotonic() - started, 4))
    isolate.close_all()
    return found


def main() -> None:
    """Measure the file that the command line names."""
    path, scratch = Path(sys.argv[1]), Path(sys.argv[2])
    rules = Path(sys.argv[3]) if len(sys.argv) > 3 else policy.default_path()
    print(json.dumps(seconds(path, scratch, rules)))


if __name__ == "__main__":
    main()
