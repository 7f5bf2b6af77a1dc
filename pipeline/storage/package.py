# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is asked of the place that outputs go to.

Workers hand over what is finished; the coordinator gives it its name. Names are paths below
the package with `/`; those of staged files are below its staging.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

STAGING = ".staging"


class Staging(Protocol):
    """The worker's side."""

    def hand_over(self, local: Path, name: str, sha256: str) -> None:
        """Move a finished file of this digest out of the worker's reach, to `name`.

        Raises ToolFailureError where it is not what was judged, DiskFullError,
        StorageError and other FileErrors.
        """
        ...


class Package(Protocol):
    """The coordinator's side; the ledger's only writer is its only user."""

    def prepare(self) -> None:
        """Make ready; clear what a killed run left in staging."""
        ...

    def place(self, staged: str, name: str, sha256: str) -> None:
        """Give a staged file its name; never replace another.

        What stands there with the same content is taken as done, what stands there with
        other content is moved to `set-aside/`. Raises RunStoppedError, FileErrors.
        """
        ...

    def link(self, existing: str, name: str, sha256: str, mark: str) -> None:
        """Give the content of an output another name as well; as `place`."""
        ...

    def discard(self, attempt: str) -> None:
        """Remove what is staged below `attempt`."""
        ...

    def clear(self) -> None:
        """Remove all that is staged; what is in it nobody recorded."""
        ...
