# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the makers of the demo delivery share: where things go, and fixed dates."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

WHEN = "2024-03-14T09:30:00"
_SESSION = re.compile(rb'(config:name="Rsid(?:Root)?" config:type="int">)\d+')
_ZIP_DATE = (2024, 3, 14, 9, 30, 0)


@dataclass(frozen=True, slots=True)
class Made:
    """One file of the delivery: path below it, as bytes, and what it is there for."""

    raw: bytes
    what: str


@dataclass(slots=True)
class Folder:
    """Collects files below one folder."""

    root: Path
    made: list[Made] = field(default_factory=list)

    def path(self, name: str | bytes, what: str) -> Path:
        """Return where to write a file, its folder made, and note it."""
        raw = name.encode("utf-8") if isinstance(name, str) else name
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.root), raw)))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.made.append(Made(raw, what))
        return path

    def write(self, name: str | bytes, content: bytes, what: str) -> Path:
        """Write a file."""
        path = self.path(name, what)
        path.write_bytes(content)
        return path


def rezip(path: Path) -> None:
    """Write a ZIP package anew with fixed dates; `mimetype` stays first and stored (ODF)."""
    with zipfile.ZipFile(path) as package:
        members = [(one.filename, package.read(one)) for one in package.infolist()]
    # LibreOffice draws a new number for each session that edits a text.
    members = [(name, _SESSION.sub(rb"\g<1>1", content)) for name, content in members]
    with zipfile.ZipFile(path, "w") as package:
        for name, content in members:
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.external_attr = 0o600 << 16
            kind = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            package.writestr(info, content, compress_type=kind)
