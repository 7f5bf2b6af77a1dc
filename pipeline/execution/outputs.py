# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where outputs lie: `migrated/` for what is proven, `review/` for what a person must see.

Pictures of what differs lie in `evidence/`, in a folder named like the output.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from pipeline.core.errors import from_os_error
from pipeline.core.paths import output_name
from pipeline.core.records import Evidence
from pipeline.core.staging import fsync_folder, make_folder, place, share
from pipeline.ledger.store import Ledger


class Outputs:
    """Places outputs below `out`; asks the ledger which names are taken."""

    def __init__(self, out: Path, ledger: Ledger) -> None:
        self._out = out
        self._ledger = ledger

    def _name(
        self, file: int, generation: int, raw: bytes, suffix: str, sha256: str, *, good: bool
    ) -> str:
        folder = "migrated" if good else "review"
        number = 1
        while True:
            mark = "" if number == 1 else f".{number}"
            name = f"{folder}/{output_name(raw, f'{mark}{suffix}')}"
            if not self._ledger.output_taken(name, file, generation, sha256):
                return name
            number += 1

    def place(
        self,
        staged: Path,
        sha256: str,
        file: int,
        generation: int,
        raw: bytes,
        suffix: str,
        *,
        good: bool,
    ) -> str:
        """Move a staged output to its place; return its path below `out`."""
        name = self._name(file, generation, raw, suffix, sha256, good=good)
        place(staged, self._out / name, self._out, sha256)
        return name

    def place_evidence(self, staging: Path, output: str, one: Evidence) -> str:
        """Move a staged picture into the folder of its output; return its path below `out`.

        `output` is the output's path, of which the first part is exchanged. A picture that
        the ledger knows with other content, from an earlier generation, keeps its name.
        """
        _, _, name = output.partition("/")
        stem, suffix = PurePosixPath(one.name).stem, PurePosixPath(one.name).suffix
        number = 1
        while True:
            mark = "" if number == 1 else f".{number}"
            path = f"evidence/{name}/{stem}{mark}{suffix}"
            if not self._ledger.evidence_taken(path, one.sha256):
                break
            number += 1
        place(staging / one.staged, self._out / path, self._out, one.sha256)
        return path

    def link(
        self,
        existing: str,
        sha256: str,
        file: int,
        generation: int,
        raw: bytes,
        suffix: str,
        *,
        good: bool,
    ) -> str:
        """Give another file of the same content the same output, by a hard link."""
        name = self._name(file, generation, raw, suffix, sha256, good=good)
        waiting = self._out / ".staging" / f"link-{file}-{generation}"
        try:
            waiting.unlink(missing_ok=True)
            share(self._out / existing, waiting)
        except OSError as error:
            raise from_os_error(error) from error
        place(waiting, self._out / name, self._out, sha256)
        return name

    def clear(self) -> None:
        """Remove the staging folder; what is in it nobody recorded."""
        staging = self._out / ".staging"
        if staging.exists():
            shutil.rmtree(staging)

    def prepare(self) -> None:
        """Make the folders; clear what a killed run left in staging."""
        self.clear()
        for folder in ("migrated", "review", ".staging"):
            make_folder(self._out / folder, self._out)
        fsync_folder(self._out)
