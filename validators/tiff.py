# SPDX-License-Identifier: AGPL-3.0-or-later
"""TIFF, BigTIFF and the profiles of them: every page is there and can be decoded."""

from __future__ import annotations

from pathlib import Path

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from validators import tiff_structure as tags
from validators.findings import Findings, empty, packages
from validators.imaging import max_pixels, pillow_decode, vips_decode, within_limit
from validators.tiff_structure import Ifd, Structure

NAME = "tiff"

# TIFF 6.0 sections 3, 9-11 and 22, and the registrations of later schemes.
_COMPRESSIONS = {
    1: "none", 2: "ccitt rle", 3: "ccitt group 3", 4: "ccitt group 4", 5: "lzw",
    6: "jpeg (old style)", 7: "jpeg", 8: "deflate", 32773: "packbits", 32946: "deflate",
    34712: "jpeg 2000", 34887: "lerc", 34925: "lzma", 50000: "zstd", 50001: "webp",
}  # fmt: skip
# What the two decoders read; for anything else their refusal says nothing of the file.
_DECODED = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946})
_PHOTOMETRIC = {
    0: "white is zero", 1: "black is zero", 2: "rgb", 3: "palette", 4: "mask", 5: "cmyk",
    6: "ycbcr", 8: "cielab", 9: "icclab", 10: "itulab", 32803: "colour filter array",
    34892: "linear raw",
}  # fmt: skip
_UNSUPPORTED = ("not configured", "not implemented", "unsupported", "sorry", "not support")
_PADDING = 1024  # writers round up to sectors; more than this after the data is something else


