# SPDX-License-Identifier: AGPL-3.0-or-later
"""Text, tables, XML exports and mail."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from pipeline.demo.made import Folder

_CASES = (
    ("KS 2024-00123", "Bygglov Ängsgatan 4", "Pågående"),
    ("KS 2024-00124", "Motion om cykelväg till Östra skolan", "Avslutat"),
    ("SN 2024-00031", "Föreningsbidrag, årsredovisning", "Avslutat"),
)


def text_files(folder: Folder) -> None:
    """Make them, in the encodings of their times."""
    note = "Tjänsteanteckning\r\n\r\nSamtal med sökanden den 14 mars. Återkommer före påsk.\r\n"
    folder.write("Anteckningar/Samtal 1999.txt", note.encode("latin-1"), "text in Latin-1")
    folder.write("Anteckningar/Samtal 2024.txt", note.encode("utf-8"), "text in UTF-8")
    dos = "Förteckning över akter på hylla Å\r\n".encode("cp850")
    folder.write("Anteckningar/AKTER.TXT", dos, "text in DOS code page 850")
    rows = ["Diarienummer;Ärendemening;Status", *(";".join(case) for case in _CASES)]
    folder.write("Export/ärenden.csv", ("\n".join(rows) + "\n").encode(), "CSV in UTF-8")
    cases = "".join(
        f'<ärende nummer="{number}"><mening>{title}</mening><status>{status}</status></ärende>'
        for number, title, status in _CASES
    )
    export = f'<?xml version="1.0" encoding="UTF-8"?>\n<diarium år="2024">{cases}</diarium>\n'
    folder.write("Export/diarium.xml", export.encode(), "XML export")
    broken = export.replace("</diarium>", "").encode()
    folder.write("Export/diarium avbruten.xml", broken, "XML that is not well-formed")
    folder.write("E-post/Fråga om ärende.eml", mail(), "mail with an attachment")


def mail() -> bytes:
    """Return a message with an attachment."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "Sökanden <sokanden@example.org>"
    message["To"] = "Registrator <registrator@example.org>"
    message["Subject"] = "Fråga om ärende KS 2024-00123"
    message["Date"] = "Thu, 14 Mar 2024 09:30:00 +0100"
    message["Message-ID"] = "<1@example.org>"
    message.set_content("Hej, när kan jag vänta besked?\n")
    message.add_attachment(b"Situationsplan", maintype="text", subtype="plain", filename="plan.txt")
    # A boundary that is random by default.
    message.set_boundary("skanearkiv-demo")
    return message.as_bytes()
