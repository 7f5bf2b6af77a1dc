# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scanned documents that came as pictures (TIFF of many pages, JPEG, PNG) to searchable PDF/A.

img2pdf puts each picture into a page of its size as it is: JPEG data byte for byte,
others without loss. Which pictures are documents is for the policy to say.
"""

from __future__ import annotations

from pathlib import Path

from migrators.base import Options
from migrators.scan_to_pdfa import ScanToPdfa, searchable
from pipeline.core import isolate
from pipeline.core.errors import DamagedError, NotConvertedError
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, MigrationNote
from pipeline.core.versions import wheel_agent

# Of eight bits a channel at most: more would be cut down without a word.
_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK"})


class PictureToPdfa:
    """Makes searchable PDF/A of pictures. Settings as of `scan_to_pdfa`."""

    name = "picture_to_pdfa"
    sources = frozenset(
        {
            "fmt/353", "fmt/7", "fmt/8", "fmt/9", "fmt/10", "fmt/41", "fmt/42", "fmt/43", "fmt/44",
            "fmt/645", "fmt/1507", "x-fmt/390", "x-fmt/391", "fmt/11", "fmt/12", "fmt/13",
        }
    )  # fmt: skip
    target_puids = ScanToPdfa.target_puids

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs used. Raises ToolMissingError."""
        return (wheel_agent("img2pdf"), *ScanToPdfa().agents())

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write a valid, searchable PDF/A, a page for each picture of the file.

        Raises what `scan_to_pdfa` raises; NotConvertedError for a picture that a PDF page
        cannot hold as it is (more than 8 bits a channel).
        """
        wrapped = options.workdir / "wrapped.pdf"
        isolate.call(Pool.LIBRARIES, wrap, source, wrapped)
        return searchable(wrapped, target, options, self.agents())


def wrap(source: Path, target: Path) -> None:
    """Write `target`, a PDF of the pictures of `source`; runs in the child.

    The same bytes each time. Raises DamagedError, NotConvertedError.
    """
    import img2pdf
    from PIL import Image, ImageSequence, UnidentifiedImageError

    from pipeline.core import pictures

    pictures.prepare()
    try:
        with Image.open(source) as image:
            for frame in ImageSequence.Iterator(image):
                if frame.mode not in _MODES:
                    raise NotConvertedError(f"a picture of mode {frame.mode}", "image.not_a_page")
        with source.open("rb") as stream, target.open("wb") as out:
            # Dates would be those of this run.
            img2pdf.convert(
                stream, outputstream=out, nodate=True, rotation=img2pdf.Rotation.ifvalid
            )
    except (img2pdf.AlphaChannelError, img2pdf.UnsupportedColorspaceError) as error:
        raise NotConvertedError(str(error)[:300], "image.not_a_page") from error
    except (
        img2pdf.ImageOpenError, img2pdf.JpegColorspaceError, UnidentifiedImageError, OSError,
        ValueError, SyntaxError, EOFError,
    ) as error:  # fmt: skip
        raise DamagedError(str(error)[:300], "image.damaged") from error


MIGRATOR = PictureToPdfa()
