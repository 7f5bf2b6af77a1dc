# SPDX-License-Identifier: AGPL-3.0-or-later
"""The validators that are here, found by pkgutil."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.core.plugins import discover
from validators.base import Validator


def validators() -> Mapping[str, Validator]:
    """Return every validator by its name."""
    return discover("validators", "VALIDATOR")


def for_puid(puid: str | None) -> tuple[Validator, ...]:
    """Return the validators of a format, in the order of their names."""
    found = validators()
    return tuple(found[name] for name in sorted(found) if puid in found[name].puids)
