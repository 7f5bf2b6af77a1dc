# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which of LibreOffice's import filters reads a format, as `filters.toml` says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

# PUID -> (filter, kind of document)
FILTERS: Mapping[str, tuple[str, str]] = {
    puid: (name, kind)
    for kind, table in tomllib.loads(
        files("migrators.libreoffice").joinpath("filters.toml").read_text(encoding="utf-8")
    ).items()
    for puid, name in table.items()
}
