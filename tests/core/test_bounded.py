# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs within their limits, also those that do not want to be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from pipeline.core import bounded, sandbox, sandbox_commands
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import CrashError, OutOfMemoryError, ToolTimeoutError
from tests.system.deliveries import left_behind, named


def test_output_and_exit_code() -> None:
    done = bounded.run(["sh", "-c", "echo hello; echo oops >&2; exit 3"])
    assert (done.returncode, sorted(done.output.split())) == (3, ["hello", "oops"])


def test_a_signal_is_a_crash() -> None:
    with pytest.raises(CrashError, match="signal 11"):
        bounded.run(["sh", "-c", "kill -SEGV $$"])


def test_memory_is_bounded() -> None:
    with budget(30, 512 * MIB), pytest.raises(OutOfMemoryError):
        bounded.run([sys.executable, "-c", "x = bytearray(10**10)"])


def test_who_ignores_sigterm_forks_and_calls_setsid_dies_all_the_same() -> None:
    marker = uuid.uuid4().hex
    script = f"trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 600; : {marker}' & sleep 600"
    with budget(1, 512 * MIB), pytest.raises(ToolTimeoutError):
        bounded.run(["sh", "-c", script])
    assert left_behind(marker) == []


def test_orphans_of_a_tool_that_ended_are_killed() -> None:
    marker = uuid.uuid4().hex
    script = f"setsid sh -c 'sleep 600; : {marker}' >/dev/null 2>&1 & exit 0"
    done = bounded.run(["sh", "-c", script])
    assert done.returncode == 0
    time.sleep(0.2)
    assert left_behind(marker) == []


def test_killed_parent_takes_its_tools_along() -> None:
    marker = uuid.uuid4().hex
    code = (
        "from pipeline.core import bounded\n"
        f"bounded.run(['sh', '-c', 'setsid sleep 600 & sleep 600; : {marker}'])\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 15
    while not [pid for pid in named(f": {marker}") if pid != parent.pid]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    time.sleep(0.5)
    assert left_behind(marker) == []


@pytest.mark.parametrize("alive", [True, False])
def test_nothing_begins_when_the_outermost_process_has_gone(tmp_path: Path, alive: bool) -> None:
    """What process 1 asks before it begins, beside a reader that lives and one that does not."""
    made = tmp_path / "made"
    asking = sandbox_commands.session(["touch", str(made)], sandbox.limits(None, 60), asking=True)
    reading, writing = os.pipe()
    if not alive:
        os.close(reading)
    subprocess.run(["sh", "-c", 'exec 4>&0; exec "$@"', "sh", *asking], stdin=writing, check=False)
    assert made.exists() is alive
    for one in (reading, writing) if alive else (writing,):
        os.close(one)


def test_much_output_keeps_its_end() -> None:
    done = bounded.run(["sh", "-c", "yes | head -c 50000000; echo the end"])
    assert done.output.endswith("the end\n")
    assert len(done.output) <= bounded.TAIL


def test_there_is_no_network() -> None:
    if sandbox.protection().kind is sandbox.Protection.SESSION:
        pytest.fail("no namespaces here: children cannot be held")
    listing = bounded.run(["cat", "/proc/net/dev"]).output
    assert os.environ.get("PATH")
    assert "eth" not in listing
