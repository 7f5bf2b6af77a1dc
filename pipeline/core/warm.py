# SPDX-License-Identifier: AGPL-3.0-or-later
"""Warm servers: children that stay up and are asked one thing at a time.

Protocol: each message is a 4-byte big-endian length and that many bytes of JSON
(`pipeline.core.codec`), requests on the child's standard input, replies on the file
descriptor that the variable SKANEARKIV_REPLY_FD names. A child that takes too long,
dies, or is worn is killed and started anew at the next.

Libraries keep some memory of each file. A child is worn when it has answered `recycle_after`
requests and the last one found it larger than `recycle_above` bytes, at the latest after ten
times as many: to replace it at 300 each time cost more than it kept (ADR 0008).
"""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.core import budget, codec, measuring, sandbox
from pipeline.core.bounded import Tail, judge_exit, kill
from pipeline.core.errors import FILE_ERRORS, CrashError, ToolFailureError, ToolTimeoutError
from pipeline.core.posix import environment
from pipeline.core.usage import Usage

REPLY_FD = "SKANEARKIV_REPLY_FD"
_START_SECONDS = 60.0
_LONGER = 10  # times as many requests for a child that has not grown
_REPLY_LIMIT = 256 * budget.MIB
# How often this process has started each of its servers, by name.
STARTS: Counter[str] = Counter()


class WarmServer:
    """One warm child, started when first asked. Safe to share between threads."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        memory: int | None,
        recycle_after: int = 500,
        recycle_above: int = 512 * budget.MIB,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.restarts = 0
        self._argv = list(argv)
        self._memory = memory
        self._recycle_after = recycle_after
        self._recycle_above = recycle_above
        self._env = dict(env or {})
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._reply_fd = -1
        self._tail: Tail | None = None
        self._served = 0
        self._usage = Usage(0)
        self._state: tuple[object, ...] = ()

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Send a request and return the reply's value, within the present budget.

        Raises the FileError that the child reports, ToolTimeoutError, CrashError or
        OutOfMemoryError when it dies. After any but the first the child is dead.
        """
        with self._lock:
            if (
                self._child is None
                or self._child.poll() is not None
                # Its mounts and limits were made for other settings.
                or self._state != sandbox.state()
            ):
                self._start()
            seconds = budget.remaining()
            self._usage.begin()
            try:
                self._send(codec.dumps(dict(request)))
                reply = self._receive(time.monotonic() + seconds)
            except TimeoutError:
                self._measured()
                self._stop()
                message = f"{self.name} was killed after {seconds:.0f} s"
                raise ToolTimeoutError(message) from None
            except (BrokenPipeError, EOFError):
                raise self._death() from None
            except BaseException:
                # A half-read reply would answer the next question.
                self._stop()
                raise
            self._measured()
            self._served += 1
            if self._worn():
                self._stop()
        return _value(reply)

    def _worn(self) -> bool:
        large = self._usage.memory > self._recycle_above
        return self._served >= self._recycle_after * (1 if large else _LONGER)

    def _measured(self) -> None:
        self._usage.look()
        measuring.used(self._usage.cpu, self._usage.memory)

    def close(self) -> None:
        """Kill the child, if there is one."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """Process id of the child's outermost process, None when it is down."""
        return self._child.pid if self._child is not None else None

    def _start(self) -> None:
        self._stop()
        self._state = sandbox.state()
        command = sandbox.wrap(self._argv, self._memory)
        reading, writing = os.pipe()
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                env={**environment(), **self._env, REPLY_FD: str(writing)},
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            raise ToolFailureError(f"{self.name} could not be started: {error}") from error
        finally:
            os.close(writing)
        self._reply_fd = reading
        self._tail = Tail(self._child)
        self._served = 0
        self.restarts += 1
        STARTS[self.name] += 1
        self._usage = Usage(self._child.pid)
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except TimeoutError:
            self._stop()
            raise ToolTimeoutError(f"{self.name} did not start in {_START_SECONDS:.0f} s") from None
        except EOFError:
            raise self._death() from None

    def _stop(self) -> None:
        if self._child is None:
            return
        kill(self._child)
        if self._child.stdin is not None:
            try:
                self._child.stdin.close()
            except BrokenPipeError:
                # What was still buffered was meant for a process that is gone.
                self._child.stdin = None
        os.close(self._reply_fd)
        self._child, self._reply_fd = None, -1

    def _death(self) -> CrashError:
        child, tail = self._child, self._tail
        if child is None or tail is None:
            return CrashError(f"{self.name} is not running")
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            kill(child)
        output = tail.text()
        code = child.returncode
        self._stop()
        judge_exit(self.name, code, output)
        last = output.strip().splitlines()[-1:] or ["it printed nothing"]
        return CrashError(f"{self.name} ended with exit code {code}; {last[0][:300]}")

    def _send(self, body: bytes) -> None:
        if self._child is None or self._child.stdin is None:
            raise BrokenPipeError
        self._child.stdin.write(len(body).to_bytes(4, "big") + body)
        self._child.stdin.flush()

    def _receive(self, deadline: float) -> Any:
        size = int.from_bytes(self._read_exactly(4, deadline), "big")
        if size > _REPLY_LIMIT:
            raise EOFError(f"a reply of {size} bytes")
        return codec.loads(self._read_exactly(size, deadline))

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self._reply_fd, selectors.EVENT_READ)
            while size:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise TimeoutError
                block = os.read(self._reply_fd, min(size, 1 << 20))
                if not block:
                    raise EOFError
                parts.append(block)
                size -= len(block)
        return b"".join(parts)


def _value(reply: Mapping[str, Any]) -> Any:
    if "error" in reply:
        cls = FILE_ERRORS.get(str(reply["error"]), ToolFailureError)
        raise cls(str(reply["detail"]), str(reply.get("code", "")))
    return reply["value"]


def package_root() -> Path:
    """Return the folder that holds the four packages."""
    return Path(__file__).resolve().parents[2]
