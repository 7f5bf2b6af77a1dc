# SPDX-License-Identifier: AGPL-3.0-or-later
"""Letters, protocols, budgets and slides, stored by LibreOffice in the formats of thirty years."""

from __future__ import annotations

import tempfile
from pathlib import Path

from migrators.base import Options
from migrators.libreoffice import client
from migrators.office_to_pdfa import MIGRATOR
from pipeline.demo import flat
from pipeline.demo.made import Folder, rezip
from validators.pdfa_verapdf import VALIDATOR as VERAPDF

_FLAT = {
    "writer": "OpenDocument Text Flat XML",
    "calc": "OpenDocument Spreadsheet Flat XML",
    "impress": "OpenDocument Presentation Flat XML",
}
_STORED = {
    "doc": ("writer", "MS Word 97"),
    "docx": ("writer", "MS Word 2007 XML"),
    "odt": ("writer", "writer8"),
    "rtf": ("writer", "Rich Text Format"),
    "xls": ("calc", "MS Excel 97"),
    "xlsx": ("calc", "Calc MS Excel 2007 XML"),
    "ods": ("calc", "calc8"),
    "ppt": ("impress", "MS PowerPoint 97"),
    "pptx": ("impress", "Impress MS PowerPoint 2007 XML"),
    "odp": ("impress", "impress8"),
}

LETTER = (
    "Hej,",
    "Tack för din ansökan som kom in den 12 mars 2024. Ärendet har fått diarienummer "
    "KS 2024-00123 och handläggs av samhällsbyggnadsförvaltningen.",
    "Vi behöver komplettering i form av situationsplan och fasadritning senast den 5 april.",
    "Med vänlig hälsning",
    "Handläggaren",
)
MINUTES = (
    "# § 41 Val av justerare",
    "Kommunstyrelsen utser en ledamot att jämte ordföranden justera protokollet.",
    "# § 42 Årsredovisning för föregående år",
    "Kommunstyrelsen beslutar att överlämna årsredovisningen till fullmäktige för beslut.",
    "# § 43 Detaljplan för kvarteret Ängen",
    "Ärendet återremitteras för förnyad prövning av dagvattnet. Reservation anmäls.",
)
ATTENDANCE = (
    ("Ledamot", "Närvarande", "Omröstning § 43"),
    ("Ordföranden", "ja", "bifall"),
    ("Förste vice ordföranden", "ja", "avslag"),
    ("Ersättare", "nej", ""),
)
BUDGET = {
    "Budget": (
        ("Verksamhet", "2023", "2024", "Förändring"),
        ("Förskola", 18450.5, 19120.0, "=[.C2]-[.B2]"),
        ("Äldreomsorg", 40210.0, 41875.25, "=[.C3]-[.B3]"),
        ("Räddningstjänst", 6120.0, 6300.0, "=[.C4]-[.B4]"),
        ("Summa", "=SUM([.B2:.B4])", "=SUM([.C2:.C4])", "=[.C5]-[.B5]"),
    ),
    "Antaganden": (("Löneuppräkning", 0.031), ("Befolkning", 15230.0)),
}
SLIDES = (
    ("Ny översiktsplan", "Samråd våren 2024", "Utställning hösten 2024"),
    ("Tre frågor", "Var ska det byggas?", "Hur klarar vi havsnivån?", "Vad händer med åkermarken?"),
)


def office_files(folder: Folder) -> None:
    """Make a file of each office format, and a PDF/A of the protocol."""
    case = "KS 2024-00123 Bygglov Ängsgatan 4"
    letter = flat.text("Begäran om komplettering", LETTER)
    minutes = flat.text("Sammanträdesprotokoll 2024-03-14", MINUTES, ATTENDANCE)
    budget = flat.sheets("Budget 2024", BUDGET)
    slides = flat.slides("Översiktsplan", SLIDES)
    for name, source in (
        (f"{case}/01 Begäran om komplettering.doc", letter),
        (f"{case}/01 Begäran om komplettering.docx", letter),
        (f"{case}/02 Tjänsteutlåtande.odt", letter),
        (f"{case}/02 Tjänsteutlåtande.rtf", letter),
        ("Protokoll/KS 2024-03-14.docx", minutes),
        ("Protokoll/KS 2024-03-14.odt", minutes),
        ("Budget/Budget 2024.xls", budget),
        ("Budget/Budget 2024.xlsx", budget),
        ("Budget/Budget 2024.ods", budget),
        ("Översiktsplan/Samråd.ppt", slides),
        ("Översiktsplan/Samråd.pptx", slides),
        ("Översiktsplan/Samråd.odp", slides),
    ):
        store(folder.path(name, f"office document, {name[-4:].lstrip('.')}"), source)
    pdfa(folder.path("Protokoll/KS 2024-03-14.pdf", "PDF/A-2b, to be kept"), minutes)


def store(target: Path, source: str) -> None:
    """Store a flat document in the format of the target's extension."""
    kind, filter_out = _STORED[target.suffix.lstrip(".")]
    with tempfile.TemporaryDirectory(prefix="skanearkiv-") as work:
        flat_file, stored = Path(work) / "source.xml", Path(work) / f"stored{target.suffix}"
        flat_file.write_text(source, encoding="utf-8")
        client.store(flat_file, stored, (_FLAT[kind], kind), filter_out)
        if target.suffix in {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"}:
            rezip(stored)
        target.write_bytes(stored.read_bytes())


def pdfa(target: Path, source: str) -> None:
    """Make a PDF/A-2b by our own migrator."""
    with tempfile.TemporaryDirectory(prefix="skanearkiv-") as work:
        stored, made = Path(work) / "stored.odt", Path(work) / "made.pdf"
        store(stored, source)
        options = Options("fmt/291", "pdfa-2b", Path(work), VERAPDF.validate)
        MIGRATOR.migrate(stored, made, options)
        target.write_bytes(made.read_bytes())
