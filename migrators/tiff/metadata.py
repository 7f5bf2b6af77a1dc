# SPDX-License-Identifier: AGPL-3.0-or-later
"""What stands beside the pixels, as TIFF tags: colour profile, Exif, XMP, resolution.

Exif 2.32 section 4.6; XMP specification part 3; ICC.1:2010 annex B.4; TIFF 6.0.
"""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from migrators.tiff.entries import Directory, Entry, blob, rational, read, short

if TYPE_CHECKING:
    from PIL import Image

# Tags that describe how a source stored its pixels; ours are stored otherwise. The
# thumbnail of an Exif block is one of them.
STRUCTURAL = frozenset(
    {
        254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 284, 288, 289,
        290, 291, 292, 293, 317, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332,
        338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531,
        532, 559, 34016,
    }
)  # fmt: skip
# Kept from a TIFF page although it tells of storage: is it a page or a reduced copy.
_SUBFILE = 254
_XMP, _IPTC, _ICC, _DESCRIPTION = 700, 33723, 34675, 270
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def of_tiff(page: Directory) -> Directory:
    """Return the tags of a TIFF page that its copy shall have."""
    kept = {tag: entry for tag, entry in page.items() if tag not in STRUCTURAL}
    if _SUBFILE in page:
        kept[_SUBFILE] = page[_SUBFILE]
    return kept


def of_image(image: Image.Image, path: Path) -> Directory:
    """Return the metadata that Pillow found in a picture as tags."""
    info = image.info
    tags, _ = exif(info.get("exif"))
    if isinstance(info.get("icc_profile"), bytes) and info["icc_profile"]:
        tags[_ICC] = blob(info["icc_profile"])
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if xmp:
        tags[_XMP] = blob(xmp.encode() if isinstance(xmp, str) else xmp, kind=1)
    photoshop = info.get("photoshop")
    if isinstance(photoshop, dict) and isinstance(photoshop.get(0x0404), bytes):
        tags[_IPTC] = blob(photoshop[0x0404])
    comment = info.get("comment")
    if comment and _DESCRIPTION not in tags:
        text = comment if isinstance(comment, bytes) else str(comment).encode()
        tags[_DESCRIPTION] = blob(text.rstrip(b"\0") + b"\0", kind=2)
    if image.format in ("JPEG2000",):
        tags.update(_jp2(path))
    _resolution(image, tags)
    return tags


def exif(data: object) -> tuple[Directory, list[int]]:
    """Return the tags of an Exif block, and those that cannot be read (0: none of them)."""
    if not isinstance(data, bytes) or not data:
        return {}, []
    skipped: list[int] = []
    try:
        chain = read(io.BytesIO(data.removeprefix(b"Exif\0\0")), skipped)
    except (ValueError, struct.error):
        return {}, [0]
    return (of_tiff(chain[0]) if chain else {}), skipped


def _resolution(image: Image.Image, tags: Directory) -> None:
    """Add the resolution that the format itself states, in place of any in its Exif."""
    info = image.info
    if image.format in ("JPEG", "MPO"):
        # Pillow fills in 72 where a file states none; the JFIF header has what was stated.
        unit, density = info.get("jfif_unit"), info.get("jfif_density")
        if unit not in (1, 2) or not density:
            return
        horizontal, vertical, tiff_unit = float(density[0]), float(density[1]), unit + 1
    else:
        dpi = info.get("dpi")
        if not isinstance(dpi, tuple) or len(dpi) != 2:
            return
        horizontal, vertical, tiff_unit = float(dpi[0]), float(dpi[1]), 2
    if not (0 < horizontal < 1e6 and 0 < vertical < 1e6):
        return
    tags[282], tags[283] = _fraction(horizontal), _fraction(vertical)
    tags[296] = short(tiff_unit)


def _fraction(value: float) -> Entry:
    fraction = Fraction(value).limit_denominator(10_000)
    return rational(fraction.numerator, fraction.denominator)


def _jp2(path: Path) -> Directory:
    """Return profile and XMP of a JP2 file: ISO/IEC 15444-1 annex I; Pillow leaves them."""
    found: Directory = {}
    data = path.read_bytes()
    pending = [(0, len(data))]
    while pending:
        place, end = pending.pop()
        while place + 8 <= end:
            length, kind = struct.unpack_from(">I4s", data, place)
            head = 8
            if length == 1 and place + 16 <= end:
                length, head = struct.unpack_from(">Q", data, place + 8)[0], 16
            stop = end if length == 0 else place + length
            if stop > end or stop < place + head:
                break
            body = place + head
            if kind == b"jp2h":
                pending.append((body, stop))
            elif kind == b"colr" and data[body] in (2, 3):
                found.setdefault(_ICC, blob(data[body + 3 : stop]))
            elif kind == b"uuid" and data[body : body + 16] == _XMP_UUID:
                found[_XMP] = blob(data[body + 16 : stop], kind=1)
            place = stop
    return found
