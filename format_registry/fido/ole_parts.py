# SPDX-License-Identifier: AGPL-3.0-or-later
r"""Named streams of an OLE2 compound file ([MS-CFB]), through olefile.

Names that begin with a control character, such as `\x01CompObj`, are known to PRONOM's
signatures without it, as DROID gives them.
"""

from __future__ import annotations

import os
from typing import IO

import olefile

# The allocation table of a file is read at once: 1/128 of the file's size.
LARGEST = 1 << 30


class BrokenOleError(ValueError):
    """What looks like a compound file cannot be read as one."""


class OleParts:
    """The streams and storages of a compound file. Raises BrokenOleError."""

    def __init__(self, stream: IO[bytes]) -> None:
        if os.fstat(stream.fileno()).st_size > LARGEST:
            raise BrokenOleError("too large to be searched")
        stream.seek(0)
        try:
            self._file = olefile.OleFileIO(stream)
            entries = self._file.listdir(streams=True, storages=True)
        except Exception as error:
            # olefile raises whatever its parsing runs into: IndexError, struct.error, ...
            raise BrokenOleError(f"{type(error).__name__}: {error}") from error
        self._paths: dict[str, list[str]] = {}
        for entry in entries:
            plain = [part[1:] if part[:1] and ord(part[0]) < 32 else part for part in entry]
            self._paths.setdefault("/".join(entry), entry)
            self._paths.setdefault("/".join(plain), entry)

    @property
    def names(self) -> frozenset[str]:
        """Paths of all streams and storages."""
        return frozenset(self._paths)

    def read(self, name: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a stream; b"" for a storage or a broken one."""
        try:
            with self._file.openstream(self._paths[name]) as stream:
                return bytes(stream.read(limit))
        except Exception:  # noqa: BLE001
            return b""
