# SPDX-License-Identifier: AGPL-3.0-or-later
"""ZIP files that PRONOM knows as nothing more: an encrypted OpenDocument is one of them.

Its `content.xml` is encrypted, and with it the signature; `mimetype` and the manifest are
not (OpenDocument 1.2, part 3, 2.2 and 3.3). Other ZIP files are for unpacking.
"""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Message, Outcome, Severity, ValidationResult, Verdict
from pipeline.core.versions import own_agent

_LONGEST = 200  # bytes of a mimetype


class ZipContainer:
    """Tells OpenDocument packages from other ZIP files."""

    name = "zip"
    puids = frozenset({"x-fmt/263"})

    def agents(self) -> tuple[Agent, ...]:
        """Return ourselves: the standard library reads the directory."""
        return (own_agent(),)

    def validate(self, path: Path) -> ValidationResult:
        """Judge whether the directory can be read; ask `odf` about an OpenDocument."""
        started = time.monotonic()
        if path.stat().st_size == 0:
            empty = (Message("file.empty", Severity.ERROR, "0 bytes"),)
            return ValidationResult(self.name, Verdict.INVALID, Outcome.EMPTY, empty)
        kind, trouble = isolate.call(Pool.LIBRARIES, _kind, path)
        messages = (Message("zip.damaged", Severity.ERROR, trouble),) if trouble else ()
        return ValidationResult(
            self.name,
            Verdict.INVALID if trouble else Verdict.VALID,
            Outcome.DAMAGED if trouble else Outcome.OK,
            messages,
            {"package": kind},
            ("odf",) if kind.startswith("application/vnd.oasis.opendocument.") else (),
            self.agents(),
            time.monotonic() - started,
        )


def _kind(path: Path) -> tuple[str, str]:
    """Return (what `mimetype` says, trouble)."""
    try:
        with zipfile.ZipFile(path) as package:
            if "mimetype" not in package.namelist():
                return "", ""
            with package.open("mimetype") as member:
                return member.read(_LONGEST).decode("ascii", "replace"), ""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        return "", f"{type(error).__name__}: {error}"[:300]


VALIDATOR = ZipContainer()
