# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files and folders as a person gives them, as roots and entries below them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.records import FileKind, FileRecord
from pipeline.scan import record, scan


def given(paths: Sequence[Path]) -> Iterator[tuple[Path, Iterator[FileRecord]]]:
    """Yield (root, entries below it) in the order given. Raises ConfigError.

    Files that follow each other from one folder are one root's; a link that is named is
    followed, other than one that is met.
    """
    for one in paths:
        if not os.path.lexists(one):
            raise ConfigError(f"{one} does not exist")
    for (folder, root), some in groupby(paths, key=_root):
        if folder:
            for one in some:
                yield one, scan(one)
        else:
            yield root, iter([_record(one) for one in some])


def _root(path: Path) -> tuple[bool, Path]:
    return (True, path) if path.is_dir() else (False, path.parent)


def _record(path: Path) -> FileRecord:
    raw = os.fsencode(path.name)
    try:
        return record(os.fsencode(path.parent), raw, path.stat())
    except OSError as error:
        return FileRecord(raw, FileKind.UNREADABLE, note=error.strerror or str(error))
