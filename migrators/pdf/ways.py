# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ways in which Ghostscript may write pages anew, the mildest first, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.records import Message, Severity


@dataclass(frozen=True, slots=True)
class Way:
    """A way to rewrite pages."""

    method: str
    strict: bool
    to_rgb: bool


WAYS = (
    Way("ghostscript", strict=True, to_rgb=False),
    Way("ghostscript-rgb", strict=True, to_rgb=True),
    Way("ghostscript-lenient", strict=False, to_rgb=True),
)


def losses(way: Way, pages: tuple[int, ...]) -> tuple[Message, ...]:
    """Return what this way of doing it costs, so that nobody finds out later."""
    numbers = listed(pages)
    lost = [Message("pdfa.rewritten", Severity.WARNING, f"{way.method}: {numbers}")]
    if way.to_rgb:
        lost.append(Message("pdfa.colour_converted", Severity.WARNING, numbers))
    if not way.strict:
        lost.append(Message("pdfa.lenient", Severity.WARNING, numbers))
    return tuple(lost)


def listed(pages: tuple[int, ...]) -> str:
    """Return page numbers for people, the first fifty of them."""
    return ", ".join(map(str, pages[:50])) + (" ..." if len(pages) > 50 else "")
