# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sets of signatures: installed, refused, chosen, and kept compiled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from format_registry import signatures
from format_registry.fido import compiled
from format_registry.fido.droid_file import SignatureFileError
from format_registry.fido.engine import Engine
from format_registry.fido.windows import Windows
from pipeline.core.errors import ConfigError

SMALL = """<?xml version="1.0" encoding="UTF-8"?>
<FFSignatureFile Version="7" xmlns="http://www.nationalarchives.gov.uk/pronom/SignatureFile">
 <InternalSignatureCollection>
  <InternalSignature ID="1"><ByteSequence Reference="BOFoffset">
   <SubSequence Position="1" SubSeqMinOffset="0" SubSeqMaxOffset="0">
    <Sequence>534D414C4C</Sequence>
    <RightFragment MaxOffset="2" MinOffset="0" Position="1">31</RightFragment>
   </SubSequence></ByteSequence></InternalSignature>
 </InternalSignatureCollection>
 <FileFormatCollection>
  <FileFormat ID="10" PUID="fmt/9001" Name="Small" Version="1" MIMEType="a/b">
   <InternalSignatureID>1</InternalSignatureID>
   <Extension>SML</Extension>
   <HasPriorityOverFileFormatID>11</HasPriorityOverFileFormatID>
  </FileFormat>
  <FileFormat ID="11" PUID="fmt/9002" Name="Other"/>
 </FileFormatCollection>
</FFSignatureFile>
"""
INNER = """<?xml version="1.0" encoding="UTF-8"?>
<ContainerSignatureMapping>
 <ContainerSignatures>
  <ContainerSignature Id="1" ContainerType="ZIP"><Description>Small ZIP</Description>
   <Files><File><Path>small.txt</Path></File></Files>
  </ContainerSignature>
 </ContainerSignatures>
 <FileFormatMappings><FileFormatMapping signatureId="1" Puid="fmt/9002"/></FileFormatMappings>
</ContainerSignatureMapping>
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests: opf-fido's set is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep the sets of a test in its own folder."""
    monkeypatch.setenv("SKANEARKIV_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv(signatures.VARIABLE, raising=False)
    signatures._engine.cache_clear()
    yield tmp_path / "home"
    signatures._engine.cache_clear()


def pair(folder: Path, small: str = SMALL, inner: str = INNER) -> list[Path]:
    folder.mkdir(exist_ok=True)
    (folder / "small.xml").write_text(small, encoding="utf-8")
    (folder / "inner.xml").write_text(inner, encoding="utf-8")
    return [folder / "small.xml", folder / "inner.xml"]


def cached(name: str) -> Path:
    """Return the file in which a set is kept compiled."""
    return signatures._cached(name, signatures.load(name).sources)


def test_a_downloaded_pair_is_installed_listed_and_used(
    droid_files: tuple[Path, Path], home: Path
) -> None:
    shipped = signatures.shipped_name()
    assert [one.name for one in signatures.installed()] == [*signatures.shipped()]
    found = signatures.install(droid_files[::-1])
    assert (found.name, found.version, found.active) == ("droid-v118", 118, False)
    assert (found.formats, found.signatures, found.containers) == (2458, 2160, 299)
    assert [one.active for one in signatures.installed()] == [True, False, False]
    assert signatures.active_name() == shipped
    signatures.use("droid-v118")
    assert [(one.name, one.active) for one in signatures.installed()] == [
        *((name, False) for name in signatures.shipped()), ("droid-v118", True),
    ]  # fmt: skip
    assert signatures.active().version == 118
    # Digests are those of the files as given; copies are what was given, byte for byte.
    assert [name for name, _ in found.sources] == [path.name for path in droid_files]
    for path, (_, digest) in zip(droid_files, found.sources, strict=True):
        assert signatures._sha256(path) == digest
        assert (home / "signatures/droid-v118" / path.name).read_bytes() == path.read_bytes()
    with pytest.raises(ConfigError, match="droid-v118 already"):
        signatures.install(droid_files)
    signatures.use(shipped)
    assert signatures.active_name() == shipped


def test_what_is_read_from_the_cache_equals_what_was_parsed(
    droid_files: tuple[Path, Path], tmp_path: Path
) -> None:
    parsed = signatures._parse("new", droid_files, (("a.xml", "0" * 64), ("b.xml", "1" * 64)))
    compiled.write(tmp_path / "compiled.json", parsed)
    again = Engine(*compiled.read(tmp_path / "compiled.json"))
    assert again.set == parsed
    window = Windows.of(b"%PDF-1.4\n%%EOF\n")
    assert [one.puid for one in again.signatures(window)] == ["fmt/18"]
    assert again.signatures(window) == again.exhaustive(window)


def test_each_expression_of_the_cache_is_asked_as_it_would_be_without() -> None:
    cached(signatures.shipped_name()).unlink()
    signatures._engine.cache_clear()
    shipped = signatures.engine()
    signatures._engine.cache_clear()
    again = signatures.engine()
    assert again is not shipped
    assert again.set == shipped.set
    for data in (b"RIFF....WAVEfmt \x10\0\0\0", b"GIF89a;", b"", b"\0" * 5000):
        assert again._prefilter.candidates(Windows.of(data)) == shipped._prefilter.candidates(
            Windows.of(data)
        )


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "list", "types", "form", "null"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str) -> None:
    signatures.install(pair(tmp_path / "given"))
    path = cached("droid-v7")
    whole = path.read_text()
    path.write_text(
        {
            "cut": whole[: len(whole) // 2], "empty": "", "other": "\x00\xff", "list": "[]",
            "types": whole.replace('"SMALL"', "5"), "null": "null",
            "form": whole.replace(f'"form":{compiled.FORM}', '"form":-1'),
        }[damage]
    )  # fmt: skip
    assert path.read_text() != whole
    signatures._engine.cache_clear()
    engine = signatures.engine("droid-v7")
    assert [one.puid for one in engine.signatures(Windows.of(b"SMALL..1"))] == ["fmt/9001"]
    assert path.read_text() == whole


def test_a_cache_that_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = signatures.install(pair(tmp_path / "given"))
    assert (found.formats, found.signatures, found.containers) == (2, 1, 1)


def test_the_variable_wins_over_what_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        signatures.install(pair(tmp_path / "given"), name)
    signatures.use("one")
    assert signatures.active().name == "one"
    monkeypatch.setenv(signatures.VARIABLE, "two")
    assert signatures.active().name == "two"
    assert [one.name for one in signatures.installed() if one.active] == ["two"]
    signatures.use("one")
    assert signatures.active().name == "two"
    monkeypatch.setenv(signatures.VARIABLE, "three")
    with pytest.raises(ConfigError, match=r"no signature set three; there are .*one, two"):
        signatures.active()
    monkeypatch.setenv(signatures.VARIABLE, "")
    assert signatures.active().name == "one"


WRONG = [
    (SMALL[:700], INNER, "small.xml: line 14: "),
    (SMALL, INNER[:300], "inner.xml: line "),
    (SMALL.replace("534D", "53XD"), INNER, "small.xml: line 6: no byte"),
    (SMALL.replace(">31<", ">3<"), INNER, "small.xml: line 7: no byte"),
    (SMALL.replace("534D", "[53"), INNER, "small.xml: line 6: no closing ]"),
    (SMALL.replace(">11<", ">12<"), INNER, "small.xml: line 14: priority over a format 12"),
    (SMALL.replace(">1</Int", ">2</Int"), INNER, "small.xml: line 12: there is no Internal"),
    (SMALL.replace('Version="7"', 'Version="new"'), INNER, "small.xml: line 2: Version is 'new'"),
    (SMALL.replace('SubSeqMinOffset="0"', 'SubSeqMinOffset="-1"'), INNER, "small.xml: line 5: "),
    (SMALL.replace('ID="11"', 'ID="10"'), INNER, "small.xml: line 2: no FileFormat, or two"),
    (SMALL.replace("BOFoffset", "Middle"), INNER, "small.xml: line 4: "),
    (SMALL, INNER.replace('"ZIP"', '"RAR"'), "inner.xml: line 4: a container of type RAR"),
    (SMALL, INNER.replace('signatureId="1"', 'signatureId="2"'), "inner.xml: line 4: no FileForm"),
    (SMALL, INNER.replace("small.txt", ""), "inner.xml: line 5: a File without Path"),
    ("this is no XML", INNER, "small.xml: line 1: "),
    ("<html><body>404</body></html>", INNER, "small.xml: line 1: <FFSignatureFile> expected"),
]


@pytest.mark.parametrize(("small", "inner", "message"), WRONG)
def test_a_wrong_file_is_refused_with_its_line(
    tmp_path: Path, small: str, inner: str, message: str
) -> None:
    signatures.install(pair(tmp_path / "right"), "right")
    signatures.use("right")
    with pytest.raises(SignatureFileError) as caught:
        signatures.install(pair(tmp_path / "wrong", small, inner), "wrong")
    assert message in str(caught.value)
    assert signatures.names() == [*signatures.shipped(), "right"]
    assert signatures.active().name == "right"
    assert not list((tmp_path / "home/signatures").glob(".*"))


def test_lines_far_down_are_named_too(droid_files: tuple[Path, Path], tmp_path: Path) -> None:
    lines = droid_files[0].read_text(encoding="utf-8").splitlines(keepends=True)
    number = max(at for at, line in enumerate(lines, 1) if "HasPriorityOver" in line)
    assert number > 65_535  # as far as some parsers count
    lines[number - 1] = "<HasPriorityOverFileFormatID>0</HasPriorityOverFileFormatID>\n"
    path = tmp_path / "wrong.xml"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(SignatureFileError, match=f"wrong.xml: line {number}: priority over"):
        signatures.install([path, droid_files[1]])


def test_two_files_of_a_kind_or_one_alone_are_refused(tmp_path: Path) -> None:
    small, inner = pair(tmp_path / "given")
    other = tmp_path / "other.xml"
    other.write_text(SMALL)
    for paths, message in (
        ([small, other], "other.xml: a second file of the same kind"),
        ([inner, inner], "inner.xml: a second file of the same kind"),
        ([small], "<ContainerSignatureMapping> is missing"),
        ([inner], "<FFSignatureFile> is missing"),
        ([], "is missing"),
        ([small, tmp_path / "none.xml"], "none.xml does not exist"),
        ([small, tmp_path], "is no file"),
    ):
        with pytest.raises(ConfigError, match=message):
            signatures.install(paths)
    assert signatures.names() == [*signatures.shipped()]


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a b", "é", "x" * 65, "active\n"])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a name"):
        signatures.install(pair(tmp_path / "given"), name)
    with pytest.raises(ConfigError, match="no signature set"):
        signatures.use(name)


