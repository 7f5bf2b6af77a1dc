# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the command line speaks: JSON to stdout, everything for people to stderr or a table."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from pipeline.core.errors import ConfigError, SkanearkivError
from pipeline.core.records import Outcome
from pipeline.execution.progress import Tally

OK, ATTENTION, INTERRUPTED = 0, 1, 130
_PLAIN_EVERY = 10.0  # seconds between lines where nobody watches a terminal

# Where nobody watches, a line is a line: a path that is cut in two is no path.
console = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def emit(data: Any) -> None:
    """Print one JSON document to stdout."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def line(data: Any) -> str:
    """Return a document as a line of JSON."""
    return json.dumps(data, ensure_ascii=False) + "\n"


def emit_line(data: Any) -> None:
    """Print one line of JSON to stdout, at once."""
    sys.stdout.write(line(data))
    sys.stdout.flush()


@contextmanager
def failures() -> Iterator[None]:
    """Turn our errors into a clear line and the exit code that is documented for them."""
    try:
        yield
    except SkanearkivError as error:
        console.print(f"[bold red]Error:[/] {escaped(str(error))}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        console.print("Stopped. What was recorded stays; run the same command to go on.")
        raise typer.Exit(INTERRUPTED) from None


def duration(seconds: float) -> str:
    """Return a time as people say it: 45 s, 12 min, 3 h 20 min, 2 d 4 h."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def known_outcome(name: str) -> Outcome:
    """Return the outcome of that name. Raises ConfigError."""
    try:
        return Outcome(name)
    except ValueError:
        known = ", ".join(sorted(one.value for one in Outcome))
        raise ConfigError(f"there is no outcome {name!r}; there are {known}") from None


def escaped(text: str) -> str:
    """Return a text that rich prints as it is, whatever brackets or bytes it holds."""
    from rich.markup import escape

    return escape(text.encode("utf-8", "backslashreplace").decode("utf-8"))


class Screen:
    """Draws a run: a live line on a terminal, a plain line every ten seconds elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live = console.is_terminal and not quiet
        self._started = time.monotonic()
        self._last = 0.0
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[outcomes]}"),
            console=console,
            disable=not self._live,
        )
        self._task = self._progress.add_task("files", total=None, rate="", outcomes="", left="")

    def __enter__(self) -> Screen:
        if self._live:
            self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live:
            self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line that matters."""
        if not self._quiet:
            console.print(escaped(text))

    def scanning(self, found: int) -> None:
        """Show how many entries the scan has met."""
        self._rarely(lambda: f"scanning: {found} files")

    def progress(self, tally: Tally) -> None:
        """Show files, MB, rate, time left and the outcomes so far."""
        seconds = max(time.monotonic() - self._started, 0.001)
        rate = f"{tally.done_bytes / 1e6:.1f} MB, {tally.done / seconds:.1f} files/s"
        outcomes = " ".join(f"{name} {count}" for name, count in tally.outcomes.most_common())
        done = tally.before + tally.done
        if self._live:
            left = f"{duration(tally.left)} left" if tally.left is not None else ""
            self._progress.update(
                self._task, total=tally.files, completed=done, rate=rate, outcomes=outcomes,
                left=left,
            )  # fmt: skip
            return
        left = f", {duration(tally.left)} left" if tally.left is not None else ""
        self._rarely(lambda: f"{done}/{tally.files} files, {rate}{left}, {outcomes}")

    def _rarely(self, text: Callable[[], str]) -> None:
        if self._live or self._quiet or time.monotonic() - self._last < _PLAIN_EVERY:
            return
        self._last = time.monotonic()
        console.print(escaped(text()))
