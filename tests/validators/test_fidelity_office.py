# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from pipeline.core.errors import DamagedError
from pipeline.core.records import Check
from validators.fidelity import office_source
from validators.fidelity.office import JUDGE
from validators.fidelity.office_words import order, recall

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
O = " ".join(  # noqa: E741 - the office namespaces, beside W, A and S
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("text", "text"), ("table", "table"))
)


def package(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def docx(path: Path, body: str, **more: str | bytes) -> Path:
    document = f"<w:document {W} {R}><w:body>{body}</w:body></w:document>"
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": document,
    }
    return package(path, {**parts, **{k.replace("__", "/"): v for k, v in more.items()}})


def odt(path: Path, body: str) -> Path:
    content = (
        f"<office:document-content {O}><office:body><office:text>{body}</office:text>"
        "</office:body></office:document-content>"
    )
    return package(
        path, {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}
    )


def pdf(path: Path, *pages: str, image: bytes | None = None) -> Path:
    with pymupdf.open() as document:
        for text in pages:
            page = document.new_page()
            page.insert_textbox(pymupdf.Rect(50, 50, 550, 800), text)
            if image is not None:
                page.insert_image(pymupdf.Rect(100, 600, 200, 700), stream=image)
        document.save(path)
    return path


def facts(folder: Path, **known: object) -> dict[str, str]:
    (folder / "office-facts.json").write_text(json.dumps(known))
    return {"workdir": str(folder)}


def judged(source: Path, target: Path, known: dict[str, str] | None = None) -> dict[str, Check]:
    checks = JUDGE.compare(source, target, "", {"text": 0.95}, known or {})
    return {check.property: check for check in checks}


def paragraphs(*texts: str) -> str:
    return "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in texts)


def test_all_words_arrived(tmp_path: Path) -> None:
    source = docx(tmp_path / "a.docx", paragraphs("Kommunstyrelsen beslutar", "att avslå ärendet"))
    target = pdf(tmp_path / "a.pdf", "Kommunstyrelsen beslutar\natt avslå ärendet")
    checks = judged(source, target, facts(tmp_path, pages=1, kind="writer", text=""))
    assert set(checks) == {
        "document.pages", "document.text", "document.tags", "document.blank",
    }  # fmt: skip
    assert [name for name, check in checks.items() if not check.passed] == ["document.tags"]


def test_lost_words_are_named(tmp_path: Path) -> None:
    source = docx(tmp_path / "a.docx", paragraphs("Bidraget beviljas inte", "överklagas"))
    check = judged(source, pdf(tmp_path / "a.pdf", "Bidraget beviljas"))["document.text"]
    assert not check.passed
    assert check.score == 0.5
    assert "inte" in check.note
    assert "överklagas" in check.note


def test_blank_pdf_fails_even_without_words(tmp_path: Path) -> None:
    checks = judged(docx(tmp_path / "a.docx", ""), pdf(tmp_path / "a.pdf", ""))
    assert not checks["document.blank"].passed


def test_pages_are_compared_with_the_layout(tmp_path: Path) -> None:
    source = docx(tmp_path / "a.docx", paragraphs("ett"))
    known = facts(tmp_path, pages=3, kind="writer", text="")
    check = judged(source, pdf(tmp_path / "a.pdf", "ett", "två"), known)["document.pages"]
    assert (check.before, check.after, check.passed) == ("3", "2", False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kommunfullmäktige", "kommunfull-\nmäktige"),
        ("kommunfullmäktige", "kommunfull\nmäktige"),
        ("filen flygfält", "ﬁlen ﬂygfält"),
        ("sam\u00admanträde", "SAMMANTRÄDE"),
        ("e\u0301tude", "étude"),
    ],
)
def test_layout_loses_no_word(before: str, after: str) -> None:
    total, kept, missing = recall(before, after)
    assert (total, missing) == (kept, [])


def test_deleted_hidden_and_alternative_words_are_not_asked_for(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>syns</w:t></w:r>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>dold</w:t></w:r>"
        "<w:del><w:r><w:delText>struken</w:delText></w:r></w:del>"
        '<mc:AlternateContent xmlns:mc="urn:mc"><mc:Fallback><w:r><w:t>ersatt</w:t></w:r>'
        "</mc:Fallback></mc:AlternateContent></w:p>"
    )
    found = office_source.read(docx(tmp_path / "a.docx", body))
    assert found is not None
    assert found.text.split() == ["syns"]


