# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hash and identify many files in one call each to the child, for lists of millions.

A survey (`survey`) asks the child once per file, and makes the events of a run; here a
batch goes and comes as a whole, and a file that takes the child down is done alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from format_registry import identifier, looks
from pipeline.config.settings import Settings
from pipeline.core import isolate
from pipeline.core.budget import budget
from pipeline.core.codec import register
from pipeline.core.errors import ChangedError, FileError
from pipeline.core.hashing import digest
from pipeline.core.isolate import Pool
from pipeline.core.paths import under
from pipeline.core.records import FileKind, FileRecord, Identification, Outcome

_KINDS = {
    FileKind.SYMLINK: Outcome.LINK,
    FileKind.SPECIAL: Outcome.NOT_A_FILE,
    FileKind.UNREADABLE: Outcome.UNREADABLE,
}


@register
@dataclass(frozen=True, slots=True)
class Listed:
    """What was found of an entry. `outcome` is OK, or says why there is no identification."""

    record: FileRecord
    sha256: str = ""
    identification: Identification | None = None
    outcome: Outcome = Outcome.OK
    detail: str = ""


def list_batch(root: Path, records: Sequence[FileRecord], settings: Settings) -> list[Listed]:
    """Return what each entry below `root` is, in order. Every failure is a result."""
    limits = settings.limits
    regular = [one for one in records if one.kind is FileKind.REGULAR]
    size = sum(one.size for one in regular)
    found: dict[bytes, Listed] = {}
    if regular:
        try:
            with budget(limits.seconds_for(size), limits.memory):
                listed = isolate.call(Pool.IDENTIFY, in_child, root, regular, identifier.engines())
            found = {one.record.raw: one for one in listed}
        except FileError:
            # One of them brought the child down; alone, each of the others comes through.
            found = {one.raw: _alone(root, one, settings) for one in regular}
    return [found[one.raw] if one.raw in found else _other(one) for one in records]


def in_child(root: Path, records: Sequence[FileRecord], engines: Sequence[str]) -> list[Listed]:
    """Do a batch; runs in the IDENTIFY child."""
    return [_listed(root, one, engines) for one in records]


def _listed(root: Path, record: FileRecord, engines: Sequence[str]) -> Listed:
    path, sha256 = under(root, record.raw), ""
    try:
        sha256 = _hashed(path, record)
        if not record.size:
            return Listed(record, sha256, outcome=Outcome.EMPTY, detail="0 bytes")
        return Listed(record, sha256, looks.look(path, engines))
    except FileError as error:
        return Listed(record, sha256, outcome=error.outcome, detail=error.detail)
    except Exception as error:  # noqa: BLE001
        # Whatever a library raises on one file must not cost the batch.
        detail = f"{type(error).__name__}: {error}"[:500]
        return Listed(record, sha256, outcome=Outcome.TOOL_FAILURE, detail=detail)


def _alone(root: Path, record: FileRecord, settings: Settings) -> Listed:
    limits, path, sha256 = settings.limits, under(root, record.raw), ""
    try:
        with budget(limits.seconds_for(record.size), limits.memory):
            sha256 = _hashed(path, record)
            if not record.size:
                return Listed(record, sha256, outcome=Outcome.EMPTY, detail="0 bytes")
            return Listed(record, sha256, identifier.identify(path))
    except FileError as error:
        return Listed(record, sha256, outcome=error.outcome, detail=error.detail)


def _hashed(path: Path, record: FileRecord) -> str:
    found = digest(path)
    if found.size != record.size:
        raise ChangedError(f"{record.size} bytes when it was scanned, {found.size} now")
    return found.sha256


def _other(record: FileRecord) -> Listed:
    return Listed(record, outcome=_KINDS[record.kind], detail=record.note)
