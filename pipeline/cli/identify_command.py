# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv identify`: what files are, by PRONOM."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from format_registry import identifier, signatures
from format_registry import policy as policies
from pipeline.cli.given import given
from pipeline.cli.output import ATTENTION, INTERRUPTED, console, escaped, failures, line
from pipeline.config import settings
from pipeline.config.clusters import Local
from pipeline.core import sandbox
from pipeline.core.errors import ConfigError
from pipeline.core.records import Outcome
from pipeline.core.staging import fsync_file, fsync_folder
from pipeline.execution.clusters.local import count
from pipeline.execution.listing import Seen, identify_records
from pipeline.steps import columns
from pipeline.steps.jobs import Context
from pipeline.steps.listing import Listed

_EXAMPLES = """
Examples:

  skanearkiv identify letter.doc

  skanearkiv identify /deliveries/kommun-2026-03 --output formats.csv

  skanearkiv identify --columns siegfried FOLDER > siegfried.csv   (for Brunnhilde)

  skanearkiv identify --json FOLDER      (one JSON document per line)
"""
_EVERY = 10.0
# Kinds of unknown files that are told at the end, and that are told apart at all.
_TOLD, _KINDS = 10, 10_000


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("identify", epilog=_EXAMPLES)(identify_command)


def context(config: Path | None, engine: str = "") -> Context:
    """Return what the steps need, for files outside a run. Raises ConfigError."""
    loaded = settings.load(config)
    if engine:
        loaded = replace(loaded, engine=engine)
    # Fixed from here on: `signatures use` elsewhere shall not change a list half-way.
    loaded = replace(loaded, signatures=loaded.signatures or signatures.active_name())
    os.environ.update(loaded.environment())
    identifier.engines()
    return Context(Path(), Path(), policies.load(policies.default_path()), loaded)


def identify_command(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders to go through.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write there instead of to the screen.")
    ] = None,
    layout: Annotated[
        str, typer.Option("--columns", help="Columns of the CSV: all, siegfried or droid.")
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of CSV.")] = False,
    engine: Annotated[str, typer.Option(help="siegfried, fido or both.")] = "",
    workers: Annotated[
        int, typer.Option(min=0, help="Processes; 0: one per core.", show_default=True)
    ] = 0,
    config: Annotated[Path | None, typer.Option(help="Limits and tool paths (TOML).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """List PUID, format, basis, hash and more of each file.

    1 if any could not be read, stays unidentified, or has two answers.
    """
    with failures():
        if layout not in columns.LAYOUTS:
            known = ", ".join(columns.LAYOUTS)
            raise ConfigError(f"there are no columns {layout!r}; there are {known}")
        shared = context(config, engine)
        sandbox.readable(*files)
        identifier.agents()
        tally = _Tally(quiet)
        with _target(output) as stream, Seen() as seen:
            write = _writer(stream, layout, as_json)
            for root, records in given(files):
                found = identify_records(
                    Path(os.path.abspath(root)), records, shared, count(Local(workers=workers))
                )
                for one in found:
                    tally.add(one)
                    twin = seen.earlier(one.sha256, columns.shown(root, one)) if one.sha256 else ""
                    tally.duplicates += bool(twin) and one.record.size > 0
                    write(one, root, tally.files, twin if one.record.size else "")
            stream.flush()
        tally.end()
    raise typer.Exit(ATTENTION if tally.attention else 0)


def _writer(
    stream: IO[str], layout: str, as_json: bool
) -> Callable[[Listed, Path, int, str], None]:
    if as_json:

        def document(one: Listed, root: Path, _number: int, twin: str) -> None:
            stream.write(line(columns.document(one, root, twin)))

        return document
    names = columns.LAYOUTS[layout]
    table: Any = csv.DictWriter(stream, names, extrasaction="ignore")
    table.writeheader()

    def row(one: Listed, root: Path, number: int, twin: str) -> None:
        table.writerow(columns.row(one, root, number, twin))

    return row


@contextmanager
def _target(output: Path | None) -> Iterator[IO[str]]:
    """Yield standard output, or a file that appears when it is complete.

    What was listed before Ctrl-C stays beside it, with `.part` behind its name.
    """
    if output is None:
        yield sys.stdout
        return
    if os.path.lexists(output):
        raise ConfigError(f"{output} exists already and is never overwritten; take another name")
    part = output.with_name(f"{output.name}.part")
    try:
        # Whoever stands there may be another list under way.
        stream = part.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise ConfigError(f"{part} is there: an interrupted list; move it away first") from None
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror or error}") from error
    keep = False
    try:
        with stream:
            yield stream
        fsync_file(part)
        os.link(part, output)
        fsync_folder(output.absolute().parent)
    except KeyboardInterrupt:
        keep = True
        console.print(escaped(f"Interrupted; what was listed so far is in {part}"))
        raise typer.Exit(INTERRUPTED) from None
    except FileExistsError:
        raise ConfigError(f"{output} appeared meanwhile; nothing was overwritten") from None
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror or error}") from error
    finally:
        if not keep:
            part.unlink(missing_ok=True)


@dataclass
class _Tally:
    """What the summary tells; its size does not depend on how many files there are."""

    quiet: bool
    files: int = 0
    size: int = 0
    duplicates: int = 0
    mismatches: int = 0
    attention: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    agreement: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def add(self, one: Listed) -> None:
        found, outcome = one.identification, columns.outcome(one)
        self.files += 1
        self.size += one.record.size
        self.outcomes[outcome.value] += 1
        self.attention += outcome not in (Outcome.OK, Outcome.LINK)
        if found is not None:
            self.agreement[found.agreement.value] += 1
            self.mismatches += found.extension_mismatch
            if found.clues is not None:
                known = found.clues.group in self.unknown or len(self.unknown) < _KINDS
                self.unknown[found.clues.group if known else "(further kinds)"] += 1
        if not self.quiet and time.monotonic() - self.last > _EVERY:
            self.last = time.monotonic()
            console.print(self._rate())

    def end(self) -> None:
        if self.quiet:
            return
        console.print(self._rate())
        console.print(", ".join(f"{name} {n}" for name, n in self.outcomes.most_common()))
        console.print("engines: " + ", ".join(f"{a} {n}" for a, n in self.agreement.most_common()))
        console.print(f"extension mismatches {self.mismatches}, duplicates {self.duplicates}")
        for group, number in self.unknown.most_common(_TOLD):
            console.print(escaped(f"unidentified: {number} x {group}"))
        if len(self.unknown) > _TOLD:
            console.print(f"unidentified: {len(self.unknown) - _TOLD} further kinds")

    def _rate(self) -> str:
        seconds = max(time.monotonic() - self.started, 0.001)
        return (
            f"{self.files} files, {self.size / 1e6:.1f} MB in {seconds:.1f} s: "
            f"{self.files / seconds:.0f} files/s, {self.size / 1e6 / seconds:.1f} MB/s"
        )
