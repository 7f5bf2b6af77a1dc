# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files and programs that mean harm, and how to see whether they did it.

Each attack is given a place: `work`, the folder that it may write to, and what lies
outside: a text and a picture to be read, a file to be deleted, an HTTP server on the
loopback that counts its visitors. What it reached is looked for afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARK = "hemligt-4711"
# No other picture has these sides.
_WIDTH, _HEIGHT = 37, 41
FORKS = 300


@dataclass(frozen=True, slots=True)
class Place:
    """Where one attack takes place once; `url` is that of the counting server."""

    base: Path
    url: str

    @property
    def work(self) -> Path:
        """The folder that children may write to."""
        return self.base / "delivery" / "work"

    @property
    def secret(self) -> Path:
        """A text outside of it."""
        return self.base / "other" / "secret.txt"

    @property
    def picture(self) -> Path:
        """A picture outside of it."""
        return self.base / "other" / "secret.png"

    @property
    def victim(self) -> Path:
        """A file outside of it, to be deleted, renamed or written."""
        return self.base / "other" / "victim.txt"

    def prepare(self) -> None:
        """Make the folders and what lies in them."""
        self.work.mkdir(parents=True)
        self.secret.parent.mkdir()
        self.secret.write_text(MARK, encoding="utf-8")
        self.victim.write_text("the only copy", encoding="utf-8")
        self.picture.write_bytes(_png())


def _always(_place: Place, _printed: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Attack:
    """What is tried; `command` writes the file and returns the program's arguments.

    `reached` looks at the place and at what was printed and returns what was reached, ""
    for nothing. `visits`: success is a visit to the server. `seconds`: the time limit.
    `ours` is the pipeline's own way with the same file, if it is another program's.
    `worked`, `ours_worked`: whether the tool did its work, so that a tool that does not
    start is not taken for a tool that reached nothing; some are ended by a refusal.
    """

    name: str
    tool: str
    command: Callable[[Place], list[str]]
    reached: Callable[[Place, str], str]
    visits: bool = False
    seconds: float = 40.0
    ours: Callable[[Place], list[str]] | None = None
    worked: Callable[[Place, str], bool] = _always
    ours_worked: Callable[[Place, str], bool] = _always


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0))
    rows = b"".join(b"\0" + os.urandom(_WIDTH * 3) for _ in range(_HEIGHT))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _soffice(place: Place, source: Path, *more: str) -> list[str]:
    program = shutil.which("soffice") or "soffice"
    profile = (place.work / "profile").as_uri()
    return [program, f"-env:UserInstallation={profile}", "--headless", "--norestore", *more,
            str(source)]  # fmt: skip


def convert(place: Place, source: Path) -> list[str]:
    """Return the command that has LibreOffice make a PDF as anybody would."""
    return _soffice(place, source, "--convert-to", "pdf", "--outdir", str(place.work))


def by_us(place: Place, source: Path, *reading: str) -> list[str]:
    """Return the command that has the pipeline's own LibreOffice make a PDF/A."""
    code = (
        "import sys; from pathlib import Path; from migrators.libreoffice import client; "
        "client.convert(Path(sys.argv[1]), Path(sys.argv[2]), tuple(sys.argv[3:5]), {})"
    )
    return [sys.executable, "-c", code, str(source), str(place.work / "made.pdf"), *reading]


