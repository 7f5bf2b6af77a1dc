# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is inside a container decides, as far as it can be read within bounds."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.core.records import Basis
from tests.format_registry.fido.conftest import Ask

ZIP = "x-fmt/263"
# PRONOM's signature for OpenDocument texts looks at the bytes of the first part, mimetype.
ODT_BY_BYTES = "fmt/290"
TEXT = "application/vnd.oasis.opendocument.text"
MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
 <manifest:file-entry manifest:media-type="{TEXT}" manifest:full-path="/"/>
</manifest:manifest>"""
CONTENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 office:version={}><office:body/></office:document-content>"""


def odt(version: str, quote: str = '"') -> dict[str, str]:
    content = CONTENT.format(quote + version + quote)
    return {"mimetype": TEXT, "content.xml": content, "META-INF/manifest.xml": MANIFEST}


def zipped(path: Path, files: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in files.items():
            # The ODF package standard wants the first part, mimetype, unpacked.
            archive.writestr(name, text, zipfile.ZIP_STORED if name == "mimetype" else None)
    return path


def puids(ask: Ask, path: Path) -> tuple[list[str], Basis]:
    answer = ask(path)
    return [one.puid for one in answer.matches], answer.basis


@pytest.mark.parametrize(
    ("version", "puid"),
    [("1.0", "fmt/136"), ("1.1", "fmt/290"), ("1.2", "fmt/291"), ("1.3", "fmt/1756")],
)
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_opendocument_texts_by_version(
    ask: Ask, tmp_path: Path, version: str, puid: str, quote: str, method: int
) -> None:
    path = zipped(tmp_path / "a.odt", odt(version, quote), method)
    assert puids(ask, path) == ([puid], Basis.CONTAINER)
    # The name has no part in it.
    assert puids(ask, path.rename(tmp_path / "a.bin")) == ([puid], Basis.CONTAINER)


def test_all_parts_that_a_signature_names_must_be_there(ask: Ask, tmp_path: Path) -> None:
    for missing in ("content.xml", "META-INF/manifest.xml"):
        files = {name: text for name, text in odt("1.3").items() if name != missing}
        found, _ = puids(ask, zipped(tmp_path / "a.bin", files))
        assert found == [ODT_BY_BYTES]


def test_a_part_that_cannot_be_unpacked_does_not_match(ask: Ask, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.bin", odt("1.3"), zipfile.ZIP_BZIP2)
    assert puids(ask, path) == ([ODT_BY_BYTES], Basis.SIGNATURE)


def test_an_encrypted_part_does_not_match(ask: Ask, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.bin", odt("1.3"), zipfile.ZIP_STORED)
    data = path.read_bytes().replace(CONTENT[:60].encode(), bytes(60))
    # The flag in both headers; what stands there is then cipher text.
    data = data.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
    data = data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        assert all(one.flag_bits & 1 for one in archive.infolist())
    assert puids(ask, path) == ([ODT_BY_BYTES], Basis.SIGNATURE)


def test_a_folder_as_a_part(ask: Ask, tmp_path: Path) -> None:
    # SIARD 2.1 tells its version by the name of an empty folder.
    path = zipped(tmp_path / "a.siard", {"header/siardversion/2.1/": "", "content/": ""})
    assert puids(ask, path) == (["fmt/1196"], Basis.CONTAINER)
    path = zipped(tmp_path / "b.bin", {"header/siardversion/2.1": ""})
    assert puids(ask, path) == ([ZIP], Basis.SIGNATURE)


def test_a_program_that_unpacks_itself_is_a_program(ask: Ask, tmp_path: Path) -> None:
    inner = zipped(tmp_path / "a.odt", odt("1.2")).read_bytes()
    (tmp_path / "b.exe").write_bytes(
        b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0" + inner
    )
    assert "fmt/291" not in puids(ask, tmp_path / "b.exe")[0]
    # Bytes of another ZIP in front: the last directory is the one that counts.
    other = zipped(tmp_path / "c.zip", {"x": "y"}).read_bytes()
    (tmp_path / "d.odt").write_bytes(other + inner)
    assert puids(ask, tmp_path / "d.odt") == (["fmt/291"], Basis.CONTAINER)


def test_a_cut_zip_is_not_taken_for_what_it_was(ask: Ask, corpus: Path, tmp_path: Path) -> None:
    whole = (corpus / "poi/EnforcedWith.docx").read_bytes()
    path = tmp_path / "a.docx"
    path.write_bytes(whole)
    assert puids(ask, path) == (["fmt/412"], Basis.CONTAINER)
    for length in range(30, len(whole), 97):
        path.write_bytes(whole[:length])
        # PRONOM's signatures for ZIP and OOXML ask for the end too: the name is what is left.
        assert ask(path).basis is Basis.EXTENSION


def test_a_zip_without_its_directory_is_what_its_bytes_say(
    ask: Ask, corpus: Path, tmp_path: Path
) -> None:
    data = (corpus / "poi/EnforcedWith.docx").read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    emptied = data[: start + 4] + bytes(end - start - 4) + data[end:]
    elsewhere = data[: end + 16] + b"\xff\xff\xff\x7f" + data[end + 20 :]
    path = tmp_path / "a.docx"
    for one in (emptied, elsewhere):
        path.write_bytes(one)
        assert puids(ask, path) == (["fmt/189"], Basis.SIGNATURE)


def test_zips_within_zips_are_not_gone_into(ask: Ask, tmp_path: Path) -> None:
    path = zipped(tmp_path / "0.odt", odt("1.2"))
    for depth in range(1, 60):
        inner, path = path, tmp_path / f"{depth}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inner, "content.xml")
    assert puids(ask, path) == ([ZIP], Basis.SIGNATURE)


def test_many_entries_do_not_hide_what_is_inside(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "many.odt"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number:06}"), b"")
        for name, text in odt("1.2").items():
            archive.writestr(name, text)
    assert puids(ask, path) == (["fmt/291"], Basis.CONTAINER)


PEAK = """
import os, resource, sys
from pathlib import Path
from format_registry import signatures
from format_registry.fido import container_file, droid_file
from format_registry.fido.engine import Engine
from format_registry.fido.model import SignatureSet

version, formats, found = droid_file.parse(Path(sys.argv[1]))
inner = container_file.parse(Path(sys.argv[2]))
engine = Engine(SignatureSet("v118", version, (), formats, found, inner))
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
for path in sys.argv[3:]:
    with open(path, "rb") as stream:
        print(*(one.puid for one in engine.open(stream, "a.bin").matches))
assert peak() < 300 and peak() - before < 100, (before, peak())
"""


def test_a_part_of_a_gibibyte_costs_next_to_nothing(
    droid_files: tuple[Path, Path], corpus: Path, tmp_path: Path
) -> None:
    last = tmp_path / "last.docx"
    last.write_bytes((corpus / "poi/EnforcedWith.docx").read_bytes())
    with zipfile.ZipFile(last, "a") as archive:
        _deflated(archive, "word/media/zeros.bin", _zeros(1 << 30))
    # The part that is asked for is itself the bomb.
    content = CONTENT.format('"1.2"').encode()
    first = tmp_path / "first.odt"
    with zipfile.ZipFile(first, "w") as archive:
        archive.writestr("mimetype", TEXT)
        _deflated(archive, "content.xml", [content, *_zeros(1 << 30)])
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    assert max(last.stat().st_size, first.stat().st_size) < 8 << 20
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, droid_files), str(last), str(first)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["fmt/412", "fmt/291"], done.stderr


_ZEROS = bytes(1 << 20)


def _zeros(count: int) -> Iterable[bytes]:
    return (_ZEROS for _ in range(count // len(_ZEROS)))


class _Deflater:
    """What zlib makes of a MiB of zeros is made once: blocks that depend on none before."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._known: dict[int, bytes] = {}

    def compress(self, piece: bytes) -> bytes:
        if id(piece) not in self._known:
            made = self._zlib.compress(piece) + self._zlib.flush(zlib.Z_FULL_FLUSH)
            self._known[id(piece)] = made
        return self._known[id(piece)]

    def flush(self) -> bytes:
        return self._zlib.flush()


def _deflated(archive: zipfile.ZipFile, name: str, pieces: Iterable[bytes]) -> None:
    with archive.open(zipfile.ZipInfo(name), "w") as stream:
        stream._compressor = _Deflater()  # type: ignore[attr-defined]
        stream._zinfo.compress_type = zipfile.ZIP_DEFLATED  # type: ignore[attr-defined]
        for piece in pieces:
            stream.write(piece)


def test_the_bombs_are_what_they_are_said_to_be() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        _deflated(archive, "a", [b"text", *_zeros(4 << 20)])
    assert len(target.getvalue()) < 64 << 10
    with zipfile.ZipFile(target) as archive:
        assert archive.read("a") == b"text" + bytes(4 << 20)
