# SPDX-License-Identifier: AGPL-3.0-or-later
"""The warm server that owns a LibreOffice; runs under the Python that has `uno`.

Debian's `python3-uno` belongs to the system's Python, not to a virtual environment.
So this module, `documents`, `facts` and `pdf_export` use the standard library, `uno` and
`pipeline.core` only, and are started by `client.py`. LibreOffice is a child in the same
PID and network namespace, which has no network at all: hence a named pipe, no socket.
A file costs 0.1 s this way and 0.94 s when LibreOffice is started for it (28 files).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import uno

from migrators.libreoffice import dates, documents, facts, mainthread, pdf_export
from migrators.libreoffice.profile import REGISTRY
from pipeline.core import warm_child
from pipeline.core.errors import FileError

_START_SECONDS = 50.0  # below the 60 s after which the WarmServer gives up, to say why
R = TypeVar("R")
_RESTART = 81  # EXITHELPER_NORMAL_RESTART: a new profile was laid out, start again


class Office:
    """A running LibreOffice and the way to talk to it."""

    def __init__(self, program: Path, folder: Path, pipe: str) -> None:
        self._argv = [
            # The program itself, not the `soffice` script: that one puts `oosplash` in
            # between, which hides the signal that ended the program.
            str(program.resolve().parent / "soffice.bin"),
            "--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck",
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            f"--accept=pipe,name={pipe};urp;",
        ]  # fmt: skip
        self._folder = folder
        self._pipe = pipe
        self._process: subprocess.Popen[bytes] | None = None
        self.context: Any = None

    def start(self) -> None:
        """Start with a new profile; raises RuntimeError when it does not come up."""
        shutil.rmtree(self._folder / "profile", ignore_errors=True)
        shutil.rmtree(self._folder / "tmp", ignore_errors=True)
        user = self._folder / "profile" / "user"
        user.mkdir(parents=True)
        (self._folder / "tmp").mkdir()
        (user / "registrymodifications.xcu").write_text(REGISTRY, encoding="utf-8")
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext(
            "com.sun.star.bridge.UnoUrlResolver", local
        )
        url = f"uno:pipe,name={self._pipe};urp;StarOffice.ComponentContext"
        self._process = self._spawn()
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.context = resolver.resolve(url)
                break
            except documents.NoConnectException as error:
                if self._process.poll() == _RESTART:
                    self._process = self._spawn()
                elif self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"LibreOffice does not start: {error.Message}") from error
                time.sleep(0.05)
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def stop(self) -> None:
        """Kill it: it holds nothing that is worth a farewell."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=2,
            stderr=2,
            env={**os.environ, "TMPDIR": str(self._folder / "tmp"), "SAL_USE_VCLPLUGIN": "svp"},
        )

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if self._process is process:
            end(code)


def end(code: int) -> None:
    """End this process as LibreOffice ended, so that the WarmServer starts a new pair."""
    number = -code if code < 0 else signal.SIGABRT
    print(f"LibreOffice ended with code {code}", file=sys.stderr, flush=True)
    os._exit(128 + number)


_running: list[Office] = []


def _desktop() -> tuple[Any, Any]:
    if not _running:
        raise RuntimeError("LibreOffice was not started")
    context = _running[0].context
    try:
        return context, context.ServiceManager.createInstanceWithContext(
            "com.sun.star.frame.Desktop", context
        )
    except Exception:
        # It ended after its last answer, of what that document had done to it.
        traceback.print_exc()
        end(-signal.SIGABRT)
        raise


def _run(context: Any, work: Callable[[], R]) -> R:
    """Return `work()`; an error that is not the file's ends this process.

    After some failures the bridge to LibreOffice answers nothing rightly any more, and
    each file that followed would be blamed for it.
    """
    try:
        return mainthread.run(context, work)
    except FileError:
        raise
    except Exception:
        traceback.print_exc()
        end(-signal.SIGABRT)
        raise


def convert(
    source: Path, target: Path, reading: tuple[str, str], settings: dict[str, Any]
) -> dict[str, Any]:
    """Export `source` as PDF/A-2b to `target`; return what LibreOffice knows of it.

    `reading` is the import filter and the kind of document that it makes. Raises
    PasswordError, DamagedError and NotConvertedError.
    """
    kind = reading[1]
    context, desktop = _desktop()

    def work() -> dict[str, Any]:
        opened = documents.Opened(desktop, source, *reading)
        with opened as document:
            found = facts.collect(context, document, kind, target.parent)
            found["live_left"] = found["live_dates"]
            if found["live_dates"] and dates.freeze(document, kind):
                found["live_left"] = facts.live_dates(document, kind)
                found["text"] = facts.text(document, kind, target.parent)
            shown = kind != "calc" or settings.get("hidden", True)
            found["left_out"] = [] if shown else facts.hidden_sheets(document)
            pdf_export.prepare(context, document, kind, settings)
            if settings.get("tracked") == "rejected":
                # The judge's own readers read the newest wording, not the one before it.
                found["text"] = facts.text(document, kind, target.parent)
            data = pdf_export.options(settings)
            documents.store(document, target, pdf_export.FILTERS[kind], data)
            # Only the export lays out every page; but after it, a text with comments ends
            # the bridge when asked for its pages (both measured with LibreOffice 7.4).
            known = kind != "writer" or not found["comments"]
            found["pages"] = facts.pages(document, kind) if known else None
        return {**found, "notices": opened.notices}

    return _run(context, work)


def store(
    source: Path, target: Path, reading: tuple[str, str], filter_out: str, password: str
) -> None:
    """Write `source` to `target` in another format, encrypted when `password` is given."""
    context, desktop = _desktop()
    secret = {"Password": password} if password else {}

    def work() -> None:
        with documents.Opened(desktop, source, *reading) as document:
            documents.store(document, target, filter_out, {}, **secret)

    _run(context, work)


def filters() -> list[str]:
    """Return the names of all filters that this LibreOffice has."""
    context, _ = _desktop()
    factory = context.ServiceManager.createInstanceWithContext(
        "com.sun.star.document.FilterFactory", context
    )
    return [str(name) for name in factory.ElementNames]


def main() -> None:
    """Answer requests until standard input ends: `PROGRAM FOLDER PIPE` as arguments."""
    # Requests name this module, which is therefore not `__main__` (see client.py).
    program, folder, pipe = sys.argv[-3:]
    office = Office(Path(program), Path(folder), pipe)
    try:
        office.start()
        _running.append(office)
        warm_child.main()
    finally:
        office.stop()
