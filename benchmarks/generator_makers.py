# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who makes a file of which PUID, and who stands in where there is nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from random import Random

from benchmarks import generator_office as office
from benchmarks import generator_pdf as pdf
from benchmarks import generator_pictures as pictures
from benchmarks import generator_raw as raw
from benchmarks import generator_texts as texts
from format_registry import pronom
from migrators.libreoffice.client import OFFICE, PYTHON
from pipeline.core.errors import ToolMissingError

UNKNOWN = ""  # the PUID of what no engine can identify
Make = Callable[[Random, int], bytes]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes files of one format: `make(random numbers, wanted bytes)`.

    `family` is what it may stand in for: PRONOM's types, in its words; the first maker of a
    family stands in. `office`: LibreOffice stores the file.
    """

    extension: str
    make: Make
    family: str
    office: bool = False


def _zip(rng: Random, size: int) -> bytes:
    return raw.zipped("ärende.txt", texts.text(rng, size))


def _gzip(rng: Random, size: int) -> bytes:
    return raw.gzipped(texts.text(rng, size * 5 // 2))


MAKERS: dict[str, Maker] = {
    "fmt/18": Maker("pdf", pdf.text, "Page Description"),
    "fmt/17": Maker("pdf", partial(pdf.text, version="1.3"), "Page Description"),
    "fmt/19": Maker("pdf", partial(pdf.text, version="1.5"), "Page Description"),
    "fmt/20": Maker("pdf", partial(pdf.text, version="1.6"), "Page Description"),
    "fmt/276": Maker("pdf", partial(pdf.text, version="1.7"), "Page Description"),
    "fmt/354": Maker("pdf", partial(pdf.text, part=1), "Page Description"),
    "fmt/477": Maker("pdf", partial(pdf.text, version="1.7", part=2), "Page Description"),
    "fmt/412": Maker("docx", office.docx, "Word Processor"),
    "fmt/291": Maker("odt", office.odt, "Word Processor"),
    "fmt/50": Maker("rtf", texts.rtf, "Word Processor"),
    "fmt/40": Maker("doc", office.doc, "Word Processor", office=True),
    "fmt/214": Maker("xlsx", office.xlsx, "Spreadsheet"),
    "fmt/295": Maker("ods", office.ods, "Spreadsheet"),
    "fmt/61": Maker("xls", office.xls, "Spreadsheet", office=True),
    "fmt/293": Maker("odp", office.odp, "Presentation"),
    "fmt/215": Maker("pptx", office.pptx, "Presentation", office=True),
    "fmt/126": Maker("ppt", office.ppt, "Presentation", office=True),
    "fmt/43": Maker("jpg", pictures.JPEG, "Image (Raster)"),
    "fmt/353": Maker("tif", pictures.TIFF, "Image (Raster)"),
    "fmt/11": Maker("png", pictures.png, "Image (Raster)"),
    "fmt/4": Maker("gif", pictures.GIF, "Image (Raster)"),
    "fmt/116": Maker("bmp", pictures.BMP, "Image (Raster)"),
    "x-fmt/392": Maker("jp2", pictures.JP2, "Image (Raster)"),
    "fmt/101": Maker("xml", texts.xml, "Text (Mark-up)"),
    "fmt/471": Maker("html", texts.html, "Text (Mark-up)"),
    "fmt/817": Maker("json", texts.json_, "Text (Structured)"),
    "x-fmt/18": Maker("csv", texts.table, "Dataset"),
    "x-fmt/111": Maker("txt", texts.text, "Text (Unstructured)"),
    "fmt/1149": Maker("md", texts.markdown, "Text (Mark-up)"),
    "fmt/950": Maker("eml", texts.mail, "Email"),
    "fmt/141": Maker("wav", pictures.wav, "Audio"),
    "x-fmt/263": Maker("zip", _zip, "Aggregate"),
    "x-fmt/266": Maker("gz", _gzip, "Aggregate"),
    UNKNOWN: Maker("arkiv", texts.noise, ""),
}
# Scans cannot be told by their PUID, and cost more than all else of a delivery.
SCAN = Maker("pdf", pdf.scanned, "")
SCAN_PUID = "fmt/18"


def stand_in(puid: str) -> str:
    """Return the PUID of what is made for a format: its own, its family's, else `UNKNOWN`."""
    if puid in MAKERS and usable(puid):
        return puid
    record = pronom.record(puid)
    types = record.types if record else ()
    return next(
        (
            other
            for other, maker in MAKERS.items()
            if maker.family and maker.family in types and usable(other)
        ),
        UNKNOWN,
    )


def usable(puid: str) -> bool:
    """Whether what the format's maker needs is here."""
    return not MAKERS[puid].office or _libreoffice()


@lru_cache(maxsize=1)
def _libreoffice() -> bool:
    try:
        OFFICE.version()
        PYTHON.version()
    except ToolMissingError:
        return False
    return True
