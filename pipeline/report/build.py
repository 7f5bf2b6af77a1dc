# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write the reports of an output folder: HTML per language, CSV, JSON.

The HTML stands alone: style and charts are inside, nothing is fetched. Reports are
derived from the ledger and are written anew each time, whole or not at all.
"""

from __future__ import annotations

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

# SQLite's own 2 MiB has the pages of a large ledger read over and over.
_CACHE_KIB = 131_072


def write_all(out: Path) -> list[Path]:
    """Write every report below `out/report`; return their paths.

    Raises ConfigError when `out` holds no ledger, DiskFullError.
    """
    folder = out / "report"
    db = open_reader(out)
    try:
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
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
        written.append(_write(folder / "files.csv", lambda f: f.writelines(data.files(db))))
        written.append(_write(folder / "signatures.csv", lambda f: f.writelines(signed.rows(db))))
    finally:
        db.close()
    fsync_folder(folder)
    return written


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
