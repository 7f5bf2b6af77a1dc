# SPDX-License-Identifier: AGPL-3.0-or-later
"""Identify and validate single files outside a run, as the command line is asked to."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.settings import Limits
from pipeline.core.budget import budget
from pipeline.core.errors import ConfigError, FileError, from_os_error
from pipeline.core.paths import extension
from pipeline.core.records import FileKind, Identification, Outcome, ValidationResult, Verdict
from pipeline.scan import scan
from pipeline.steps.jobs import Context, Failure, SurveyJob
from pipeline.steps.survey import survey
from pipeline.steps.validate import summary, validate
from validators.pdfa_verapdf import VALIDATOR as VERAPDF


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of one file; `failure` where it could not be examined to the end."""

    path: Path
    size: int
    sha256: str
    identification: Identification | None
    results: tuple[ValidationResult, ...] = ()
    failure: Failure | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict of all validators together; invalid where one met an obstacle."""
        if self.failure is not None:
            return Verdict.INVALID if self.failure.outcome is Outcome.EMPTY else Verdict.UNDECIDED
        return summary(self.results)


def paths(given: Sequence[Path]) -> Iterator[Path]:
    """Yield the regular files that are given or lie below. Raises ConfigError."""
    for one in given:
        if one.is_dir():
            for record in scan(one):
                if record.kind is FileKind.REGULAR:
                    yield Path(os.fsdecode(os.path.join(os.fsencode(one), record.raw)))
        elif not os.path.lexists(one):
            raise ConfigError(f"{one} does not exist")
        else:
            yield one


def identify(path: Path, context: Context) -> Examined:
    """Hash and identify a file. Every failure is a result."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            failure = Failure(Outcome.NOT_A_FILE, "scan.special", "")
            return Examined(path, 0, "", None, failure=failure)
    except OSError as error:
        told = from_os_error(error)
        failure = Failure(told.outcome, told.code, told.detail)
        return Examined(path, 0, "", None, failure=failure)
    folder = Path(os.path.abspath(path.parent))
    job = SurveyJob(0, os.fsencode(path.name), status.st_size, status.st_mtime_ns)
    found = survey(job, Context(folder, context.staging, context.policy, context.settings))
    return Examined(
        path,
        status.st_size,
        found.digest.sha256 if found.digest else "",
        found.identification,
        failure=found.failure,
    )


def examine(path: Path, context: Context, flavour: str = "") -> Examined:
    """Identify a file and ask its validators; `flavour`: ask veraPDF for that one alone."""
    found = identify(path, context)
    if found.failure is not None or found.identification is None:
        return found
    limits: Limits = context.settings.limits
    with _plain(path) as plain, budget(limits.seconds_for(found.size), limits.memory):
        try:
            if flavour:
                results: tuple[ValidationResult, ...] = (VERAPDF.validate_as(plain, flavour),)
            else:
                known = found.identification
                results = validate(plain, known.puid, known.candidates)
        except FileError as error:
            failure = Failure(error.outcome, error.code, error.detail)
            return Examined(path, found.size, found.sha256, found.identification, (), failure)
    return Examined(path, found.size, found.sha256, found.identification, results)


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """Yield an ASCII name for a file: not every tool can take any name."""
    suffix = extension(os.fsencode(path.name))
    safe = suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 8 else "bin"
    with tempfile.TemporaryDirectory(prefix="skanearkiv-") as folder:
        link = Path(folder) / f"source.{safe}"
        link.symlink_to(os.path.abspath(path))
        yield link
