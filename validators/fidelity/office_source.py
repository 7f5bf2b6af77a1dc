# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office document, read without LibreOffice.

A second reader: what LibreOffice dropped when it loaded the file would be missing from its
own account as well. Which reader is asked follows from the content, not from the name.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from pipeline.core.errors import DamagedError
from validators.fidelity import (
    office_excel,
    office_odf,
    office_ooxml,
    office_powerpoint,
    office_rtf,
    office_word97,
)
from validators.fidelity.office_compound import MAGIC
from validators.fidelity.office_reading import Reading, UnreadableError

_BIFF = re.compile(rb"\x09[\x00\x02\x04\x08]")  # BOF of a worksheet that is no compound file


def read(path: Path) -> Reading | None:
    """Return what the file holds, None where no reader here knows the format.

    Raises DamagedError, and UnreadableError where the reader for it fails.
    """
    with path.open("rb") as stream:
        head = stream.read(64)
    if head.startswith(b"PK"):
        return _package(path)
    if head.startswith(MAGIC):
        return _compound(path)
    if b"{\\rt" in head:
        return office_rtf.read(path)
    if _BIFF.match(head):
        return office_excel.read(path)
    return None


def _package(path: Path) -> Reading | None:
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names:
                return office_ooxml.read(archive, names)
            if "content.xml" in names:  # OpenOffice.org 1.0 wrote no member `mimetype`
                return office_odf.read(archive)
    except BadZipFile:
        return None
    except (OSError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise DamagedError(str(error)[:300], "office.source") from error
    return None


def _compound(path: Path) -> Reading | None:
    import olefile

    try:
        with olefile.OleFileIO(path) as compound:
            tops = {parts[0].lower() for parts in compound.listdir() if len(parts) == 1}
    except (OSError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error
    if "worddocument" in tops:
        return office_word97.read(path)
    if "powerpoint document" in tops:
        return office_powerpoint.read(path)
    if tops & {"workbook", "book"}:
        return office_excel.read(path)
    return None
