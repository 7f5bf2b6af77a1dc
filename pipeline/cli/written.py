# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a run leaves for people and for other systems, besides its outputs."""

from __future__ import annotations

from pathlib import Path

from pipeline.premis.write import write_premis
from pipeline.report.build import write_all


def write_records(out: Path) -> list[Path]:
    """Write reports and PREMIS anew from the ledger; return their paths.

    Raises ConfigError when `out` holds no ledger, DiskFullError.
    """
    return [*write_all(out), write_premis(out)]
