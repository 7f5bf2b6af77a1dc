# SPDX-License-Identifier: AGPL-3.0-or-later
"""A site's validator of JSON that misbehaves for two files, as broken tools do.

What it does the variable SKANEARKIV_FAULT says; without it, every file is valid. Of the two
victims one has a program of its own (`bounded.run`), the other code in the libraries' warm
child (`isolate.call`). A number `wait` in a file is the seconds that it takes.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipeline.core import bounded, isolate
from pipeline.core.errors import ToolFailureError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, ValidationResult, Verdict

FAULT = "SKANEARKIV_FAULT"
MARKS = "SKANEARKIV_FAULT_MARKS"
GIB = 1024**3
_BLOCK = 1024 * 1024


def misbehave(fault: str) -> str:
    """Do what a broken tool does; return a word where that has an end."""
    if fault == "segfault":
        ctypes.string_at(0)
    if fault in {"stubborn", "escape"}:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if fault == "escape":
        code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(900)"
        subprocess.Popen([sys.executable, "-c", code, "runaway"], start_new_session=True)
    if fault in {"hang", "stubborn", "escape"}:
        time.sleep(900)
    if fault == "memory":
        kept = []
        while True:
            kept.append(b"x" * (64 * _BLOCK))
    if fault == "disk":
        _fill(Path(os.environ["TMPDIR"]) / "much")
    if fault == "print":
        for _ in range(GIB // _BLOCK):
            os.write(2, b"x" * _BLOCK)
        return f"printed {GIB}"
    return "nothing"


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"x" * _BLOCK)


def mark(words: str) -> None:
    """Write a line where the fault's maker can see it; workers may, their children may not."""
    place = os.environ.get(MARKS)
    if place:
        with open(place, "a", encoding="utf-8") as stream:
            stream.write(f"{words}\n")


class Misbehaving:
    """Valid, unless the file is a victim and a fault is wanted."""

    name = "misbehaving"
    puids = frozenset({"fmt/817"})

    def agents(self) -> tuple[Agent, ...]:
        """Return this one."""
        return (Agent("misbehaving", "1"),)

    def validate(self, path: Path) -> ValidationResult:
        """Take as long as the file says, and do to it what is wanted."""
        told = json.loads(path.read_text(encoding="utf-8"))
        began = time.monotonic()
        time.sleep(float(told.get("wait", 0)))
        fault, victim = os.environ.get(FAULT, ""), str(told.get("victim", ""))
        if fault == "poison":
            if victim == "program":
                mark(f"poison {os.getpid()}")
                os.kill(os.getpid(), signal.SIGKILL)
        elif fault and victim == "program":
            self._program(fault)
        elif fault and victim == "warm":
            mark(f"warm {isolate.call(Pool.LIBRARIES, misbehave, fault)}")
        mark(f"file {os.getpid()} {began} {time.monotonic()}")
        return ValidationResult(self.name, Verdict.VALID)

    def _program(self, fault: str) -> None:
        code = (
            "import sys; from validators import misbehaving as m; print(m.misbehave(sys.argv[1]))"
        )
        root, site = Path(isolate.__file__).parents[2], Path(__file__).parents[1]
        boot = (
            f"import sys; sys.path.insert(0, {str(root)!r}); import validators; "
            f"validators.__path__.append({str(site / 'validators')!r}); {code}"
        )
        done = bounded.run([sys.executable, "-c", boot, fault])
        last = (done.output.strip().splitlines() or [""])[-1]
        if done.returncode:
            raise ToolFailureError(f"exit code {done.returncode}: {last[-300:]}")
        mark(f"program {last[-40:]}")


VALIDATOR = Misbehaving()
