# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where outputs lie: `migrated/` for what is proven, `review/` for what a person must see.

Pictures of what differs lie in `evidence/`, in a folder named like the output.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from pipeline.config.storage import Storage
from pipeline.core.paths import output_name
from pipeline.core.records import Evidence
from pipeline.ledger.store import Ledger
from pipeline.storage.packages import package
from pipeline.storage.place import Place

# Parts of an object's name that no path may have: they lead elsewhere, or to another's
# place. What stands for them no other part can be, for `display` writes %2E as %252E.
_PARTS = {"": "%2F", ".": "%2E", "..": "%2E%2E"}


class Outputs:
    """Places outputs below `out`; asks the ledger which names are taken."""

    def __init__(
        self,
        out: Place,
        ledger: Ledger,
        storage: Storage | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._package = package(out, storage or Storage(), say)
        self._ledger = ledger
        # Names of what is placed and not recorded yet, and whose they are.
        self._fresh: dict[str, tuple[int, int, str]] = {}

    def _name(
        self, file: int, generation: int, raw: bytes, suffix: str, sha256: str, *, good: bool
    ) -> str:
        folder = "migrated" if good else "review"
        own = (file, generation, sha256)
        number = 1
        while True:
            mark = "" if number == 1 else f".{number}"
            name = f"{folder}/{_held(output_name(raw, f'{mark}{suffix}'))}"
            if self._fresh.get(name, own) == own and not self._ledger.output_taken(name, *own):
                return name
            number += 1

    def place(
        self,
        staged: str,
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
        self._package.place(staged, name, sha256)
        self._fresh[name] = (file, generation, sha256)
        return name

    def place_evidence(self, output: str, one: Evidence) -> str:
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
        self._package.place(one.staged, path, one.sha256)
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
        """Give another file of the same content the same output, by a link or a copy."""
        name = self._name(file, generation, raw, suffix, sha256, good=good)
        self._package.link(existing, name, sha256, f"link-{file}-{generation}")
        self._fresh[name] = (file, generation, sha256)
        return name

    def recorded(self) -> None:
        """Take that all that was placed stands in the ledger."""
        self._fresh.clear()

    def discard(self, staged: str) -> None:
        """Remove what is left of the attempt that a staged file was part of."""
        self._package.discard(staged.partition("/")[0])

    def clear(self) -> None:
        """Remove all that is staged; what is in it nobody recorded."""
        self._package.clear()

    def prepare(self) -> None:
        """Make the folders; clear what a killed run left in staging."""
        self._package.prepare()


def _held(name: str) -> str:
    """Return an output's name that stays where it belongs."""
    return "/".join(_PARTS.get(part, part) for part in name.split("/"))
