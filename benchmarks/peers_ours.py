# SPDX-License-Identifier: AGPL-3.0-or-later
"""One stage of the product, warm, over a list of files, in a process of its own.

`python -m benchmarks.peers_ours STAGE TASKS OUT`, with TASKS as `peers_plan.task` makes them:
`identify` (engines as SKANEARKIV_ENGINE says), `pygfried` (Siegfried's library alone),
`validate` (veraPDF), `office` (the migrator, without the proof of what it made).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers_plan import MEMORY, SECONDS
from pipeline.core import sandbox
from pipeline.core.budget import budget
from pipeline.core.errors import FileError

Ask = Callable[[dict[str, Any], Path], str]


def identify(scratch: Path) -> Ask:
    """Return identification as a run does it: engines in a warm child, in the sandbox."""
    del scratch
    from format_registry import identifier

    return lambda task, _: identifier.identify(Path(task["source"])).puid or ""


def pygfried(scratch: Path) -> Ask:
    """Return Siegfried as Python programs call it: in their own process."""
    from benchmarks.identification import engine

    ask = engine("Siegfried", scratch)

    def siegfried(task: dict[str, Any], _: Path) -> str:
        found: Any = ask(Path(task["source"]))
        puids = [str(one["id"]) for file in found["files"] for one in file["matches"]]
        return " ".join("" if one == "UNKNOWN" else one for one in puids)

    return siegfried


def validate(scratch: Path) -> Ask:
    """Return veraPDF, warm, against what a file claims."""
    del scratch
    from validators.pdfa_verapdf import VALIDATOR

    return lambda task, _: VALIDATOR.validate(Path(task["source"])).verdict.value


def office(scratch: Path) -> Ask:
    """Return the migrator of office documents with a warm LibreOffice."""
    from migrators.base import Options
    from migrators.office_to_pdfa import MIGRATOR
    from validators.pdfa_verapdf import VALIDATOR

    def convert(task: dict[str, Any], folder: Path) -> str:
        copy, work = folder / task["name"], folder / "work"
        work.mkdir()
        shutil.copyfile(task["source"], copy)
        options = Options(task["puid"], "pdfa-2b", work, VALIDATOR.validate)
        return MIGRATOR.migrate(copy, Path(task["made"]), options).method

    del scratch
    return convert


_STAGES: dict[str, Callable[[Path], Ask]] = {
    "identify": identify, "pygfried": pygfried, "validate": validate, "office": office,
}  # fmt: skip


def main() -> None:
    """Work off a list of tasks; what becomes of each is its answer or its error."""
    stage, asked = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    answers = Path(sys.argv[3])
    # As a worker has it: its scratch to write, and the delivery to read.
    sandbox.writable(answers.parent)
    sandbox.readable(*(Path(one["source"]) for one in asked["tasks"]))
    with (
        tempfile.TemporaryDirectory(prefix="skanearkiv-peers-", dir=answers.parent) as at,
        answers.open("w", encoding="utf-8") as out,
    ):
        ask = _STAGES[stage](Path(at))
        for task in asked["tasks"]:
            started = time.monotonic()
            folder = Path(at) / "in"
            folder.mkdir()
            code = 0
            try:
                with budget(SECONDS, MEMORY):
                    said = ask(task, folder)
            except FileError as error:
                code, said = 1, f"{error.outcome.value}: {error.detail}"[:300]
            finally:
                shutil.rmtree(folder)
            step = {"tool": stage, "on": "source", "code": code, "said": said,
                    "seconds": round(time.monotonic() - started, 3)}  # fmt: skip
            print(json.dumps({"number": task["number"], "steps": [step]}), file=out, flush=True)


if __name__ == "__main__":
    main()
