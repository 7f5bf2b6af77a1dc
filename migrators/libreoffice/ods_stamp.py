# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finish LibreOffice's ODS: the same bytes on every run, nothing of the conversion in it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from pipeline.core.errors import NotConvertedError

_EPOCH = (1980, 1, 1, 0, 0, 0)
_THUMBNAILS = "Thumbnails/"  # a picture of the first sheet, drawn anew each time
_MANIFEST = "META-INF/manifest.xml"
_LISTED = re.compile(rb'\s*<manifest:file-entry[^>]*full-path="Thumbnails/[^>]*/>')
# What headers showed at the time of the export, and where: a program shows its own.
_SHOWN = re.compile(rb"(<text:(date|time|file-name)\b[^>]*>)[^<]*(</text:\2>)")


def finish(raw: Path, target: Path) -> None:
    """Write `target` from LibreOffice's `raw`.

    The members stand in LibreOffice's order, `mimetype` first and stored (ISO/IEC 26300-2,
    3.3). Raises NotConvertedError where the folder of the conversion would remain in it.
    """
    place = str(raw.parent).encode()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            name = entry.filename
            if name.startswith(_THUMBNAILS):
                continue
            data = old.read(name)
            if name == _MANIFEST:
                data = _LISTED.sub(b"", data)
            elif name.endswith(("styles.xml", "content.xml")):
                # A file beside the source is one beside the result (ISO/IEC 26300-2, 3.7).
                data = _SHOWN.sub(rb"\1\3", data).replace(b"file://" + place + b"/", b"../")
                if place in data:
                    raise NotConvertedError("the sheets tell their own path", "office.path_shown")
            information = zipfile.ZipInfo(name, _EPOCH)
            stored = name == "mimetype" or name.endswith("/")
            information.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            information.external_attr = 0o644 << 16
            new.writestr(information, data)
