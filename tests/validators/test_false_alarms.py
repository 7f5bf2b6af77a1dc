# SPDX-License-Identifier: AGPL-3.0-or-later
"""Good migrations of real files pass: who is warned of nothing believes a warning."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from format_registry.policy import default_path, load
from pipeline.config.settings import Settings
from pipeline.core.hashing import digest
from pipeline.core.records import Severity
from pipeline.steps.file_job import process
from pipeline.steps.jobs import Context, FileJob, FileResult, SurveyJob
from pipeline.steps.survey import survey
from tests.validators.changed_on_the_way import CHANGED

SMALL = 60_000  # bytes; so that it is done in a minute
GOOD = 100
ALARMS = 2


def migrated(path: Path, number: int, context: Context) -> FileResult | None:
    """Return what became of a file, None where nothing was made of it."""
    name = f"{number}.pdf"
    shutil.copy(path, context.source / name)
    status = os.stat(context.source / name)
    raw = os.fsencode(name)
    found = survey(SurveyJob(number, raw, status.st_size, status.st_mtime_ns), context)
    if found.identification is None or found.digest is None:
        return None
    content = digest(context.source / name).sha256
    job = FileJob(number, 1, raw, status.st_size, content, found.identification)
    result = process(job, context)
    return result if result.migration is not None else None


def lost(result: FileResult) -> set[str]:
    """Return what the migrator itself says that it could not keep."""
    assert result.migration is not None
    return {one.code for one in result.migration.messages if one.severity is Severity.WARNING}


def test_next_to_no_good_migration_is_held_back(corpus: Path, tmp_path: Path) -> None:
    source, staging = tmp_path / "source", tmp_path / "staging"
    source.mkdir()
    staging.mkdir()
    context = Context(source, staging, load(default_path()), Settings())
    paths = [path for path in sorted(corpus.rglob("*.pdf")) if path.stat().st_size < SMALL]
    good, alarms = 0, dict[str, list[tuple[str, str]]]()
    for number, path in enumerate(paths, 1):
        result = migrated(path, number, context)
        if result is None or result.migration is None or path.name in CHANGED or lost(result):
            continue
        if result.migration.migrator != "pdf_to_pdfa":
            continue
        good += 1
        failed = [(one.property, one.note) for one in result.checks if not one.passed]
        if failed:
            alarms[path.name] = failed
    print(good, alarms)
    assert good >= GOOD
    assert len(alarms) <= ALARMS, alarms


def test_what_was_changed_on_the_way_is_there(corpus: Path) -> None:
    names = {path.name for path in corpus.rglob("*.pdf")}
    assert set(CHANGED) - names == set()
