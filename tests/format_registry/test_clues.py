# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clues for unidentified files, by the real libmagic."""

from __future__ import annotations

import ctypes
import ctypes.util
import gzip
import os
import random
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format_registry import clues as subject
from format_registry.clues import agent, candidates, clues, entropy, libmagic
from format_registry.fido.model import Format
from pipeline.core.codec import dumps
from pipeline.core.errors import ToolMissingError
from pipeline.core.records import Candidate, Clues

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\nIDATx\x9cc\0\1\0\0\5\0\1\r\n-\xb4\0\0\0\0IEND\xaeB`\x82"
)
FORMATS = {
    one.puid: one
    for one in (
        Format("fmt/1", "Wave", "", "audio/x-wav, audio/wav", ("wav",)),
        Format("fmt/11", "Portable Network Graphics", "1.0", "image/png", ("png",)),
        Format("fmt/12", "Portable Network Graphics", "1.1", "IMAGE/PNG", ("png", "PNG")),
        Format("fmt/935", "Animated Portable Network Graphics", "", "image/png", ("apng",)),
        Format("x-fmt/111", "Plain Text File", "", "text/plain", ("txt", "log")),
        Format("x-fmt/999", "Binary", "", "application/octet-stream", ("bin",)),
        Format("fmt/0", "Nameless"),
    )
}


def of(data: bytes, name: str = "a", extension: str | None = None) -> Clues:
    """Ask of a file with such content, as whoever reads its ends does."""
    window = 64 * 1024
    tail = data[-window:] if len(data) > window else b""
    return clues(Path("/nowhere") / name, data[:window], tail, (), extension)


def test_a_picture() -> None:
    found = of(PNG, "bild.PNG")
    assert (found.mime, found.group) == ("image/png", "image/png .png")
    assert found.description.startswith("PNG image data, 1 x 1")
    assert found.first == PNG[:16]


def test_nothing_is_lost_on_the_way_out_of_the_child() -> None:
    nearest = candidates((), "image/png", ".png", FORMATS)
    found = clues(Path("å.png"), PNG, b"", nearest)
    assert found.nearest == nearest
    dumps(found)


def test_an_empty_file() -> None:
    found = of(b"")
    assert (found.entropy, found.first, found.group) == (0.0, b"", "empty")


def test_the_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "pipe.dat"
    os.mkfifo(path)
    assert clues(path, PNG, b"", ()).mime == "image/png"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (b"f\xf6rslag.d\xe5t", ".d_t"),
        ("förslag.DÅT".encode(), ".dåt"),
        (b"a.DAT", ".dat"),
        (b"a.0001", ".#"),
        (b"a.1", ".#"),
        (b"a.r01", ".r#"),
        (b"a.mp3", ".mp3"),
        (b"nr. 5 om v\xc3\xa4gen", ""),
        (b"a.averyveryverylongone", ""),
        (b"a.b\nc", ""),
        (b"a", ""),
    ],
)
def test_names(name: bytes, key: str) -> None:
    group = of(b"TEST\1\0\0\0", os.fsdecode(name)).group
    assert group.isprintable()
    group.encode()
    assert group == f"54455354 {key}".strip()


def test_an_extension_that_is_told_stands_for_the_name() -> None:
    assert of(PNG, "source", ".PNG").group == of(PNG, "source", "png").group == "image/png .png"
    assert of(PNG, "a.png", "").group == "image/png"


@pytest.mark.parametrize("size", [64, 100, 300, 1000, 5000, 200_000])
def test_a_thousand_encrypted_files_are_one_group(size: int) -> None:
    chance = random.Random(7 * size)
    groups = Counter(
        of(chance.randbytes(size), f"{number}.enc").group
        for number in range(1000 if size < 100_000 else 30)
    )
    assert groups.keys() == {"random .enc"}


def test_formats_with_a_constant_beginning_are_groups_of_their_own() -> None:
    chance = random.Random(1)

    def body() -> bytes:
        return chance.randbytes(chance.randint(500, 9000))

    made = {
        "openssl": [b"Salted__" + body() for _ in range(50)],
        "own": [b"ARKIV1\0\0" + body() for _ in range(50)],
        "records": [
            b"\xb0\x0c\x01\x02" + bytes(chance.choices(range(9), k=800)) for _ in range(50)
        ],
        "gzip": [gzip.compress(body(), mtime=number) for number in range(50)],
        "picture": [PNG[:40] + body() for _ in range(50)],
        "encrypted": [body() for _ in range(50)],
    }
    groups = {kind: {of(data).group for data in files} for kind, files in made.items()}
    assert {kind: len(keys) for kind, keys in groups.items()} == dict.fromkeys(made, 1)
    assert len(set.union(*groups.values())) == len(made)
    assert groups["records"] == {"b00c0102"}
    assert groups["gzip"] == {"application/gzip"}
    assert groups["encrypted"] == {"random"}


def test_texts() -> None:
    swedish = "Sammanträde i Ängelholm på måndag\n"
    assert of(swedish.encode(), "a.log").group == "text/plain utf-8 .log"
    # The same system writes files with å and files without.
    assert of(b"plain\n", "b.log").group == "text/plain utf-8 .log"
    assert of(swedish.encode("cp850"), "a.log").group == "text/plain cp850 .log"
    windows = {
        of(text.encode("cp1252"), "a.log").group for text in (swedish, swedish + "kostar 5 €\n")
    }
    assert windows == {"text/plain cp1252 .log"}


def test_entropy() -> None:
    assert entropy(b"") == entropy(b"aaaa") == 0.0
    assert entropy(bytes(range(256)) * 4) == 8.0
    assert entropy(b"ab" * 50) == 1.0
    assert 7.99 < of(random.Random(2).randbytes(200_000)).entropy <= 8.0
    # Both ends count.
    assert of(bytes(100_000) + bytes([255]) * 100_000).entropy == 1.0


@given(st.binary(max_size=2000))
def test_any_bytes_get_clues(data: bytes) -> None:
    found = of(data)
    assert 0.0 <= found.entropy <= 8.0
    assert found.group
    assert found.description.isprintable()
    assert len(found.description) <= 200
    dumps(found)


def test_what_a_file_says_of_itself_can_be_printed() -> None:
    # The name of what was compressed stands in the description.
    hostile = b"\x1b[31m\n\xff\xe5" + b"a" * 500
    data = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + hostile + b"\0" + zlib.compress(b"x")
    found = of(data)
    assert found.mime == "application/gzip"
    assert found.description.isprintable()
    assert len(found.description) <= 200
    found.description.encode()


def test_the_agent_is_libmagic() -> None:
    assert agent().name == "libmagic"
    major, minor = agent().version.split(".")
    assert (int(major), len(minor)) >= (5, 2)


def test_an_error_of_libmagic_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import magic

    class Broken:
        def from_buffer(self, data: bytes) -> str:
            raise magic.MagicException(b"regex error 14\n\xff")

    monkeypatch.setattr(subject, "_readers", lambda: (Broken(), Broken()))
    libmagic.cache_clear()
    found = of(PNG)
    libmagic.cache_clear()
    assert (found.mime, found.group) == ("", "89504e47")
    assert found.description == "libmagic: regex error 14 \ufffd"


def test_a_mime_type_that_is_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        def from_buffer(self, data: bytes) -> str:
            return "application/octet-streamapplication/octet-stream"

    monkeypatch.setattr(subject, "_readers", lambda: (Odd(), Odd()))
    libmagic.cache_clear()
    found = of(PNG)
    libmagic.cache_clear()
    assert found.mime == ""


def test_without_the_wheel_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "magic", None)
    with pytest.raises(ToolMissingError, match="pip install python-magic"):
        agent()


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> None:
        raise OSError

    for name in [name for name in sys.modules if name.split(".")[0] == "magic"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(ctypes, "CDLL", nothing)
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    with pytest.raises(ToolMissingError, match="apt-get install libmagic1"):
        agent()


def test_without_the_database_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAGIC", str(tmp_path / "none"))
    subject._readers.cache_clear()
    libmagic.cache_clear()
    with pytest.raises(ToolMissingError, match="libmagic-mgc"):
        libmagic(b"not asked before")
    monkeypatch.undo()
    assert libmagic(PNG)[0] == "image/png"


def test_candidates_in_the_order_of_their_reasons() -> None:
    found = candidates(("fmt/1", "fmt/4711"), "image/png", ".apng", FORMATS)
    assert found == (
        Candidate("fmt/1", "Wave", "signature"),
        Candidate("fmt/4711", "", "signature"),
        Candidate("fmt/935", "Animated Portable Network Graphics", "mime"),
        Candidate("fmt/11", "Portable Network Graphics 1.0", "mime"),
        Candidate("fmt/12", "Portable Network Graphics 1.1", "mime"),
    )


def test_no_candidate_twice_and_none_too_many() -> None:
    found = candidates(("fmt/12", "fmt/12"), "image/png", "PNG", FORMATS)
    assert [(one.puid, one.why) for one in found] == [
        ("fmt/12", "signature"),
        ("fmt/11", "mime"),
        ("fmt/935", "mime"),
    ]
    assert len(candidates((), "image/png", "", FORMATS, limit=2)) == 2
    assert candidates((), "image/png", "", FORMATS, limit=0) == ()


@pytest.mark.parametrize(
    "mime", ["", "application/octet-stream", "text/plain", "inode/x-empty", "image/unheard-of"]
)
def test_a_mime_type_that_says_nothing_names_nothing(mime: str) -> None:
    assert candidates((), mime, "", FORMATS) == ()
    assert [one.puid for one in candidates((), mime, "log", FORMATS)] == ["x-fmt/111"]


def test_an_x_in_a_mime_type_makes_no_difference() -> None:
    for mime in ("audio/wav", "audio/x-wav", "Audio/X-WAV"):
        assert [one.puid for one in candidates((), mime, "", FORMATS)] == ["fmt/1"]


def test_another_set_of_formats_is_another_index() -> None:
    other = {"fmt/7": Format("fmt/7", "Other", "", "image/png", ("png",))}
    for _ in range(2):
        assert len(candidates((), "image/png", "", FORMATS)) == 3
        assert [one.puid for one in candidates((), "image/png", "", other)] == ["fmt/7"]


def test_unidentified_real_files(corpus: Path, manifest: list[dict[str, str]]) -> None:
    unknown = [row for row in manifest if row["siegfried_puid_v125"] == "UNKNOWN"]
    assert len(unknown) >= 20
    for row in unknown:
        path = corpus / row["path"]
        found = of(path.read_bytes(), path.name)
        assert found.description
        assert found.group.endswith(path.suffix.lower())
