# SPDX-License-Identifier: AGPL-3.0-or-later
"""Versions of what is installed with us."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from pipeline.core.errors import ToolMissingError
from pipeline.core.records import Agent


@lru_cache(maxsize=64)
def wheel_agent(wheel: str, note: str = "") -> Agent:
    """Return a Python package as an agent. Raises ToolMissingError."""
    try:
        return Agent(wheel, version(wheel), note)
    except PackageNotFoundError:
        raise ToolMissingError(wheel, f"install it with: pip install {wheel}") from None


def own_agent() -> Agent:
    """Return this program."""
    return wheel_agent("skanearkiv", "SkånEarkiv preservation pipeline")