def test_open_document_text_in_order(tmp_path: Path) -> None:
    body = (
        "<text:p>Ett <text:span>två</text:span> tre<office:annotation><text:p>bort</text:p>"
        "</office:annotation> fyra</text:p><text:tracked-changes><text:p>bort</text:p>"
        "</text:tracked-changes>"
        '<table:table><table:table-row table:visibility="collapse"><table:table-cell>'
        "<text:p>bort</text:p></table:table-cell></table:table-row></table:table>"
    )
    found = office_source.read(odt(tmp_path / "a.odt", body))
    assert found is not None
    assert found.text.split() == ["Ett", "två", "tre", "fyra"]


def test_sheet_strings_without_hidden_rows_and_columns(tmp_path: Path) -> None:
    sheet = (
        f'<worksheet {S}><cols><col min="2" max="2" hidden="1"/></cols><sheetData>'
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
        '<c r="C1" t="inlineStr"><is><t>direkt</t></is></c><c r="D1"><v>42</v></c></row>'
        '<row r="2" hidden="1"><c r="A2" t="s"><v>1</v></c></row></sheetData></worksheet>'
    )
    strings = f"<sst {S}><si><t>synlig</t></si><si><t>dold</t></si></sst>"
    source = package(
        tmp_path / "a.xlsx",
        {
            "[Content_Types].xml": "",
            "xl/workbook.xml": f'<workbook {S} {R}><sheets><sheet name="Ett" r:id="r1"/></sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" '
            'Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/sharedStrings.xml": strings,
            "xl/worksheets/sheet1.xml": sheet,
        },
    )
    found = office_source.read(source)
    assert found is not None
    assert found.text.split() == ["synlig", "direkt"]


def test_slides_without_fields(tmp_path: Path) -> None:
    slide = f"<p {A}><a:p><a:r><a:t>Bokslut</a:t></a:r><a:fld><a:t>7</a:t></a:fld></a:p></p>"
    source = package(
        tmp_path / "a.pptx", {"[Content_Types].xml": "", "ppt/slides/slide1.xml": slide}
    )
    found = office_source.read(source)
    assert found is not None
    assert found.text.split() == ["Bokslut"]


def test_cells_shown_as_hashes_fail(tmp_path: Path) -> None:
    source = tmp_path / "a.xls"
    source.write_bytes(b"old")
    known = facts(
        tmp_path, pages=1, kind="calc", text='Summa,"1234,50",Anslag,Utfall,' + "rad," * 90
    )
    check = judged(source, pdf(tmp_path / "a.pdf", "Summa ### Anslag Utfall" + " rad" * 90), known)
    assert not check["document.cells"].passed
    assert "1 numbers are shown as ###" in check["document.cells"].note


def test_rounded_decimals_are_kept(tmp_path: Path) -> None:
    source = tmp_path / "a.xls"
    source.write_bytes(b"old")
    known = facts(tmp_path, pages=1, kind="calc", text='"0,346006231671526"\n"2,5"\n')
    good = judged(source, pdf(tmp_path / "a.pdf", "0,34601 2,5"), known)
    bad = judged(source, pdf(tmp_path / "b.pdf", "0,34602 2,5"), known)
    assert (good["document.cells"].passed, bad["document.cells"].passed) == (True, False)


def test_old_formats_rest_on_libreoffice_and_say_so(tmp_path: Path) -> None:
    source = tmp_path / "a.doc"
    source.write_bytes(b"\xd0\xcf\x11\xe0")
    known = facts(tmp_path, pages=1, kind="writer", text="Diarieförd skrivelse")
    check = judged(source, pdf(tmp_path / "a.pdf", "Diarieförd skrivelse"), known)["document.text"]
    assert check.passed
    assert "LibreOffice" in check.note


def test_a_lost_picture_fails(tmp_path: Path) -> None:
    import io

    stream = io.BytesIO()
    Image.effect_noise((60, 60), 50).save(stream, "PNG")
    relations = '<Relationships><Relationship Id="rId5" Target="media/image1.png"/></Relationships>'
    source = docx(
        tmp_path / "a.docx",
        paragraphs("Bild") + f'<a:blip {A} r:embed="rId5"/>',
        **{
            "word__media__image1.png": stream.getvalue(),
            "word___rels__document.xml.rels": relations,
        },
    )
    lost = judged(source, pdf(tmp_path / "a.pdf", "Bild"))["document.images"]
    kept = judged(source, pdf(tmp_path / "b.pdf", "Bild", image=stream.getvalue()))
    assert (lost.before, lost.after, lost.passed) == ("1", "0", False)
    assert kept["document.images"].passed


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("lösenordet")
    source = package(
        tmp_path / "a.docx",
        {
            "[Content_Types].xml": "",
            "word/document.xml": f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
            f"<w:document {W}><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:document>",
        },
    )
    found = office_source.read(source)
    assert found is not None
    assert "lösenordet" not in found.text


