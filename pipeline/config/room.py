# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much disk and memory a run leaves to others, and below what it waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """`[room]`: MiB that must be free for work to be begun.

    `disk_mib`: on the disks of outputs, ledger and scratch; a run that meets less pauses
    until there is more. `memory_mib`: of a machine with several workers; with less, all of
    them but one wait before they begin anything new.
    """

    disk_mib: int = 512
    memory_mib: int = 1024
