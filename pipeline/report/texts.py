# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts of the reports: labels per language, and what each code means and asks for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

LANGUAGES = ("sv", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """What a code means, and what the archivist can do."""

    meaning: str
    remedy: str


@lru_cache(maxsize=len(LANGUAGES))
def labels(language: str) -> dict[str, str]:
    """Return the labels of the reports. Raises KeyError for an unknown language."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return {str(key): str(value) for key, value in _load(_here() / f"{language}.toml").items()}


@lru_cache(maxsize=1)
def codes() -> dict[str, dict[str, str]]:
    """Return the texts of every code: those of the pipeline and those of the validators."""
    remedies = files("validators") / "remedies"
    found: dict[str, dict[str, str]] = {}
    for one in (_here() / "codes.toml", *sorted(remedies.iterdir(), key=lambda item: item.name)):
        if one.name.endswith(".toml"):
            found.update(_load(one))
    return found


def text(code: str, language: str) -> Text:
    """Return the text of a code; a code without one speaks for itself, and a test finds it."""
    entry = codes().get(code, {})
    return Text(entry.get(language, code), entry.get(f"remedy_{language}", ""))


def _here() -> Traversable:
    return files("pipeline.report") / "texts"


def _load(path: Traversable) -> dict[str, dict[str, str]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
