# SPDX-License-Identifier: AGPL-3.0-or-later
"""Find the modules of a package that end with a given name, e.g. `VALIDATOR`.

A site's own formats: the variable SKANEARKIV_PLUGINS names a folder whose subfolders
`validators`, `migrators` and `validators/fidelity` are searched as if they were ours.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from functools import lru_cache
from types import ModuleType
from typing import Any


@lru_cache(maxsize=16)
def discover(package: str, attribute: str) -> dict[str, Any]:
    """Return {name: object} for every module of `package` with that attribute.

    Raises ValueError when two carry the same name.
    """
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(extended(package).__path__):
        plugin = getattr(importlib.import_module(f"{package}.{info.name}"), attribute, None)
        if plugin is None:
            continue
        if plugin.name in found:
            raise ValueError(f"two modules of {package} are named {plugin.name}")
        found[plugin.name] = plugin
    return found


def extended(package: str) -> ModuleType:
    """Return a package, with the site's folder for it added to where it is searched."""
    module = importlib.import_module(package)
    site = os.environ.get("SKANEARKIV_PLUGINS")
    if site:
        folder = os.path.join(site, *package.split("."))
        if folder not in module.__path__:
            module.__path__.append(folder)
    return module
