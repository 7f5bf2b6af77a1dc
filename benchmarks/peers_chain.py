# SPDX-License-Identifier: AGPL-3.0-or-later
"""A script of ready-made tools, file by file: `python -m benchmarks.peers_chain TASKS OUT`.

TASKS is JSON as `peers_plan.task` makes it; OUT gets what every tool said. Each file is
copied first, so that no tool meets the source.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers_tools import Tools
from benchmarks.progress import show

_SHOWN = 300  # characters kept of what a tool says


def worked(task: dict[str, Any], tools: Tools, scratch: Path) -> dict[str, Any]:
    """Return what the tools said of a file, step by step; a step that fails ends its way."""
    folder = scratch / "in"
    folder.mkdir()
    copy, made = folder / task["name"], Path(task["made"])
    said = []
    try:
        shutil.copyfile(task["source"], copy)
        for step in task["steps"]:
            path = copy if step["on"] == "source" else made
            if not path.exists():
                break
            found = tools.do(step["tool"], path, made, step["with"])
            text = found.text.replace(f"{folder}/", "").replace(f"{scratch}/", "")
            said.append({
                "tool": step["tool"], "on": step["on"], "code": found.code,
                "said": text[-_SHOWN:], "seconds": round(found.seconds, 3),
            })  # fmt: skip
    except OSError as error:
        said.append({"tool": "copy", "on": "source", "code": 1, "said": str(error), "seconds": 0})
    finally:
        shutil.rmtree(folder)
    return {"number": task["number"], "steps": said}


def main() -> None:
    """Work off a list of tasks."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # On a disk: files may be large, and /tmp may be memory (file-hierarchy(7)).
    answers = Path(sys.argv[2])
    with (
        tempfile.TemporaryDirectory(prefix="skanearkiv-peers-", dir=answers.parent) as at,
        answers.open("w", encoding="utf-8") as out,
    ):
        tools = Tools(Path(at), float(asked["seconds"]))
        for number, task in enumerate(asked["tasks"], 1):
            print(json.dumps(worked(task, tools, Path(at))), file=out, flush=True)
            show(f"{asked['name']}: {number} of {len(asked['tasks'])}")


if __name__ == "__main__":
    main()
