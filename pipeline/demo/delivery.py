# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo delivery as a whole."""

from __future__ import annotations

from pathlib import Path

from pipeline.demo.images import picture_files
from pipeline.demo.made import Folder, Made
from pipeline.demo.office import office_files
from pipeline.demo.pdfs import pdf_files
from pipeline.demo.texts import text_files
from pipeline.demo.trouble import troubled_files


def make_delivery(folder: Path) -> list[Made]:
    """Write the delivery below an existing, empty folder; return what was made.

    Raises ToolMissingError where LibreOffice is missing.
    """
    collected = Folder(folder)
    office_files(collected)
    pdf_files(collected)
    picture_files(collected)
    text_files(collected)
    troubled_files(collected)
    return collected.made
