# SPDX-License-Identifier: AGPL-3.0-or-later
"""What goes wrong in real deliveries: misnamed, empty, cut off, random, oddly named files."""

from __future__ import annotations

import random
from pathlib import Path

from pipeline.demo.made import Folder


def troubled_files(folder: Folder) -> None:
    """Make them from what is there already, so this comes last."""
    root = folder.root
    born = _read(root, "KS 2024-00123 Bygglov Ängsgatan 4/03 Beslut.pdf")
    photo = _read(root, "Bilder/Lada.jpg")
    letter = _read(root, "KS 2024-00123 Bygglov Ängsgatan 4/01 Begäran om komplettering.docx")
    scan = _read(root, "Skannat/Dagbok.tif")
    folder.write("Felnamnade/Beslut.doc", born, "PDF named .doc")
    folder.write("Felnamnade/Lada.png", photo, "JPEG named .png")
    folder.write("Felnamnade/Brev utan ändelse", letter, "Word document without extension")
    folder.write("Trasiga/tom.docx", b"", "empty file")
    folder.write("Trasiga/avhuggen.pdf", born[: len(born) * 6 // 10], "PDF cut off")
    folder.write("Trasiga/avhuggen.tif", scan[: len(scan) * 7 // 10], "TIFF cut off")
    folder.write("Trasiga/avhuggen.jpg", photo[: len(photo) // 2], "JPEG cut off")
    folder.write("Trasiga/avhuggen.docx", letter[: len(letter) // 2], "Word document cut off")
    noise = random.Random(2024).randbytes(20_000)  # noqa: S311 - the same noise each time
    folder.write("Trasiga/brus.doc", noise, "random bytes named .doc")
    folder.write("Trasiga/brus.dat", noise[:5000], "random bytes")
    folder.write("Kopior/Beslut (kopia).pdf", born, "duplicate")
    folder.write("Kopior/Beslut (kopia 2).pdf", born, "duplicate")
    folder.write("Kopior/Lada kopia.jpg", photo, "duplicate")
    plain = b"Text med ovanligt namn.\n"
    folder.write("Namn/Åäö  två mellanslag .txt", plain, "name with å and spaces")
    folder.write("Namn/ny\nrad.txt", plain, "name with a newline")
    folder.write(b"Namn/\xe5rsredovisning.txt", plain, "name with a byte that is not UTF-8")
    folder.write("Namn/100%25 klart.txt", plain, "name with a percent sign")
    link = folder.path("Namn/länk ut.txt", "symbolic link out of the delivery")
    link.symlink_to("../../../utanför.txt")
    inside = folder.path("Namn/länk in.pdf", "symbolic link within the delivery")
    inside.symlink_to("../Kopior/Beslut (kopia).pdf")


def _read(root: Path, name: str) -> bytes:
    return (root / name).read_bytes()
