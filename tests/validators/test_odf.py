# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from pipeline.core.records import Outcome, Severity, ValidationResult, Verdict
from validators.odf import VALIDATOR

OASIS = "urn:oasis:names:tc:opendocument:xmlns"
NAMES = (
    f'xmlns:office="{OASIS}:office:1.0" xmlns:text="{OASIS}:text:1.0" '
    f'xmlns:table="{OASIS}:table:1.0" xmlns:style="{OASIS}:style:1.0" '
    f'xmlns:draw="{OASIS}:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
MIME = "application/vnd.oasis.opendocument.text"


def manifest(*names: str, extra: str = "") -> str:
    entries = "".join(
        f'<m:file-entry m:full-path="{name}" m:media-type="">{extra}</m:file-entry>'
        for name in names
    )
    return f'<m:manifest xmlns:m="{OASIS}:manifest:1.0">{entries}</m:manifest>'


def parts(body: str = "") -> dict[str, str]:
    return {
        "mimetype": MIME,
        "content.xml": f"<office:document-content {NAMES}>{body}</office:document-content>",
        "Configurations2/accelerator/current.xml": "",
        "META-INF/manifest.xml": manifest("/", "content.xml"),
    }


def package(content: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            stored = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, stored)
    return buffer.getvalue()


def judge(tmp_path: Path, data: bytes) -> ValidationResult:
    path = tmp_path / "a.odt"
    path.write_bytes(data)
    return VALIDATOR.validate(path)


def codes(result: ValidationResult, severity: Severity = Severity.ERROR) -> set[str]:
    return {message.code for message in result.messages if message.severity is severity}


def test_a_whole_package(tmp_path: Path) -> None:
    result = judge(tmp_path, package(parts()))
    assert (result.verdict, result.messages) == (Verdict.VALID, ())
    assert result.properties["mimetype"] == MIME


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99, -20, -1])
def test_truncated(tmp_path: Path, keep: float) -> None:
    data = package(parts("<text:p>Protokoll</text:p>" * 500))
    cut = data[: int(len(data) * keep)] if keep > 0 else data[: int(keep)]
    assert judge(tmp_path, cut).outcome is Outcome.DAMAGED


@pytest.mark.parametrize("name", ["content.xml", "META-INF/manifest.xml"])
def test_a_required_part_is_missing(tmp_path: Path, name: str) -> None:
    content = parts()
    del content[name]
    result = judge(tmp_path, package(content))
    assert (result.verdict, codes(result)) == (Verdict.INVALID, {"odf.missing_part"})


def test_malformed_content(tmp_path: Path) -> None:
    result = judge(tmp_path, package({**parts(), "content.xml": "<a><b></a>"}))
    assert (result.outcome, codes(result)) == (Outcome.DAMAGED, {"xml.malformed"})


def test_encrypted(tmp_path: Path) -> None:
    content = parts()
    content["content.xml"] = "not xml: encrypted"
    content["META-INF/manifest.xml"] = manifest("content.xml", extra="<m:encryption-data/>")
    result = judge(tmp_path, package(content))
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.PASSWORD)
    assert result.properties["encrypted"] is True


def test_mimetype_oddities_are_warnings_another_format_is_not(tmp_path: Path) -> None:
    content = parts()
    del content["mimetype"]
    late = package({**content, "mimetype": MIME})
    for data in (package(content), late):
        result = judge(tmp_path, data)
        assert result.verdict is Verdict.VALID
        assert codes(result, Severity.WARNING) == {"odf.mimetype"}
    result = judge(tmp_path, package({**parts(), "mimetype": "application/epub+zip"}))
    assert codes(result) == {"odf.not_a_package"}


def test_what_it_carries_is_told(tmp_path: Path) -> None:
    body = (
        '<style:style style:name="ta1"><style:table-properties table:display="false"/>'
        "</style:style><text:tracked-changes><text:changed-region/></text:tracked-changes>"
        '<text:p><text:a xlink:href="https://example.org"/><office:annotation/></text:p>'
        '<draw:image xlink:href="file:///C:/logga.png"/><draw:image xlink:href="Pictures/a.png"/>'
        '<table:table table:style-name="ta1"/><table:table table:style-name="ta2"/>'
    )
    content = parts(body)
    content["Object 1/content.xml"] = "<a/>"
    content["Basic/Standard/Module1.xml"] = "<a/>"
    content["META-INF/manifest.xml"] = manifest("/", "content.xml", "Thumbnails/gone.png")
    result = judge(tmp_path, package(content))
    assert result.verdict is Verdict.VALID
    expected = {
        "macros": True, "external_links": 1, "hyperlinks": 1, "embedded": 1, "comments": 1,
        "tracked_changes": 1, "hidden_sheets": 1, "encrypted": False,
    }  # fmt: skip
    assert {key: result.properties[key] for key in expected} == expected
    assert codes(result, Severity.WARNING) == {
        "package.macros", "package.external_links", "odf.dangling",
    }  # fmt: skip


def test_an_empty_library_is_no_macro(tmp_path: Path) -> None:
    content = {**parts(), "Basic/script-lc.xml": "<a/>", "Basic/Standard/script-lb.xml": "<a/>"}
    assert judge(tmp_path, package(content)).properties["macros"] is False


def test_empty(tmp_path: Path) -> None:
    assert judge(tmp_path, b"").outcome is Outcome.EMPTY
