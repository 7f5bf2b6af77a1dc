# SPDX-License-Identifier: AGPL-3.0-or-later
"""Child processes that cannot outlive, outgrow or outlast what they were given.

Each runs in a session, PID namespace and network namespace of its own, under a
shell that is the namespace's process 1: when it goes, or its parent does (SIGKILL
included), the kernel kills whatever was started in it, also what called setsid.
A process group alone does not do that. See setpriv(1), unshare(1), pid_namespaces(7).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from pipeline.core import budget
from pipeline.core.errors import CrashError, OutOfMemoryError, ToolTimeoutError
from pipeline.core.posix import environment

TAIL = 32 * 1024  # bytes kept of what a child prints: the reason stands at the end

# The tool is not process 1 itself: the kernel ignores signals that process 1 sends to
# itself (a tool that aborts would hang), and something must reap its orphans.
_INIT = 'ulimit -c 0; ulimit -v "$1"; shift; "$@"; exit $?'


class Isolation(StrEnum):
    """How well a child can be held."""

    NAMESPACE = "PID and network namespace"
    USER_NAMESPACE = "PID and network namespace, as an ordinary user"
    SESSION = "session only: a tool that calls setsid can escape its time limit"


# Entering a user namespace clears a parent-death signal, so it comes first. The shell in
# between ends at once if the parent died before the signal was armed.
_ARM = ("setpriv", "--pdeathsig", "KILL", "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"')
_AS_USER = ("unshare", "--user", "--map-current-user", "--keep-caps", "--")
_APART = ("unshare", "--pid", "--net", "--fork", "--kill-child", "--")


def _wrapper(kind: Isolation) -> tuple[str, ...]:
    armed = (*_ARM, str(os.getpid()), *_APART)
    alone = (*_ARM, str(os.getpid())) if shutil.which("setpriv") else ()
    return {
        Isolation.NAMESPACE: armed,
        Isolation.USER_NAMESPACE: (*_AS_USER, *armed),
        Isolation.SESSION: alone,
    }[kind]


@lru_cache(maxsize=1)
def isolation() -> Isolation:
    """Return the strongest isolation that works here, found by trying."""
    for kind in (Isolation.NAMESPACE, Isolation.USER_NAMESPACE):
        argv = [*_wrapper(kind), "true"]
        if shutil.which(argv[0]) is None:
            continue
        try:
            if subprocess.run(argv, capture_output=True, timeout=10, check=False).returncode == 0:
                return kind
        except (OSError, subprocess.TimeoutExpired):
            continue
    return Isolation.SESSION


def wrap(argv: Sequence[str], memory: int | None) -> list[str]:
    """Return `argv` bounded: `memory` in bytes of address space, None for no limit."""
    limit = "unlimited" if memory is None else str(max(memory // 1024, 1))
    return [*_wrapper(isolation()), "sh", "-c", _INIT, "sh", limit, *argv]


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
    CrashError (a signal killed the program), OSError when it cannot be started.
    A non-zero exit code is the caller's to judge.
    """
    seconds = budget.remaining()
    started = time.monotonic()
    child = subprocess.Popen(
        wrap(argv, budget.memory() if limit_memory else None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env={**environment(), **(env or {})},
        start_new_session=True,
    )
    tail = Tail(child)
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise ToolTimeoutError(f"{Path(argv[0]).name} was killed after {seconds:.0f} s") from None
    finally:
        kill(child)
        output = tail.text()
    judge_exit(Path(argv[0]).name, child.returncode, output)
    return Completed(child.returncode, output, time.monotonic() - started)


def judge_exit(program: str, returncode: int, output: str) -> None:
    """Raise OutOfMemoryError or CrashError when a child ended by one; else return."""
    last = output.strip().splitlines()[-1][:300] if output.strip() else "it printed nothing"
    if returncode != 0 and any(sign in output for sign in _NO_MEMORY):
        raise OutOfMemoryError(f"{program}: {last}")
    if returncode < 0 or returncode > 128:
        number = -returncode if returncode < 0 else returncode - 128
        raise CrashError(f"{program} was ended by signal {number}; {last}")


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