def test_broken_xml_is_damaged(tmp_path: Path) -> None:
    source = package(
        tmp_path / "a.docx",
        {"[Content_Types].xml": "", "word/document.xml": f"<w:document {W}><w:p>"},
    )
    with pytest.raises(DamagedError) as caught:
        judged(source, pdf(tmp_path / "a.pdf", "text"))
    assert caught.value.code == "office.source"


def test_words_in_another_order_fail(tmp_path: Path) -> None:
    words = [f"ord{number}" for number in range(40)]
    assert order(" ".join(words), " ".join(words)) == (40, 40)
    assert order(" ".join(words), " ".join(reversed(words))) == (40, 1)
    source = docx(tmp_path / "a.docx", paragraphs(*words))
    check = judged(source, pdf(tmp_path / "a.pdf", " ".join(reversed(words))))["document.order"]
    assert (check.passed, check.before, check.after) == (False, "40", "1")
    # A footnote that stands at the end of the file and in the middle of the page.
    moved = " ".join([*words[:10], *words[36:], *words[10:36]])
    assert judged(source, pdf(tmp_path / "b.pdf", moved))["document.order"].passed


def test_cells_of_tables_are_looked_for(tmp_path: Path) -> None:
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    row = "<w:tr>" + cell.format("Belopp i kronor") + cell.format("4711") + "</w:tr>"
    source = docx(tmp_path / "a.docx", f"<w:tbl>{row}</w:tbl>")
    good = judged(source, pdf(tmp_path / "a.pdf", "Belopp i\nkronor\n4711"))["document.tables"]
    torn = judged(source, pdf(tmp_path / "b.pdf", "Belopp 4711\ni kronor"))["document.tables"]
    assert (good.before, good.after, good.passed) == ("2", "2", True)
    assert (torn.after, torn.passed) == ("1", False)
    assert "beloppikronor" in torn.note


def test_headings_are_bookmarks(tmp_path: Path) -> None:
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Rubrik1"/></w:pPr><w:r><w:t>Bakgrund</w:t></w:r></w:p>'
        '<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Beslut</w:t></w:r></w:p>'
    )
    styles = f'<w:styles {W}><w:style w:styleId="Rubrik1"><w:name w:val="heading 1"/></w:style>'
    source = docx(tmp_path / "a.docx", body, word__styles_xml="")
    source = package(
        source,
        {
            "[Content_Types].xml": "<Types/>",
            "word/styles.xml": styles + "</w:styles>",
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        },
    )
    target = pdf(tmp_path / "a.pdf", "Bakgrund Beslut")
    assert not judged(source, target)["document.outline"].passed
    with pymupdf.open(target) as document:
        document.set_toc([[1, "Bakgrund", 1], [2, "Beslut", 1]])
        document.saveIncr()
    check = judged(source, target)["document.outline"]
    assert (check.before, check.after, check.passed) == ("2", "2", True)


def test_language_and_tags(tmp_path: Path) -> None:
    styles = (
        f'<w:styles {W}><w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="sv-SE"/></w:rPr>'
        "</w:rPrDefault></w:docDefaults></w:styles>"
    )
    source = package(
        tmp_path / "a.docx",
        {
            "[Content_Types].xml": "<Types/>",
            "word/styles.xml": styles,
            "word/document.xml": f"<w:document {W}>{paragraphs('ord')}</w:document>",
        },
    )
    known = facts(tmp_path, pages=1, kind="writer", text="ord")
    checks = judged(source, pdf(tmp_path / "a.pdf", "ord"), known)
    assert (checks["document.language"].before, checks["document.language"].passed) == (
        "sv-SE",
        False,
    )
    assert not checks["document.tags"].passed


def test_an_unread_format_says_whose_account_it_was(tmp_path: Path) -> None:
    source = tmp_path / "a.doc"
    source.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    known = facts(tmp_path, pages=1, kind="writer", text="ord")
    check = judged(source, pdf(tmp_path / "a.pdf", "ord"), known)["document.text"]
    assert check.passed
    assert "our reader failed" in check.note
