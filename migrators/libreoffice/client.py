# SPDX-License-Identifier: AGPL-3.0-or-later
"""The worker's side: one warm LibreOffice for each process, asked one file at a time."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

from pipeline.core.errors import CrashError
from pipeline.core.probe import ToolProbe
from pipeline.core.warm import WarmServer, package_root

OFFICE = ToolProbe(
    name="soffice",
    programs=("soffice", "libreoffice"),
    version_args=("--version",),
    version_pattern=r"LibreOffice (\d+(?:\.\d+)+)",
    package="libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui",
    suffers="office documents cannot be made into PDF/A",
)
# The system's Python 3.11 or later with `uno`; it prints a version only if it has both.
PYTHON = ToolProbe(
    name="uno-python",
    programs=("/usr/bin/python3", "python3"),
    version_args=("-I", "-c", "import sys, uno, enum; enum.StrEnum; print(sys.version)"),
    version_pattern=r"(\d+\.\d+\.\d+)",
    package="python3-uno",
    suffers="office documents cannot be made into PDF/A",
)

# LibreOffice takes 0.7 GiB of address space when idle and peaked at 1.2 GiB over the 176
# office files of the corpus; a document that wants five times as much is an attack.
_MEMORY = 6 * 1024**3
# LibreOffice's memory grows with each file it has had open.
_RECYCLE_AFTER = 100
# `-I`: nothing from the working folder, the environment or the user's home is imported.
# The package root comes last, so that what lies beside an installed package (a virtual
# environment's libraries for another Python) shadows nothing of the system's.
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from migrators.libreoffice import server; server.main()"
)


@dataclass(slots=True)
class _Mine:
    """This process's LibreOffice and the folder of its profile."""

    owner: int = 0
    server: WarmServer | None = None
    folder: Path | None = None


_lock = threading.Lock()
_mine = _Mine()


def convert(
    source: Path, target: Path, reading: tuple[str, str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Export as PDF/A-2b; see `server.convert`, whose answer this returns.

    A file that ends LibreOffice is tried once more with a fresh one: what came before it
    may have been the cause.
    """
    arguments = (source, target, reading, dict(settings))
    answer: dict[str, Any]
    try:
        answer = _ask("convert", *arguments)
    except CrashError:
        target.unlink(missing_ok=True)
        answer = _ask("convert", *arguments)
    return answer


def store(
    source: Path, target: Path, reading: tuple[str, str], filter_out: str, password: str = ""
) -> None:
    """Write a document in another format; see `server.store`."""
    _ask("store", source, target, reading, filter_out, password)


def filters() -> list[str]:
    """Return the names of all filters that LibreOffice has; it takes any other for a guess."""
    found: list[str] = _ask("filters")
    return found


def server() -> WarmServer:
    """Return this process's LibreOffice. Raises ToolMissingError."""
    with _lock:
        if _mine.owner != os.getpid():
            # A fork must share neither pipes nor a profile with its parent.
            _mine.server, _mine.folder, _mine.owner = None, None, os.getpid()
        if _mine.folder is not None and not _mine.folder.is_relative_to(tempfile.gettempdir()):
            # The sandbox lets it write elsewhere now.
            _end()
        if _mine.server is None:
            program, python = OFFICE.find(), PYTHON.find()
            PYTHON.version()
            folder = Path(tempfile.mkdtemp(prefix="skanearkiv-office-"))
            argv = [str(python), "-I", "-c", _BOOT, str(package_root())]
            argv += [str(program), str(folder), folder.name]
            _mine.server = WarmServer(
                "libreoffice", argv, memory=_MEMORY, recycle_after=_RECYCLE_AFTER
            )
            _mine.folder = folder
        return _mine.server


def close() -> None:
    """Kill this process's LibreOffice and remove what it left."""
    with _lock:
        _end()


def _end() -> None:
    if _mine.server is None or _mine.folder is None or _mine.owner != os.getpid():
        return
    _mine.server.close()
    shutil.rmtree(_mine.folder, ignore_errors=True)
    # Where the sandbox gives it no /tmp of its own, its pipes stay there.
    for name in (_mine.folder.name, f"SingleOfficeIPC_{_office_id(_mine.folder)}"):
        Path(f"/tmp/OSL_PIPE_{os.getuid()}_{name}").unlink(missing_ok=True)  # noqa: S108
    _mine.server, _mine.folder = None, None


def _ask(function: str, *args: Any) -> Any:
    call = f"migrators.libreoffice.server:{function}"
    return server().ask({"call": call, "args": list(args)})


def _office_id(folder: Path) -> str:
    # LibreOffice names its second pipe by the digest of its profile's address, UTF-16,
    # each byte in hexadecimal without a leading zero (desktop/source/app/officeipcthread).
    address = (folder / "profile").as_uri().encode("utf-16-le")
    return "".join(f"{byte:x}" for byte in md5(address, usedforsecurity=False).digest())


atexit.register(close)
