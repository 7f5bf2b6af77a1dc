# SPDX-License-Identifier: AGPL-3.0-or-later
"""The migrators that are here, found by pkgutil."""

from __future__ import annotations

from collections.abc import Mapping

from migrators.base import Migrator
from pipeline.core.plugins import discover


def migrators() -> Mapping[str, Migrator]:
    """Return every migrator by its name."""
    return discover("migrators", "MIGRATOR")