def _zip(path: Path, parts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


_OPENXML = "http://schemas.openxmlformats.org"
_DOC = f"{_OPENXML}/officeDocument/2006/relationships"


def docx(place: Place) -> Path:
    """Write a letter with a picture that stands on the server."""
    picture = (
        f'<w:drawing><wp:inline xmlns:wp="{_OPENXML}/drawingml/2006/wordprocessingDrawing">'
        '<wp:extent cx="900000" cy="900000"/><wp:docPr id="1" name="p"/>'
        f'<a:graphic xmlns:a="{_OPENXML}/drawingml/2006/main"><a:graphicData '
        f'uri="{_OPENXML}/drawingml/2006/picture"><pic:pic '
        f'xmlns:pic="{_OPENXML}/drawingml/2006/picture"><pic:nvPicPr><pic:cNvPr id="1" name="p"/>'
        '<pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:link="rId1"/><a:stretch>'
        '<a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/>'
        '<a:ext cx="900000" cy="900000"/></a:xfrm><a:prstGeom prst="rect"/></pic:spPr></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )
    return _zip(place.work / "letter.docx", {
        "[Content_Types].xml": f'<Types xmlns="{_OPENXML}/package/2006/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_OPENXML}/package/2006/relationships">'
        f'<Relationship Id="r" Type="{_DOC}/officeDocument" Target="word/document.xml"/>'
        "</Relationships>",
        "word/_rels/document.xml.rels":
        f'<Relationships xmlns="{_OPENXML}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{_DOC}/image" Target="{place.url}/p.png" TargetMode="External"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{_OPENXML}/wordprocessingml/2006/main" '
        f'xmlns:r="{_DOC}"><w:body><w:p><w:r>{picture}</w:r></w:p></w:body></w:document>',
    })  # fmt: skip


_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def macro(place: Place) -> Path:
    """Write a letter whose macro writes a file when it is opened."""
    entries = "".join(
        f'<m:file-entry m:full-path="{name}" m:media-type="{kind}"/>'
        for name, kind in (
            ("/", "application/vnd.oasis.opendocument.text"), ("content.xml", "text/xml"),
            ("Basic/script-lc.xml", "text/xml"), ("Basic/Standard/script-lb.xml", "text/xml"),
            ("Basic/Standard/M.xml", "text/xml"),
        )
    )  # fmt: skip
    library = 'xmlns:library="http://openoffice.org/2000/library"'
    code = f'Sub Main\nOpen "{place.victim}.new" For Output As #1\nPrint #1, "x"\nClose #1\nEnd Sub'
    return _zip(place.work / "letter.odt", {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "META-INF/manifest.xml":
        f'<m:manifest xmlns:m="{_ODF}:manifest:1.0">{entries}</m:manifest>',
        "content.xml": f'<o:document-content xmlns:o="{_ODF}:office:1.0" xmlns:t="{_ODF}:text:1.0" '
        f'xmlns:s="{_ODF}:script:1.0" xmlns:x="http://www.w3.org/1999/xlink" '
        'xmlns:dom="http://www.w3.org/2001/xml-events" '
        'xmlns:ooo="http://openoffice.org/2004/office" o:version="1.2">'
        '<o:scripts><o:event-listeners><s:event-listener s:language="ooo:script" '
        's:event-name="dom:load" x:href="vnd.sun.star.script:Standard.M.Main?language=Basic&amp;'
        'location=document" x:type="simple"/></o:event-listeners></o:scripts><o:body><o:text>'
        "<t:p>text</t:p></o:text></o:body></o:document-content>",
        "Basic/Standard/M.xml": '<s:module xmlns:s="http://openoffice.org/2000/script" s:name="M" '
        f's:language="StarBasic">{code.replace(chr(34), "&quot;")}</s:module>',
        "Basic/Standard/script-lb.xml": f'<library:library {library} library:name="Standard" '
        'library:readonly="false"><library:element library:name="M"/></library:library>',
        "Basic/script-lc.xml": f"<library:libraries {library}><library:library "
        'library:name="Standard" library:link="false"/></library:libraries>',
    })  # fmt: skip


_NO_SECURITY = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>0</value></prop></item></oor:items>
"""


def open_with_macros(place: Place) -> list[str]:
    """Return the command of someone who has allowed all macros and opens the letter."""
    user = place.work / "profile" / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(_NO_SECURITY, encoding="utf-8")
    return _soffice(place, macro(place))


def html(place: Place) -> Path:
    """Write a page that shows a text and a picture from another folder."""
    text, picture = place.secret.as_uri(), place.picture.as_uri()
    path = place.work / "page.html"
    path.write_text(
        f'<html><body><p>page</p><img src="{picture}" width="74" height="82">'
        f'<iframe src="{text}"></iframe><object data="{text}" type="text/plain"></object>'
        "</body></html>",
        encoding="utf-8",
    )
    return path


def svg(place: Place) -> Path:
    """Write a drawing with a picture from another folder."""
    path = place.work / "drawing.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'width="200" height="200"><rect x="150" y="150" width="20" height="20"/>'
        f'<image xlink:href="{place.picture.as_uri()}" width="100" '
        'height="100"/></svg>',
        encoding="utf-8",
    )
    return path


def svg_entity(place: Place) -> Path:
    """Write a drawing whose text is an external entity."""
    path = place.work / "entity.svg"
    path.write_text(
        f'<!DOCTYPE svg [<!ENTITY e SYSTEM "{place.secret.as_uri()}">]>'
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60">'
        '<text x="5" y="30">&e;</text></svg>',
        encoding="utf-8",
    )
    return path


def xml(place: Place, address: str) -> Path:
    """Write a document with an external entity."""
    path = place.work / "record.xml"
    path.write_text(f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}">]><x>&e;</x>', encoding="utf-8")
    return path


def lxml(path: Path) -> list[str]:
    """Return the command that reads XML as careless code does."""
    code = (
        "import sys; from lxml import etree; "
        "p = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False); "
        "print(''.join(etree.parse(sys.argv[1], p).getroot().itertext()))"
    )
    return [sys.executable, "-c", code, str(path)]


def our_xml(path: Path) -> list[str]:
    """Return the command that reads XML as the pipeline does, and prints all it learns."""
    code = (
        "import sys; from pathlib import Path; from validators.xml import VALIDATOR; "
        "print(VALIDATOR.validate(Path(sys.argv[1])))"
    )
    return [sys.executable, "-c", code, str(path)]


def postscript(place: Place, program: str, *safety: str) -> list[str]:
    """Return Ghostscript's command for a PostScript program."""
    path = place.work / "page.ps"
    path.write_text(f"%!PS\n{program}\nshowpage\n", encoding="utf-8")
    return ["gs", "-q", "-dBATCH", "-dNOPAUSE", *safety, "-sDEVICE=pdfwrite",
            f"-sOutputFile={place.work / 'page.pdf'}", str(path)]  # fmt: skip


def python(code: str, *arguments: str) -> list[str]:
    """Return the command of a tool that a file has taken over."""
    return [sys.executable, "-c", code, *arguments]


def shows_picture(place: Place, _printed: str) -> str:
    """Whether a PDF in `work` holds the picture from outside."""
    sides = re.compile(rb"/Width %d\s*/Height %d\b" % (_WIDTH, _HEIGHT))
    for path in place.work.glob("*.pdf"):
        if sides.search(path.read_bytes()):
            return "picture in the PDF"
    return ""
