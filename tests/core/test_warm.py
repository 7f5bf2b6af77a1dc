# SPDX-License-Identifier: AGPL-3.0-or-later
"""A warm child may do anything; the worker gets an error of the file's, and goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.core import isolate
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import (
    CrashError,
    FileError,
    OutOfMemoryError,
    PasswordError,
    ToolFailureError,
    ToolTimeoutError,
)
from pipeline.core.isolate import Pool
from pipeline.core.warm import WarmServer, package_root
from tests.core import faulty
from tests.system.deliveries import left_behind


@pytest.fixture
def server() -> Iterator[WarmServer]:
    one = WarmServer(
        "test",
        [sys.executable, "-m", "pipeline.core.warm_child"],
        memory=2048 * MIB,
        recycle_after=5,
        recycle_above=100 * MIB,
        env={"PYTHONPATH": str(package_root())},
    )
    yield one
    one.close()


def ask(server: WarmServer, function: Callable[..., object], *args: object) -> object:
    return server.ask({"call": f"tests.core.faulty:{function.__name__}", "args": list(args)})


def test_answers_and_stays_up(server: WarmServer) -> None:
    assert [ask(server, faulty.double, n) for n in range(5)] == [0, 2, 4, 6, 8]
    assert server.restarts == 1


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (faulty.segfault, CrashError),
        (faulty.abort, CrashError),
        (faulty.kill_itself, CrashError),
        (faulty.exits, CrashError),
        (faulty.eat_memory, OutOfMemoryError),
        (faulty.bug, ToolFailureError),
        (faulty.not_json, FileError),
    ],
)
def test_what_breaks_is_an_error_and_the_next_call_works(
    server: WarmServer, function: Callable[..., object], error: type[FileError]
) -> None:
    with budget(20, 2048 * MIB), pytest.raises(error):
        ask(server, function)
    assert ask(server, faulty.double, 21) == 42


def test_a_hang_is_killed_with_all_it_started(server: WarmServer) -> None:
    marker = uuid.uuid4().hex
    started = time.monotonic()
    with budget(1.5, 2048 * MIB), pytest.raises(ToolTimeoutError):
        ask(server, faulty.hang, marker)
    assert time.monotonic() - started < 10
    assert left_behind(marker) == []
    assert ask(server, faulty.double, 1) == 2


def test_prints_are_not_replies_and_do_not_fill_memory(server: WarmServer) -> None:
    assert ask(server, faulty.pollute) == "clean"
    assert ask(server, faulty.print_much) == 1


def test_our_errors_cross_with_code_and_detail(server: WarmServer) -> None:
    with pytest.raises(PasswordError) as caught:
        ask(server, faulty.needs_password)
    assert (caught.value.code, caught.value.detail) == ("test.password", "tell me")
    assert server.restarts == 1


def test_killed_between_questions_is_started_anew(server: WarmServer) -> None:
    ask(server, faulty.double, 1)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert ask(server, faulty.double, 2) == 4
    assert server.restarts == 2


def test_is_recycled_when_it_has_grown(server: WarmServer) -> None:
    for number in range(6):
        ask(server, faulty.double, number)
    assert server.restarts == 1
    ask(server, faulty.grow, 200)
    assert server.pid is None
    ask(server, faulty.double, 1)
    assert server.restarts == 2


def test_is_recycled_in_the_end(server: WarmServer) -> None:
    for number in range(51):
        ask(server, faulty.double, number)
    assert server.restarts == 2


def test_no_child_loads_models_that_nobody_asks_for(server: WarmServer) -> None:
    assert not ask(server, faulty.loaded_with_mupdf)


def test_only_our_packages_can_be_called(server: WarmServer) -> None:
    with pytest.raises(ToolFailureError, match="not ours"):
        server.ask({"call": "os:getpid", "args": []})


def test_a_child_that_is_killed_from_outside_is_asked_once_more(tmp_path: Path) -> None:
    assert isolate.call(Pool.LIBRARIES, faulty.killed_once, tmp_path / "mark") == "done"
