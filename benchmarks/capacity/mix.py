# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a delivery consists of: files by format and size, read from what there is of them."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import results
from pipeline.core.errors import ConfigError
from pipeline.ledger.connection import NAME, open_reader
from pipeline.ledger.measures import size_class

# Of a CSV with shares: so many files stand for the whole, before it is scaled.
_WHOLE = 1_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """Files of one PUID ("" where there is none) and size class.

    `files` and `copies` may be fractions of a file once a mix is scaled. `copies`: files
    whose content is that of another; they are surveyed, and cost no work. `bytes`: of all
    files; `output_bytes`: of what is made from those that are no copies, None where the
    input does not tell.
    """

    puid: str
    size_class: int
    files: float
    bytes: float
    output_bytes: float | None
    copies: float

    @property
    def mean(self) -> float:
        """Bytes of one file."""
        return self.bytes / self.files if self.files else 0.0


@dataclass(frozen=True, slots=True)
class Mix:
    """A delivery. `source`: what it was read from."""

    source: str
    kinds: tuple[Kind, ...]

    @property
    def files(self) -> float:
        """Number of files."""
        return sum(one.files for one in self.kinds)

    @property
    def bytes(self) -> float:
        """Bytes of all files."""
        return sum(one.bytes for one in self.kinds)

    def scaled(self, files: int, size: float | None = None) -> Mix:
        """Return the mix of `files` files with the same shares, of `size` bytes in all.

        Where `size` is given, every file is larger or smaller by the same factor, and its
        size class follows.
        """
        many = files / self.files
        large = size / (self.bytes * many) if size is not None and self.bytes else 1.0
        kinds = []
        for one in self.kinds:
            made = None if one.output_bytes is None else one.output_bytes * many * large
            kinds.append(
                replace(
                    one,
                    # A factor of one must not move a kind whose mean lies at its class's edge.
                    size_class=one.size_class
                    if large == 1.0
                    else size_class(int(one.mean * large)),
                    files=one.files * many,
                    bytes=one.bytes * many * large,
                    output_bytes=made,
                    copies=one.copies * many,
                )
            )
        return Mix(self.source, tuple(kinds))


def read(path: Path) -> Mix:
    """Read a mix: a run's folder, a benchmark's result, files.csv, or puid,share,bytes.

    Raises ConfigError, which says what is expected.
    """
    if path.is_dir():
        return from_ledger(path)
    if path.suffix == ".json":
        return from_result(results.read(path), str(path))
    if path.suffix == ".csv":
        return _from_csv(path)
    if not path.exists():
        raise ConfigError(f"{path} does not exist")
    raise ConfigError(
        f"{path} is no mix: give the output folder of a finished run, files.csv of a report, "
        "a result of `skanearkiv bench` (.json), or a .csv with the columns puid,share,bytes"
    )


def from_ledger(out: Path) -> Mix:
    """Return the mix of a run by its folder. Raises ConfigError where nothing is done."""
    with closing(open_reader(out)) as db:
        rows = db.execute(
            "SELECT files.puid, files.size, same_as IS NOT NULL AS copy, m.size AS made FROM files"
            " LEFT JOIN migrations AS m ON m.file = files.id AND m.generation = files.generation"
            " WHERE kind = 'regular' AND outcome IS NOT NULL"
        )
        found = _counted((row["puid"], row["size"], bool(row["copy"]), row["made"]) for row in rows)
    return _checked(Mix(str(out / NAME), found))


def from_result(result: Mapping[str, Any], source: str) -> Mix:
    """Return the mix of a benchmark's result. Raises ConfigError where it has none."""
    rows = result.get("mix")
    if not isinstance(rows, list):
        raise ConfigError(f"{source} holds no mix (its kind is {result.get('kind')!r}, not 'run')")
    names = ("files", "bytes", "output_bytes", "copies")
    try:
        kinds = tuple(
            Kind(str(row["puid"]), int(row["size_class"]), *(float(row[name]) for name in names))
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{source}: a row of its mix is not as it should be: {error}") from error
    return _checked(Mix(source, kinds))


def _from_csv(path: Path) -> Mix:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            head = set(rows.fieldnames or ())
            if {"puid", "share", "bytes"} <= head:
                kinds = tuple(_shared(row, path, at) for at, row in enumerate(rows, 2))
            elif {"puid", "size", "kind", "same_as", "output_size"} <= head:
                kinds = _counted(
                    (
                        row["puid"], int(row["size"]), bool(row["same_as"]),
                        int(row["output_size"] or 0),
                    )
                    for row in rows
                    if row["kind"] == "regular"
                )  # fmt: skip
            else:
                raise ConfigError(
                    f"{path} has neither the columns of a report's files.csv nor puid,share,bytes"
                )
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a mix: {error}") from error
    return _checked(Mix(str(path), kinds))


def _shared(row: Mapping[str, str], path: Path, line: int) -> Kind:
    try:
        share, size = float(row["share"]), float(row["bytes"])
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}, line {line}: share and bytes must be numbers") from error
    if not (0 <= share < float("inf") and 0 <= size < float("inf")):
        raise ConfigError(f"{path}, line {line}: share and bytes must be 0 or more, and finite")
    files = share * _WHOLE
    return Kind(row["puid"].strip(), size_class(int(size)), files, files * size, None, 0.0)


def _counted(rows: Iterable[tuple[str | None, int, bool, int | None]]) -> tuple[Kind, ...]:
    """Return kinds of (PUID, size, whether a copy, bytes of its output) of each file."""
    found: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for puid, size, copy, made in rows:
        entry = found[puid or "", size_class(size)]
        # Outputs of copies are links to the first one's.
        for at, value in enumerate((1, size, 0 if copy else made or 0, copy)):
            entry[at] += value
    return tuple(Kind(*key, *found[key]) for key in sorted(found))


def _checked(mix: Mix) -> Mix:
    if mix.files <= 0:
        raise ConfigError(f"{mix.source} holds no files that a run has brought to an end")
    for one in mix.kinds:
        if one.files < 0 or one.bytes < 0 or not 0 <= one.copies <= one.files:
            raise ConfigError(f"{mix.source}: the row of {one.puid or 'no PUID'} cannot be right")
    return Mix(mix.source, tuple(one for one in mix.kinds if one.files))
