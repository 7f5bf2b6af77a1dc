# SPDX-License-Identifier: AGPL-3.0-or-later
"""Streams of compound files ([MS-CFB]) for the readers of the old formats, bounded."""

from __future__ import annotations

import struct
from pathlib import Path

from validators.fidelity.office_reading import UnreadableError

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LIMIT = 512 * 1024 * 1024  # bytes of the streams asked for
_ERRORS = (OSError, ArithmeticError, IndexError, ValueError, TypeError, AttributeError, KeyError,
           struct.error)  # fmt: skip


def streams(path: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """Return the top streams of these names (lower case) that are there.

    Names compare without regard to case ([MS-CFB] 2.6.4). olefile bounds each chain by the
    number of the file's sectors. Raises UnreadableError.
    """
    import olefile

    found: dict[str, bytes] = {}
    size = 0
    try:
        with olefile.OleFileIO(path) as compound:
            for parts in compound.listdir():
                name = parts[0].lower()
                if len(parts) == 1 and name in wanted and name not in found:
                    size += compound.get_size(parts)
                    if size > _LIMIT:
                        raise UnreadableError(f"streams of {size} bytes")
                    found[name] = compound.openstream(parts).read()
    except _ERRORS as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error
    return found
