# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names of files: any bytes in, readable and reversible text out.

The bytes are the truth and are kept as such in the ledger. Text for people, JSON, XML
and output names writes what is not printable UTF-8 as %XX, and % itself as %25 where
two hexadecimal digits follow, so that two different names never become the same.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

_PERCENT = re.compile(r"%(?=[0-9A-Fa-f]{2})")


def display(raw: bytes) -> str:
    """Return a path's bytes as printable text; `undisplay` gives the bytes back."""
    text = raw.decode("utf-8", "surrogateescape")
    text = _PERCENT.sub("%25", text)
    return "".join(char if _shown(char) else _escaped(char) for char in text)


def undisplay(text: str) -> bytes:
    """Return the bytes behind `display`."""
    return unquote_to_bytes(text)


def _shown(char: str) -> bool:
    return char == " " or (char.isprintable() and not 0xD800 <= ord(char) <= 0xDFFF)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))


def under(root: Path, raw: bytes) -> Path:
    """Return the path of `raw` below `root`."""
    return Path(os.fsdecode(os.path.join(os.fsencode(root), raw)))


def extension(raw: bytes) -> str:
    """Return a name's extension in lower case, without the dot, "" if none."""
    name = os.path.basename(raw)
    stem, dot, last = name.rpartition(b".")
    return last.decode("utf-8", "replace").lower() if dot and stem else ""


def output_name(raw: bytes, suffix: str) -> str:
    """Return the relative path of an output: the source's own, plus a further extension.

    Appending keeps `a.doc` and `a.docx` apart. A part that would exceed the 255 bytes that
    file systems allow is cut and told apart by a digest of the path down to it.
    """
    parts = raw.split(b"/")
    names = [_fitting(part, b"/".join(parts[: n + 1]), "") for n, part in enumerate(parts[:-1])]
    return "/".join([*names, _fitting(parts[-1], raw, suffix)])


def _fitting(part: bytes, whole: bytes, suffix: str) -> str:
    shown = display(part)
    if len(f"{shown}{suffix}".encode()) <= 255:
        return f"{shown}{suffix}"
    mark = f"~{hashlib.sha256(whole).hexdigest()[:12]}"
    room = 255 - len(mark) - len(suffix.encode())
    return shown.encode()[:room].decode("utf-8", "ignore") + mark + suffix
