# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that mean harm, and a validator that breaks as native code breaks."""

from __future__ import annotations

import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path

# A site's validator for JSON: what it does is in the file's first word.
PLUGIN = """
import ctypes, os, subprocess, sys, time
from pathlib import Path
from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, ValidationResult, Verdict


def act(path: Path) -> str:
    word = path.read_text(errors="replace")[:60]
    if "segfault" in word:
        ctypes.string_at(0)
    if "hang" in word:
        stubborn = "import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", stubborn, "stubborn-child"], start_new_session=True)
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if "memory" in word:
        bytearray(64 * 1024**3)
    return word


class Hostile:
    name = "hostile"
    puids = frozenset({"fmt/817"})

    def agents(self):
        return (Agent("hostile", "1"),)

    def validate(self, path):
        isolate.call(Pool.LIBRARIES, act, path)
        return ValidationResult(self.name, Verdict.VALID)


VALIDATOR = Hostile()
"""


def plugins(folder: Path) -> Path:
    """Write the validator; return what SKANEARKIV_PLUGINS must name."""
    (folder / "validators").mkdir(parents=True)
    (folder / "validators" / "hostile.py").write_text(PLUGIN, encoding="utf-8")
    return folder


def hostile_files(folder: Path) -> dict[str, str]:
    """Write hostile files; return name -> the outcome that is right for it."""
    expected: dict[str, str] = {}

    def add(name: str, content: bytes, outcome: str) -> None:
        (folder / name).write_bytes(content)
        expected[name] = outcome

    add("segfault.json", b'{"do": "segfault"}', "crash")
    add("hang.json", b'{"do": "hang"}', "timeout")
    add("memory.json", b'{"do": "memory"}', "out_of_memory")
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [{entities}]><x>&e11;</x>'
    add("bomb.xml", bomb.encode(), "invalid")
    steal = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    add("steal.xml", steal.encode(), "invalid")
    add("huge.png", png_header(50_000, 50_000), "too_large")
    add("empty.pdf", b"", "empty")
    add("random.docx", os.urandom(20_000), "damaged")
    add("cut.pdf", b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n" + b"x" * 500, "damaged")
    with (folder / "sparse.bin").open("wb") as stream:
        stream.truncate(4 * 1024**3)
    # Siegfried is asked about its ends, and names it by its extension: no rule for that.
    expected["sparse.bin"] = "unsupported"
    inflating_docx(folder / "inflates.docx")
    expected["inflates.docx"] = "too_large"
    os.mkfifo(folder / "pipe")
    expected["pipe"] = "not_a_file"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "s"))
    expected["s"] = "not_a_file"
    (folder / "out.txt").symlink_to("/etc/passwd")
    expected["out.txt"] = "link"
    (folder / "nowhere").symlink_to("gone")
    expected["nowhere"] = "link"
    (folder / "round").symlink_to(".")
    expected["round"] = "link"
    return expected


def png_header(width: int, height: int) -> bytes:
    """Return a PNG whose header promises width x height pixels of 16-bit RGBA."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def inflating_docx(path: Path) -> None:
    """Write a Word document whose main part inflates to 2 GiB."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Override PartName="/word/document.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/'
        '2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
        "</Relationships>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relations)
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            part.write(
                b'<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/'
                b'wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
            )
            for _ in range(2048):
                part.write(b" " * 1024**2)
