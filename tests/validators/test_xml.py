# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from pipeline.core import isolate
from pipeline.core.records import Outcome, ValidationResult, Verdict
from validators.xml import VALIDATOR

DC = "http://purl.org/dc/elements/1.1/"
OAI = "http://www.openarchives.org/OAI/2.0/oai_dc/"


def judge(tmp_path: Path, text: str | bytes) -> ValidationResult:
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return VALIDATOR.validate(path)


def code(result: ValidationResult) -> str:
    return result.messages[0].code if result.messages else ""


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"<a>\xc3\xa5</a>", "UTF-8"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe5</a>', "ISO-8859-1"),
        ('<?xml version="1.0" encoding="UTF-16"?><a>å</a>'.encode("utf-16"), "UTF-16"),
        (b"\xef\xbb\xbf<a/>", "UTF-8"),
    ],
)
def test_well_formed(tmp_path: Path, data: bytes, encoding: str) -> None:
    result = judge(tmp_path, data)
    assert (result.verdict, result.messages) == (Verdict.VALID, ())
    assert result.properties["encoding"] == encoding
    assert result.properties["root"] == "a"


@pytest.mark.parametrize(
    "data",
    [b"<a><b></a>", b"<a>\xe5</a>", b"<a>&nothing;</a>", b"text", b"<a/><b/>", b"<a b='1' b='2'/>",
     b"<a>\x01</a>", b"<!-- only -->", b"<w:a/>"],
)  # fmt: skip
def test_malformed(tmp_path: Path, data: bytes) -> None:
    result = judge(tmp_path, data)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.DAMAGED)
    assert code(result) == "xml.malformed"


@pytest.mark.parametrize("keep", [1, 10, 50, 90, 99])
def test_truncated(tmp_path: Path, keep: int) -> None:
    data = "<rot>" + "<post nr='1'>värde</post>" * 2000 + "</rot>"
    assert judge(tmp_path, data).verdict is Verdict.VALID
    cut = data.encode()[: len(data.encode()) * keep // 100]
    assert judge(tmp_path, cut).outcome is Outcome.DAMAGED


def _laughs(levels: int) -> str:
    parts = ['<!ENTITY a0 "ha">']
    parts += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels)]
    return f"<!DOCTYPE a [{''.join(parts)}]><a>&a{levels - 1};</a>"


@pytest.mark.parametrize(
    "data",
    [
        _laughs(10),
        _laughs(10).replace("<a>&a9;</a>", '<a b="&a9;"/>'),
        '<!DOCTYPE a [<!ENTITY a "&b;"><!ENTITY b "&a;">]><a>&a;</a>',
        f'<!DOCTYPE a [<!ENTITY a "{"x" * 50_000}">'
        f'<!ENTITY b "{"&a;" * 5000}">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        '<!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1/x.dtd"> %e;]><a/>',
    ],
    ids=["laughs", "attribute", "circle", "quadratic", "file", "parameter"],
)  # fmt: skip
def test_entities_are_neither_followed_nor_expanded(tmp_path: Path, data: str) -> None:
    result = judge(tmp_path, data)
    assert (result.verdict, code(result)) == (Verdict.INVALID, "xml.entities")
    assert "root:" not in repr(result)


def test_ordinary_entities_are_allowed(tmp_path: Path) -> None:
    # As Illustrator writes SVG.
    data = '<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg">]><svg xmlns="&ns;"/>'
    result = judge(tmp_path, data)
    assert result.verdict is Verdict.VALID
    assert result.properties["namespace"] == "http://www.w3.org/2000/svg"


def test_depth_and_huge_text_are_undecided_not_damaged(tmp_path: Path) -> None:
    for data in ("<a>" * 400 + "</a>" * 400, f"<a>{'x' * 11_000_000}</a>"):
        result = judge(tmp_path, data)
        assert (result.verdict, result.outcome) == (Verdict.UNDECIDED, Outcome.TOO_LARGE)


def test_a_large_document_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    row = b"<post><namn>Svensson</namn><belopp>12</belopp></post>\n" * 10_000
    with path.open("wb") as stream:
        stream.write(b"<rot>")
        for _ in range(60):
            stream.write(row)
        stream.write(b"</rot>")
    isolate.close_all()
    judge(tmp_path / "..", b"<a/>")
    server = psutil.Process(isolate.server(isolate.Pool.LIBRARIES).pid)

    def memory() -> int:
        return max(child.memory_info().rss for child in [server, *server.children(recursive=True)])

    before = memory()
    assert VALIDATOR.validate(path).verdict is Verdict.VALID
    assert memory() - before < 40 << 20 < path.stat().st_size * 2


def _record(element: str) -> str:
    return f'<o:dc xmlns:o="{OAI}" xmlns:dc="{DC}"><dc:{element}>Protokoll</dc:{element}></o:dc>'


def test_a_known_schema_is_applied(tmp_path: Path) -> None:
    result = judge(tmp_path, _record("title"))
    assert (result.verdict, result.properties["schema"]) == (Verdict.VALID, "oai_dc.xsd")
    result = judge(tmp_path, _record("titel"))
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.INVALID)
    assert code(result) == "xml.schema"
    assert result.properties["well_formed"] is True


def test_a_sites_own_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "arende.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:malmo">'
        '<xs:element name="nr" type="xs:int"/></xs:schema>'
    )
    (folder / "trasig.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:trasig">'
        '<xs:element name="nr" type="nothing"/></xs:schema>'
    )
    assert judge(tmp_path, '<nr xmlns="urn:malmo">x</nr>').verdict is Verdict.VALID
    monkeypatch.setenv("SKANEARKIV_SCHEMAS", str(folder))
    assert judge(tmp_path, '<nr xmlns="urn:malmo">12</nr>').properties["schema"] == "arende.xsd"
    assert code(judge(tmp_path, '<nr xmlns="urn:malmo">x</nr>')) == "xml.schema"
    result = judge(tmp_path, '<nr xmlns="urn:trasig">1</nr>')
    assert (result.verdict, code(result)) == (Verdict.UNDECIDED, "xml.schema_unusable")


def test_the_documents_own_schema_location_is_not_followed(tmp_path: Path) -> None:
    data = (
        '<a xmlns="urn:x" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        'i:schemaLocation="urn:x http://127.0.0.1:1/x.xsd"/>'
    )
    result = judge(tmp_path, data)
    assert (result.verdict, result.properties["schema"]) == (Verdict.VALID, "")


def test_empty(tmp_path: Path) -> None:
    assert judge(tmp_path, b"").outcome is Outcome.EMPTY
