# SPDX-License-Identifier: AGPL-3.0-or-later
"""What children took is seen from outside, also within the sandbox."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from pipeline.core import bounded, isolate, measuring
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import ToolTimeoutError
from pipeline.core.isolate import Pool
from pipeline.core.usage import Usage
from tests.core import faulty

_HOLDS = "import time; x = bytearray({0} << 20); time.sleep({1})"


def test_a_program_s_memory_is_that_of_its_tree() -> None:
    with measuring.recorded() as found, budget(60, 3072 * MIB), measuring.stage("migrate"):
        with measuring.tool("big"):
            bounded.run([sys.executable, "-c", _HOLDS.format(200, 0.5)])
        with measuring.tool("small"):
            bounded.run([sys.executable, "-c", _HOLDS.format(1, 0.5)])
    big, small, stage = found
    assert (big.stage, big.tool, stage.tool) == ("migrate", "big", "")
    assert big.memory > 200 * MIB > small.memory > MIB
    assert stage.memory == big.memory
    assert stage.seconds >= big.seconds + small.seconds > 1


def test_a_program_that_is_killed_was_measured() -> None:
    killed = pytest.raises(ToolTimeoutError)
    with measuring.recorded() as found, killed, budget(3, 3072 * MIB), measuring.stage("validate"):
        bounded.run([sys.executable, "-c", _HOLDS.format(100, 60)])
    assert found[0].memory > 100 * MIB


def test_a_warm_server_s_peak_is_each_request_s_own() -> None:
    isolate.close_all()  # what other tests had it read is not in the way
    with measuring.recorded() as found, budget(60, 3072 * MIB):
        for mib in (1, 300, 1):
            with measuring.stage(str(mib)):
                isolate.call(Pool.LIBRARIES, faulty.hold, mib)
    first, big, last = (one.memory for one in found)
    assert big > 300 * MIB
    assert last < big - 200 * MIB
    assert abs(last - first) < 100 * MIB


def test_processor_time_is_counted() -> None:
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        usage = Usage(child.pid)
        usage.begin()
        end = time.monotonic() + 60  # a busy machine gives it little
        while usage.cpu <= 0.1 and time.monotonic() < end:
            time.sleep(0.1)
            usage.look()
        assert usage.cpu > 0.1
    finally:
        child.kill()
        child.wait()
    usage.look()  # of what is gone, nothing is lost
    assert usage.cpu > 0.1


def test_nothing_is_measured_where_nobody_asks() -> None:
    with measuring.stage("x"), measuring.tool("y"):
        measuring.used(1.0, 2)