def test_the_shipped_set_cannot_be_replaced(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="already"):
        signatures.install(pair(tmp_path / "given"), signatures.shipped_name())


def test_files_may_be_named_in_any_way_but_not_alike(tmp_path: Path) -> None:
    small, inner = pair(tmp_path / "given")
    odd = [small.rename(tmp_path / "signatures.v7"), inner.rename(tmp_path / "INNER.XML")]
    signatures.install(odd, "odd")
    signatures._engine.cache_clear()
    assert signatures.load("odd").version == 7
    first, second = tmp_path / "1", tmp_path / "2"
    for folder, text in ((first, SMALL), (second, INNER)):
        folder.mkdir()
        (folder / "file.xml").write_text(text)
    with pytest.raises(ConfigError, match=r"file\.xml"):
        signatures.install([first / "file.xml", second / "file.xml"], "alike")
    assert signatures.names() == [*signatures.shipped(), "odd"]


def test_a_set_that_is_gone_is_named_not_replaced(home: Path, tmp_path: Path) -> None:
    signatures.install(pair(tmp_path / "given"), "gone")
    signatures.use("gone")
    (home / "signatures/gone").rename(tmp_path / "elsewhere")
    signatures._engine.cache_clear()
    with pytest.raises(ConfigError, match="no signature set gone"):
        signatures.active()
