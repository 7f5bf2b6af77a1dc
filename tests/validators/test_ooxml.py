# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest

from pipeline.core.records import Outcome, Severity, ValidationResult, Verdict
from validators import zip_package
from validators.ooxml import VALIDATOR

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def relations(*items: tuple[str, str, bool]) -> str:
    external = ("", ' TargetMode="External"')
    body = "".join(
        f'<Relationship Id="r{n}" Type="{kind}" Target="{target}"{external[outside]}/>'
        for n, (kind, target, outside) in enumerate(items)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{body}</Relationships>'


def parts() -> dict[str, str | bytes]:
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": relations((f"{OFFICE}/officeDocument", "word/document.xml", False)),
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body/></w:document>',
        "word/media/image1.bin": os.urandom(4000),
    }


def package(content: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def judge(tmp_path: Path, data: bytes) -> ValidationResult:
    path = tmp_path / "a.docx"
    path.write_bytes(data)
    return VALIDATOR.validate(path)


def codes(result: ValidationResult, severity: Severity = Severity.ERROR) -> set[str]:
    return {message.code for message in result.messages if message.severity is severity}


def test_a_whole_package(tmp_path: Path) -> None:
    result = judge(tmp_path, package(parts()))
    assert (result.verdict, result.messages) == (Verdict.VALID, ())
    assert result.properties["main"] == "word/document.xml"
    assert result.properties["macros"] is False


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99, -20, -1])
def test_truncated(tmp_path: Path, keep: float) -> None:
    data = package(parts())
    cut = data[: int(len(data) * keep)] if keep > 0 else data[: int(keep)]
    result = judge(tmp_path, cut)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.DAMAGED)


def test_a_document_embedded_in_a_truncated_one_is_not_taken_for_it(tmp_path: Path) -> None:
    inner = package(parts())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts().items():
            archive.writestr(name, data)
        archive.writestr("word/embeddings/a.docx", inner)
        archive.writestr("word/last.bin", b"x" * 1000)
    data = buffer.getvalue()
    assert judge(tmp_path, data).verdict is Verdict.VALID
    cut = data[: data.rfind(b"PK\5\6", 0, data.find(b"word/last.bin")) + 22]
    with zipfile.ZipFile(io.BytesIO(cut)) as archive:
        assert "word/document.xml" in archive.namelist()  # zipfile is taken in
    assert judge(tmp_path, cut).outcome is Outcome.DAMAGED


def test_one_altered_byte(tmp_path: Path) -> None:
    data = bytearray(package(parts()))
    data[data.find(b"word/media/image1.bin") + 500] ^= 1
    result = judge(tmp_path, bytes(data))
    assert (result.outcome, codes(result)) == (Outcome.DAMAGED, {"zip.member"})


@pytest.mark.parametrize("name", ["[Content_Types].xml", "_rels/.rels", "word/document.xml"])
def test_a_required_part_is_missing(tmp_path: Path, name: str) -> None:
    content = parts()
    del content[name]
    result = judge(tmp_path, package(content))
    assert (result.verdict, codes(result)) == (Verdict.INVALID, {"ooxml.missing_part"})


def test_parts_must_be_well_formed_and_harmless(tmp_path: Path) -> None:
    result = judge(tmp_path, package({**parts(), "word/styles.xml": "<w:styles>"}))
    assert codes(result) == {"xml.malformed"}
    entity = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'
    result = judge(tmp_path, package({**parts(), "word/styles.xml": entity}))
    assert codes(result) == {"xml.entities"}
    result = judge(tmp_path, package({**parts(), "word/drawing1.vml": "<a><br></a>"}))
    assert result.verdict is Verdict.VALID


def test_what_it_carries_is_told(tmp_path: Path) -> None:
    content = parts()
    content["word/document.xml"] = (
        f'<w:document xmlns:w="{WORD}"><w:ins w:id="1"/><w:del w:id="2"/></w:document>'
    )
    content["word/_rels/document.xml.rels"] = relations(
        (f"{OFFICE}/hyperlink", "https://example.org", True),
        (f"{OFFICE}/attachedTemplate", "file:///C:/mall.dot", True),
        (f"{OFFICE}/image", "media/missing.png", False),
    )
    content["word/vbaProject.bin"] = b"x"
    content["word/embeddings/blad.xlsx"] = b"x"
    content["word/comments.xml"] = "<c/>"
    content["xl/workbook.xml"] = '<workbook><sheet name="a" state="veryHidden"/></workbook>'
    result = judge(tmp_path, package(content))
    assert result.verdict is Verdict.VALID
    facts = result.properties
    assert (facts["macros"], facts["external_links"], facts["hyperlinks"]) == (True, 1, 1)
    assert (facts["embedded"], facts["tracked_changes"], facts["comments"]) == (1, 2, True)
    assert facts["hidden_sheets"] == 1
    assert codes(result, Severity.WARNING) == {
        "package.macros", "package.external_links", "ooxml.dangling",
    }  # fmt: skip


def test_bombs_are_not_inflated(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w") as stream,
    ):
        for _ in range(100):
            stream.write(bytes(1 << 20))
    result = judge(tmp_path, buffer.getvalue())
    assert (result.verdict, result.outcome) == (Verdict.UNDECIDED, Outcome.TOO_LARGE)
    # And one whose directory lies about the size.
    data = bytearray(buffer.getvalue())
    place = data.rfind(b"PK\1\2")
    struct.pack_into("<I", data, place + 24, 1000)
    result = judge(tmp_path, bytes(data))
    assert result.verdict is Verdict.INVALID
    assert result.seconds < 1


@pytest.mark.parametrize(("size", "much"), [(513, True), (10, False)])
def test_limits(size: int, much: bool) -> None:
    member = zipfile.ZipInfo("a")
    member.file_size = size * zip_package.MIB
    member.compress_size = member.file_size
    assert bool(zip_package._too_large([member])) is much
    assert zip_package._too_large([member] * 400) != ""


def test_encrypted(tmp_path: Path) -> None:
    data = bytearray(package(parts()))
    place = 0
    while (place := data.find(b"PK\1\2", place + 1)) > 0:
        data[place + 8] |= 1
    result = judge(tmp_path, bytes(data))
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.PASSWORD)


def test_empty_and_not_a_package(tmp_path: Path) -> None:
    assert judge(tmp_path, b"").outcome is Outcome.EMPTY
    assert judge(tmp_path, b"not a zip" * 100).outcome is Outcome.DAMAGED
    assert judge(tmp_path, package({})).outcome is Outcome.DAMAGED
