# SPDX-License-Identifier: AGPL-3.0-or-later
"""What goes wrong in children: called by name in a warm child, as native code would fail."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

from pipeline.core.errors import PasswordError


def double(number: int) -> int:
    return number * 2


def segfault() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def kill_itself() -> None:
    os.kill(os.getpid(), 9)


def killed_once(mark: Path) -> str:
    """Be killed, but only the first time."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return "done"


def hang(marker: str) -> None:
    """Ignore SIGTERM, and leave a grandchild in a session of its own."""
    subprocess.Popen(
        [sys.executable, "-c", "import signal,time;signal.signal(15,1);time.sleep(600)", marker],
        start_new_session=True,
    )
    time.sleep(600)


def eat_memory() -> int:
    return len(bytearray(64 * 1024**3))


def pollute() -> str:
    print("a library prints" * 1000)
    sys.stdout.flush()
    os.write(1, b"and writes to descriptor 1\n" * 1000)
    return "clean"


def print_much() -> int:
    for _ in range(2000):
        os.write(2, b"x" * 65536)
    return 1


def needs_password() -> None:
    raise PasswordError("tell me", "test.password")


def bug() -> None:
    raise KeyError("what a library raises")


def not_json() -> object:
    return object()


def exits() -> None:
    sys.exit(0)


def reads(path: os.PathLike[str]) -> str:
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def hold(mib: int) -> int:
    held = b"x" * (mib << 20)  # written to, and so resident
    return len(held)


_kept: list[bytearray] = []


def grow(mib: int) -> int:
    _kept.append(bytearray(b"x" * (mib << 20)))
    return len(_kept)


def loaded_with_mupdf() -> list[str]:
    import pymupdf

    del pymupdf
    return [
        name for name in ("pymupdf.layout", "pymupdf4llm", "onnxruntime") if sys.modules.get(name)
    ]
