# SPDX-License-Identifier: AGPL-3.0-or-later
"""Find the modules of a package that end with a given name, e.g. `VALIDATOR`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=16)
def discover(package: str, attribute: str) -> dict[str, Any]:
    """Return {name: object} for every module of `package` with that attribute.

    Raises ValueError when two carry the same name.
    """
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        plugin = getattr(importlib.import_module(f"{package}.{info.name}"), attribute, None)
        if plugin is None:
            continue
        if plugin.name in found:
            raise ValueError(f"two modules of {package} are named {plugin.name}")
        found[plugin.name] = plugin
    return found
