# SPDX-License-Identifier: AGPL-3.0-or-later
"""One attempt at a fault: a delivery, runs of the real command, and what is seen of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.faults import ledgers
from pipeline.core.warm import package_root

COMMAND = [sys.executable, "-c", "from pipeline.cli.main import run; run()"]
SITE = Path(__file__).parent / "site"
# Batches of few files, so that there is something between them; one engine, to start faster.
_CONFIG = 'engine = "siegfried"\n[batches]\nmib = 1\n[room]\ndisk_mib = 1\nmemory_mib = 64\n'
_TICK = 0.03
_GRACE = 15.0  # seconds within which all of an ended run's processes must be gone


class NotInjectedError(Exception):
    """The fault did not really happen; the message says what was missing."""


class Scene:
    """Folders, environment and processes of an attempt; `words` is what was observed."""

    def __init__(self, base: Path, delivery: Path, deadline: float = 240.0) -> None:
        self.base, self.source, self.out = base, base / "source", base / "out"
        shutil.copytree(delivery, self.source)
        self.words: list[str] = []
        self.toml = _CONFIG
        self.options: list[str] = ["--workers", "2"]
        self.deadline = deadline
        self.marks = base / "marks"
        self.env = {
            "SKANEARKIV_PLUGINS": str(SITE),
            "SKANEARKIV_FAULT_MARKS": str(self.marks),
            "PYTHONPATH": str(package_root()),
        }
        self.peak = 0
        self.commands: set[str] = set()
        self._family: dict[int, psutil.Process] = {}
        self._runs: list[subprocess.Popen[bytes]] = []
        self._mounts: list[Path] = []
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    # -- what an act does -----------------------------------------------------------------

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start the run in a process group of its own; what it prints goes to a log."""
        config = self.base / "config.toml"
        config.write_text(self.toml, encoding="utf-8")
        words = ["run", str(self.source), "--out", str(self.out), "--config", str(config)]
        return self.spawn([*words, *self.options, *more])

    def spawn(self, words: list[str]) -> subprocess.Popen[bytes]:
        """Start a command of ours."""
        with (self.base / f"log-{len(self._runs)}.txt").open("wb") as log:
            child = subprocess.Popen(
                [*COMMAND, *words], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env={**os.environ, **self.env},
                start_new_session=True, cwd=self.base,
            )  # fmt: skip
        self._runs.append(child)
        return child

    def ended(self, child: subprocess.Popen[bytes], seconds: float = 0.0) -> int:
        """Wait for an end and note the exit code as a word. Raises TimeoutExpired."""
        code = child.wait(timeout=seconds or self.deadline)
        self.words.append(f"exit {code}")
        return code

    def again(self) -> int:
        """Give the same command again, undisturbed, and wait for its end."""
        self.words.append("again")
        return self.ended(self.start())

    def until(
        self, what: str, condition: Callable[[], object], child: subprocess.Popen[bytes],
        seconds: float = 120.0,
    ) -> None:  # fmt: skip
        """Wait until something is so. Raises NotInjectedError when the run ends before."""
        end = time.monotonic() + seconds
        while not condition():
            if child.poll() is not None:
                raise NotInjectedError(f"the run ended before {what}")
            if time.monotonic() > end:
                raise NotInjectedError(f"waited in vain for {what}")
            time.sleep(_TICK)

    def said(self, text: str) -> bool:
        """Whether any run has printed that (line ends are rich's own)."""
        return text in self.printed()

    def printed(self) -> str:
        """Return all that was printed, lines joined."""
        logs = sorted(self.base.glob("log-*.txt"))
        return " ".join(" ".join(one.read_text("utf-8", "replace") for one in logs).split())

    def finished(self) -> int:
        """Return how many files have an outcome."""
        return sum(state == "done" for _, state in ledgers.states(self.out).values())

    def told(self, text: str = "marks") -> list[list[str]]:
        """Return the lines that the misbehaving validator wrote, split."""
        path = self.base / text
        return [one.split() for one in path.read_text().splitlines()] if path.exists() else []

    def victim(self, path: str, name: str) -> str:
        """Note a victim's outcome as a word; return its detail."""
        one = ledgers.told(self.out)[path]
        self.words.append(f"{name} {one.outcome}")
        return one.detail

    def tmpfs(self, mib: int) -> Path:
        """Mount a small file system, put the output folder on it; return its folder."""
        folder = self.base / "disk"
        folder.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
        subprocess.run(["mount", *options], check=True, capture_output=True)
        self._mounts.append(folder)
        self.out = folder / "out"
        return folder

    # -- processes --------------------------------------------------------------------------

    def workers(self, child: subprocess.Popen[bytes]) -> list[psutil.Process]:
        """Return the workers below a coordinator, or below a `cluster worker`."""
        found = []
        with suppress(psutil.NoSuchProcess):
            for one in psutil.Process(child.pid).children(recursive=True):
                with suppress(psutil.Error):
                    line = " ".join(one.cmdline())
                    if "spawn_main" in line and "python" in one.name():
                        found.append(one)
        return found

    def inside(self, child: subprocess.Popen[bytes], sign: str) -> psutil.Process | None:
        """Return the process below a run whose program or mapped files have `sign` in them."""
        with suppress(psutil.Error):
            for one in psutil.Process(child.pid).children(recursive=True):
                with suppress(psutil.Error, OSError):
                    if sign in one.name() or sign in Path(f"/proc/{one.pid}/maps").read_text():
                        return one
        return None

    def kill(self, process: psutil.Process) -> None:
        """SIGKILL a process and see that it is gone. Raises NotInjectedError."""
        process.send_signal(signal.SIGKILL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(_TICK)
        raise NotInjectedError(f"process {process.pid} is still there")

    def _look(self) -> None:
        while not self._over.wait(0.15):
            for run in list(self._runs):
                with suppress(psutil.Error):
                    mother = psutil.Process(run.pid)
                    for one in [mother, *mother.children(recursive=True)]:
                        self._family[one.pid] = one
                        with suppress(psutil.Error):
                            self.peak = max(self.peak, one.memory_info().rss)
                            self.commands.update(one.cmdline()[-1:])

    def retire(self, child: subprocess.Popen[bytes]) -> None:
        """SIGKILL a command and all below it, also what has a session of its own."""
        with suppress(psutil.NoSuchProcess):
            for one in psutil.Process(child.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def left(self) -> list[str]:
        """Return processes of the runs that are still there, after some grace."""
        end = time.monotonic() + _GRACE
        while True:
            alive = [one for one in self._family.values() if _alive(one)]
            if not alive or time.monotonic() > end:
                return [f"{one.pid} {one.name()}" for one in alive if _alive(one)]
            time.sleep(0.1)

    def close(self) -> None:
        """Kill what is left, take the mounts away and remove the folder."""
        for run in self._runs:
            if run.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(run.pid, signal.SIGKILL)
                run.wait()
        self._over.set()
        self._watch.join()
        for one in self._family.values():
            with suppress(psutil.Error):
                if _alive(one):
                    one.kill()
        if shutil.which("chattr"):
            subprocess.run(["chattr", "-R", "-i", str(self.base)], check=False, capture_output=True)
        for folder in reversed(self._mounts):
            subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)
        shutil.rmtree(self.base, ignore_errors=True)


def _alive(one: psutil.Process) -> bool:
    try:
        return bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def folder() -> Path:
    """Return a new folder for attempts; outputs lie in it, so not in memory."""
    return Path(tempfile.mkdtemp(prefix="skanearkiv-faults-", dir="/var/tmp"))
