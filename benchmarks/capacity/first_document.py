# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a worker's first office document takes longer than its second; for `measure`.

python -m benchmarks.capacity.first_document PDF DOCX

A process of its own, as a worker is: LibreOffice has to start, what reads and writes is loaded
with the first document, and versions are asked for. Java and the libraries have answered
before, with the PDF. Prints seconds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from migrators.base import Options
from migrators.libreoffice import client
from migrators.office_to_pdfa import MIGRATOR
from pipeline.core import isolate
from pipeline.core.isolate import Pool
from validators.pdf import inspect
from validators.pdfa_verapdf import VALIDATOR


def longer(sheet: Path, letter: Path) -> float:
    """Return the seconds. The letter is a .docx of Word 2007 onwards (fmt/412)."""
    isolate.call(Pool.LIBRARIES, inspect, sheet)
    VALIDATOR.validate_as(sheet, "2b")
    first = _taken(letter)
    return first - _taken(letter)


def _taken(letter: Path) -> float:
    with tempfile.TemporaryDirectory() as work:
        options = Options("fmt/412", "pdfa-2b", Path(work), VALIDATOR.validate)
        began = time.monotonic()
        MIGRATOR.migrate(letter, Path(work) / "made.pdf", options)
        return time.monotonic() - began


if __name__ == "__main__":
    print(longer(Path(sys.argv[1]), Path(sys.argv[2])))
    client.close()
    isolate.close_all()
