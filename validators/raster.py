# SPDX-License-Identifier: AGPL-3.0-or-later
"""JPEG, PNG, GIF and BMP: whole, and every frame decodes.

Which of them a file is, its own first bytes tell; the formats' PUIDs differ by version only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from validators import raster_structure
from validators.findings import Findings, empty, packages
from validators.imaging import describe, max_pixels, pillow_decode, vips_decode, within_limit

NAME = "raster"
_Walk = Callable[[BinaryIO, Findings], None]


class RasterValidator:
    """Checks the structure of a picture file, then decodes all of it."""

    name = NAME
    puids = frozenset(
        {
            "fmt/41", "fmt/42", "fmt/43", "fmt/44", "x-fmt/390", "x-fmt/391", "x-fmt/398",
            "fmt/645", "fmt/1507", "fmt/112", "fmt/11", "fmt/12", "fmt/13", "fmt/935", "fmt/3",
            "fmt/4", "fmt/114", "fmt/115", "fmt/116", "fmt/117", "fmt/118", "fmt/119",
            "x-fmt/25", "x-fmt/270",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return the decoders. Raises ToolMissingError."""
        return packages("pyvips-binary", "pillow")

    def validate(self, path: Path) -> ValidationResult:
        """Judge a picture."""
        return isolate.call(Pool.LIBRARIES, _judge, path, max_pixels())


def _judge(path: Path, limit: int) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    with path.open("rb") as stream:
        kind, walk = _kind(stream.read(8))
        stream.seek(0)
        if walk is None:
            found.error("image.header", "not a JPEG, PNG, GIF or BMP file")
            return found.result()
        try:
            walk(stream, found)
        except EOFError as error:
            found.error("image.truncated", str(error))
    width, height = found.properties.get("width"), found.properties.get("height")
    if isinstance(width, int) and isinstance(height, int):
        within_limit(found, width, height, limit)
    if found.open:
        describe(path, found)
        _DECODERS[kind](path, found, limit)
    return found.result()


def _kind(head: bytes) -> tuple[str, _Walk | None]:
    if head.startswith(b"\xff\xd8"):
        return "jpeg", raster_structure.jpeg
    if head.startswith(b"\x89PNG"):
        return "png", raster_structure.png
    if head.startswith(b"GIF8"):
        return "gif", raster_structure.gif
    if head.startswith(b"BM"):
        return "bmp", raster_structure.bmp
    return "", None


def _decode_jpeg(path: Path, found: Findings, limit: int) -> None:
    # libjpeg calls lost data a warning ("premature end of data segment"); libvips passes
    # those on as errors from the level "truncated" up.
    problem = vips_decode(path, "jpegload", fail_on="error")
    if problem:
        _lost(found, problem)
        return
    doubt = vips_decode(path, "jpegload", fail_on="warning")
    if doubt:
        found.warn("image.oddity", doubt)
    found.properties["pages"] = 1
    if found.properties.get("multi_picture"):
        _decode_frames(path, found, limit)


def _decode_png(path: Path, found: Findings, limit: int) -> None:
    problem = vips_decode(path, "pngload", fail_on="error")
    if problem:
        _lost(found, problem)
    elif found.properties.get("pages") != 1:
        _decode_frames(path, found, limit)


def _decode_frames(path: Path, found: Findings, limit: int) -> None:
    found.properties["pages"] = 0
    problem = pillow_decode(path, found, limit)
    if problem:
        _lost(found, problem)


def _decode_bmp(path: Path, found: Findings, limit: int) -> None:
    problem = pillow_decode(path, found, limit)
    if problem and "nsupported" in problem:
        # OS/2 variants that no reader here knows; the file's length has been checked.
        found.undecided("image.codec", problem, Outcome.UNSUPPORTED)
    elif problem:
        _lost(found, problem)


def _lost(found: Findings, problem: str) -> None:
    cut = any(sign in problem.lower() for sign in ("truncated", "premature", "end of"))
    found.error("image.truncated" if cut else "image.damaged", problem)


_DECODERS: dict[str, Callable[[Path, Findings, int], None]] = {
    "jpeg": _decode_jpeg,
    "png": _decode_png,
    "gif": _decode_frames,
    "bmp": _decode_bmp,
}

VALIDATOR = RasterValidator()
