# SPDX-License-Identifier: AGPL-3.0-or-later
"""Child processes that cannot outlive, outgrow or outlast what they were given.

Each runs in the sandbox (`pipeline.core.sandbox`): when its outermost process goes, or
its parent does (SIGKILL included), the kernel kills whatever was started in it, also what
called setsid. A process group alone does not do that. See pid_namespaces(7).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import budget, measuring, sandbox
from pipeline.core.errors import (
    CrashError,
    KilledError,
    OutOfMemoryError,
    ToolFailureError,
    ToolTimeoutError,
)
from pipeline.core.posix import environment
from pipeline.core.usage import Usage, watched

TAIL = 32 * 1024  # bytes kept of what a child prints: the reason stands at the end


@dataclass(frozen=True, slots=True)
class Completed:
    """What a child left: exit code (128 + n when signal n killed it), last output."""

    returncode: int
    output: str
    seconds: float


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit_memory: bool = True,
) -> Completed:
    """Run a program within the present budget, stdout and stderr kept as one tail.

    Raises ToolTimeoutError (the whole tree is dead by then), OutOfMemoryError,
    CrashError (a signal killed the program), ToolFailureError (a file grew too large),
    OSError when it cannot be started, ConfigError where a stronger sandbox is demanded.
    A non-zero exit code is the caller's to judge.
    """
    seconds = budget.remaining()
    started = time.monotonic()
    command = sandbox.wrap(argv, budget.memory() if limit_memory else None, seconds, asking=True)
    child = _started(command, cwd, {**environment(), **(env or {})})
    tail = Tail(child)
    usage = Usage(child.pid)
    try:
        watched(child, seconds, usage)
    except subprocess.TimeoutExpired:
        raise ToolTimeoutError(f"{Path(argv[0]).name} was killed after {seconds:.0f} s") from None
    finally:
        kill(child)
        measuring.used(usage.cpu, usage.memory)
        output = tail.text()
    judge_exit(Path(argv[0]).name, child.returncode, output)
    return Completed(child.returncode, output, time.monotonic() - started)


def _started(
    command: list[str], cwd: Path | None, env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    reading, writing = os.pipe()
    try:
        return subprocess.Popen(
            command, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
            env=env, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(reading)
        os.close(writing)


def judge_exit(program: str, returncode: int, output: str) -> None:
    """Raise OutOfMemoryError, CrashError, or for a limit ToolTimeoutError, ToolFailureError."""
    last = output.strip().splitlines()[-1][:300] if output.strip() else "it printed nothing"
    if returncode != 0 and any(sign in output for sign in _NO_MEMORY):
        raise OutOfMemoryError(f"{program}: {last}")
    if returncode < 0 or returncode > 128:
        number = -returncode if returncode < 0 else returncode - 128
        if number == signal.SIGXCPU:
            raise ToolTimeoutError(f"{program} used up the CPU time that it may have")
        if number == signal.SIGXFSZ:
            raise ToolFailureError(f"{program} wrote a file larger than it may")
        kind = KilledError if number == signal.SIGKILL else CrashError
        raise kind(f"{program} was ended by signal {number}; {last}")


_NO_MEMORY = (
    "MemoryError", "std::bad_alloc", "Cannot allocate memory", "OutOfMemoryError", "VMerror",
    "out of memory",
)  # fmt: skip


def kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and, by its namespace, all that it started; reap it."""
    if child.poll() is None:
        # Where there are no namespaces, its session is all that holds its children.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
    child.wait()


class Tail:
    """The last `TAIL` bytes of what a child prints, read as it prints them.

    A thread reads, so that a child that prints a gigabyte neither blocks on a full
    pipe nor fills our memory.
    """

    def __init__(self, child: subprocess.Popen[bytes], *, stderr: bool = False) -> None:
        stream = child.stderr if stderr else child.stdout
        if stream is None:
            raise ValueError("the child has no such pipe")
        self._stream = stream
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while block := self._stream.read1(65536):  # type: ignore[attr-defined]
            self._kept = (self._kept + block)[-TAIL:]
        self._stream.close()

    def text(self) -> str:
        """Return what is kept. To be called when the child is dead."""
        self._thread.join(timeout=2)
        return self._kept.decode("utf-8", "replace")
