# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each stage of a file, and each tool asked within it, took.

A step opens a `stage`, whoever asks a tool opens a `tool`; the children that do the work
tell (`used`) whatever is open around them. Nothing is handed through signatures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

# Of a whole file, in each of the two jobs that it goes through; stages lie within.
SURVEY, FILE = "survey", "file"


@dataclass(frozen=True, slots=True)
class Measure:
    """One stage (`tool` is ""), or one tool asked within it.

    Seconds of wall time; seconds of processor time and bytes of memory of the children
    that worked.
    """

    stage: str
    tool: str
    seconds: float
    cpu: float
    memory: int


@dataclass(slots=True)
class _Span:
    stage: str
    cpu: float = 0.0
    memory: int = 0


_spans: ContextVar[tuple[_Span, ...]] = ContextVar("spans", default=())
_found: ContextVar[list[Measure] | None] = ContextVar("measures", default=None)


@contextmanager
def recorded() -> Iterator[list[Measure]]:
    """Yield a list that fills with what is measured within the block."""
    found: list[Measure] = []
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Measure a stage."""
    with _measured(name, ""):
        yield


@contextmanager
def tool(name: str) -> Iterator[None]:
    """Measure a tool's part of the present stage."""
    spans = _spans.get()
    with _measured(spans[-1].stage if spans else "", name):
        yield


@contextmanager
def _measured(name: str, asked: str) -> Iterator[None]:
    found = _found.get()
    if found is None:
        yield
        return
    span = _Span(name)
    token = _spans.set((*_spans.get(), span))
    started = time.monotonic()
    try:
        yield
    finally:
        _spans.reset(token)
        seconds = time.monotonic() - started
        found.append(Measure(name, asked, round(seconds, 4), round(span.cpu, 2), span.memory))


def used(cpu: float, memory: int) -> None:
    """Take what a child took: seconds of processor time, bytes at its peak."""
    for span in _spans.get():
        span.cpu += cpu
        span.memory = max(span.memory, memory)