class TiffValidator:
    """Checks the place of every strip and tile, then decodes each page."""

    name = NAME
    puids = frozenset(
        {
            "fmt/353", "fmt/7", "fmt/8", "fmt/9", "fmt/10", "fmt/152", "fmt/153", "fmt/154",
            "fmt/155", "fmt/156", "fmt/1917", "x-fmt/387", "x-fmt/388", "x-fmt/399",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return the decoders. Raises ToolMissingError."""
        return packages("pyvips-binary", "pillow")

    def validate(self, path: Path) -> ValidationResult:
        """Judge a TIFF file."""
        return isolate.call(Pool.LIBRARIES, _judge, path, max_pixels())


def _judge(path: Path, limit: int) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    structure = tags.read(path)
    for code, detail in structure.problems:
        found.error(code, detail)
    sparse = False
    for number, page in enumerate(structure.pages, 1):
        sparse |= _check_page(found, structure, page, f"page {number}")
        within_limit(found, page.one(tags.WIDTH), page.one(tags.HEIGHT), limit)
    for below in structure.others:
        if tags.WIDTH in below.values:
            _check_blocks(found, structure, below, f"picture at {below.offset}")
    if structure.pages:
        _describe(found, structure)
    if structure.size > structure.extent + _PADDING and structure.pages:
        found.warn(
            "image.trailing", f"{structure.size - structure.extent} bytes that nothing refers to"
        )
    if found.open and sparse:
        found.undecided("tiff.sparse", "tiles without data", Outcome.UNSUPPORTED)
    if found.open:
        _decode(found, path, structure, limit)
    return found.result()


def _check_page(found: Findings, structure: Structure, page: Ifd, label: str) -> bool:
    """Check one page's tags; return whether it has tiles without data (GDAL's sparse files)."""
    if not page.one(tags.WIDTH) or not page.one(tags.HEIGHT):
        if page.present & {330, tags.JPEG_OFFSET}:
            # A camera's raw format: pictures only in directories below this one.
            found.undecided("image.codec", f"{label}: a raw format", Outcome.UNSUPPORTED)
        else:
            found.error("tiff.tags", f"{label}: no width or height")
        return False
    return _check_blocks(found, structure, page, label)


def _check_blocks(found: Findings, structure: Structure, page: Ifd, label: str) -> bool:
    tiled = 324 in page.present
    offsets = page.values.get(324 if tiled else 273, ())
    counts = page.values.get(325 if tiled else 279, ())
    if not offsets:
        return _check_old_jpeg(found, structure, page, label)
    needed = _blocks_needed(page, tiled)
    if len(offsets) < needed or (counts and len(counts) < len(offsets)):
        found.error("image.truncated", f"{label}: {len(offsets)} of {needed} strips or tiles")
        return False
    missing = 0
    for offset, count in zip(offsets, counts, strict=False):
        if offset == 0 and count == 0:
            missing += 1
        elif offset + count > structure.size:
            found.error(
                "image.truncated", f"{label}: {count} bytes at {offset} of {structure.size}"
            )
            return False
        structure.extent = max(structure.extent, offset + count)
    if not counts:
        found.warn("tiff.tags", f"{label}: the strips' lengths are not given")
        # Where nothing says how long the data is, it may reach to the end.
        structure.extent = structure.size
    if page.one(tags.COMPRESSION, 1) == 1 and not tiled and counts and not missing:
        _check_plain(found, page, sum(counts), label)
    return missing > 0


def _blocks_needed(page: Ifd, tiled: bool) -> int:
    width, height = page.one(tags.WIDTH), page.one(tags.HEIGHT)
    planes = page.one(tags.SAMPLES, 1) if page.one(tags.PLANAR, 1) == 2 else 1
    if tiled:
        across, down = page.one(tags.TILE_WIDTH, 1) or 1, page.one(tags.TILE_HEIGHT, 1) or 1
        return -(-width // across) * -(-height // down) * planes
    rows = page.one(tags.ROWS, height) or height
    return -(-height // rows) * planes


def _check_plain(found: Findings, page: Ifd, have: int, label: str) -> None:
    """Uncompressed strips have a length that follows from the tags."""
    if page.one(tags.PHOTOMETRIC) == 6:
        return  # subsampled chroma: fewer bytes than samples
    bits = page.values.get(tags.BITS, (1,))
    total = sum(bits) if len(bits) > 1 else bits[0] * page.one(tags.SAMPLES, 1)
    if page.one(tags.PLANAR, 1) == 2:
        row = sum(-(-page.one(tags.WIDTH) * b // 8) for b in bits)
    else:
        row = -(-page.one(tags.WIDTH) * total // 8)
    if have < row * page.one(tags.HEIGHT):
        found.error(
            "image.truncated", f"{label}: {have} of {row * page.one(tags.HEIGHT)} bytes of pixels"
        )


def _check_old_jpeg(found: Findings, structure: Structure, page: Ifd, label: str) -> bool:
    start, length = page.one(tags.JPEG_OFFSET), page.one(tags.JPEG_LENGTH)
    if not start:
        found.error("tiff.tags", f"{label}: nothing says where the pixels are")
    elif start + length > structure.size:
        found.error("image.truncated", f"{label}: {length} bytes at {start}")
    structure.extent = max(structure.extent, start + length)
    return False


def _describe(found: Findings, structure: Structure) -> None:
    first = structure.pages[0]
    compression = first.one(tags.COMPRESSION, 1)
    photometric = first.one(tags.PHOTOMETRIC, -1)
    resolution = first.rational.get(tags.X_RESOLUTION, 0.0)
    per_inch = {2: 1.0, 3: 2.54}.get(first.one(tags.UNIT, 2), 0.0) * resolution
    found.properties.update(
        width=first.one(tags.WIDTH),
        height=first.one(tags.HEIGHT),
        pages=len(structure.pages),
        multi_page=len(structure.pages) > 1,  # as a scanner leaves a document
        bits=max(first.values.get(tags.BITS, (1,))),
        bands=first.one(tags.SAMPLES, 1),
        mode=_PHOTOMETRIC.get(photometric, str(photometric)),
        compression=_COMPRESSIONS.get(compression, str(compression)),
        big=structure.big,
        icc=tags.ICC in first.present,
        exif=tags.EXIF in first.present,
        xmp=tags.XMP in first.present,
        dpi=round(per_inch, 2) if 0 < per_inch < 1e6 else None,
    )


def _decode(found: Findings, path: Path, structure: Structure, limit: int) -> None:
    for number, page in enumerate(structure.pages):
        # libvips reads in strips; Pillow knows a few colour spaces more (CIELAB).
        problem = vips_decode(path, "tiffload", page=number)
        if not problem:
            continue
        second = pillow_decode(path, found, limit, page=number)
        if not second:
            continue
        detail = f"page {number + 1}: {problem}; {second}"
        known = page.one(tags.COMPRESSION, 1) in _DECODED
        if known and not any(sign in problem.lower() for sign in _UNSUPPORTED):
            found.error("image.damaged", detail)
        else:
            found.undecided("image.codec", detail, Outcome.UNSUPPORTED)


VALIDATOR = TiffValidator()
