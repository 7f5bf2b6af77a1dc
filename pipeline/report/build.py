# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write the reports of an output folder: HTML per language, CSV, JSON.

The HTML stands alone: style and charts are inside, nothing is fetched. Reports are
derived from the ledger and are written anew each time, whole or not at all.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from pipeline.core.errors import from_os_error
from pipeline.core.staging import fsync_folder
from pipeline.ledger.connection import open_reader
from pipeline.report import data, html, signed
from pipeline.report.texts import LANGUAGES


def write_all(out: Path) -> list[Path]:
    """Write every report below `out/report`; return their paths.

    Raises ConfigError when `out` holds no ledger, DiskFullError.
    """
    folder = out / "report"
    db = open_reader(out)
    try:
        # Every report shows the same moment, also while a run goes on.
        db.execute("BEGIN")
        gathered = data.gather(db)
        folder.mkdir(exist_ok=True)
        written = []
        for language in LANGUAGES:
            page = html.render(gathered, language)
            written.append(_write(folder / f"report.{language}.html", lambda f, p=page: f.write(p)))  # type: ignore[misc]
        written.append(
            _write(
                folder / "report.json",
                lambda f: json.dump(gathered, f, ensure_ascii=False, indent=1),
            )
        )
        written.append(_write(folder / "files.csv", lambda f: _csv(f, data.files(db))))
        written.append(_write(folder / "signatures.csv", lambda f: _csv(f, signed.rows(db))))
    finally:
        db.close()
    fsync_folder(folder)
    return written


def _csv(stream: TextIOWrapper, rows: Iterator[dict[str, object]]) -> None:
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(stream, list(row))
            writer.writeheader()
        writer.writerow({key: _cell(value) for key, value in row.items()})


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a file's name or a tool's words for a formula."""
    text = str(value)
    return (
        f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not _number(text) else value
    )


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write(path: Path, fill: Callable[[TextIOWrapper], object]) -> Path:
    with _replaced(path) as stream:
        fill(stream)
    return path


@contextmanager
def _replaced(path: Path) -> Iterator[TextIOWrapper]:
    waiting = path.with_name(f".{path.name}.part")
    try:
        # utf-8-sig for CSV: without the mark, spreadsheets read å as Ã¥.
        encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"
        with waiting.open("w", encoding=encoding, newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        waiting.replace(path)
    except OSError as error:
        raise from_os_error(error) from error
