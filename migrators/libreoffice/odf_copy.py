# SPDX-License-Identifier: AGPL-3.0-or-later
"""What LibreOffice writes of a document as OpenDocument: fonts, headings, links, objects.

To ask each word over UNO takes longer than the conversion, and to walk through Writer's
automatic styles corrupts LibreOffice 7.4's memory: in most of a dozen runs it crashed
or hung at the file that came next.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from zipfile import ZipFile

from migrators.libreoffice import documents, odf_styles

_FILTERS = {"writer": "writer8", "impress": "impress8", "draw": "draw8"}
_FETCHED = ("image", "section-source", "dde-connection-decl", "dde-source", "object", "plugin")
_INSIDE = ("Pictures/", "./", "#", "Object", "Media/")
_DATES = tuple(f"{{{odf_styles.TEXT}}}{name}" for name in ("date", "time"))
_HEADINGS = 5_000
# Class identifiers of embedded objects: LibreOffice's own, and what Office calls its kinds.
_OWN = {
    "12DCAE26-281F-416F-A234-C3086127382E": "",  # a chart: shown whole, nothing is behind it
    "078B7ABA-54FC-457F-8551-6147E776A997": "",  # a formula
    "47BBB4CB-CE4C-4E80-A591-42D9AE74950F": "spreadsheet",
    "8BC6B165-B1B2-4EDD-AA47-DAE2EE689DD6": "text document",
    "9176E48A-637A-4D1F-803B-99D9BFAC1047": "presentation",
    "4BAB8970-8A3B-45B3-991C-CBEEAC6BD5E3": "drawing",
    "00020820-0000-0000-C000-000000000046": "Excel",
    "00020810-0000-0000-C000-000000000046": "Excel",
    "00020830-0000-0000-C000-000000000046": "Excel",
    "00020906-0000-0000-C000-000000000046": "Word",
    "F4754C9B-64F5-4B40-8AF4-679732AC0607": "Word",
    "64818D10-4F9B-11CF-86EA-00AA00B929E8": "PowerPoint",
    "CF4F55F4-8F87-4D47-80BB-5808164BB3F8": "PowerPoint",
    "0003000C-0000-0000-C000-000000000046": "package",
    "0002CE02-0000-0000-C000-000000000046": "",  # an equation
    "B801CA65-A1FC-11D0-85AD-444553540000": "PDF",
}
_LONGEST = 1_000  # characters of one heading


def read(document: Any, kind: str, folder: Path) -> dict[str, Any]:
    """Return {"fonts", "headings", "hidden_text": formats that hide, "links", ...}.

    `fonts` are those of styles in use and those set by hand; `date_fields`: whether there are
    any; `embedded` counts objects by their kind; `links` are addresses that pictures, sections
    and DDE are fetched from. Of Calc nothing is read: its ranges tell their fonts, and
    large sheets take long to write.
    """
    found: dict[str, Any] = {"fonts": set(), "headings": [], "hidden_text": 0, "links": set()}
    found |= {"embedded": Counter(), "date_fields": False}
    if kind not in _FILTERS:
        return found
    copy = folder / "office-copy.odf"
    documents.store(document, copy, _FILTERS[kind], {})
    with ZipFile(copy) as archive:
        with archive.open("META-INF/manifest.xml") as stream:
            kinds = _kinds(stream)
        styles = odf_styles.Styles(frames=kind != "writer")
        with archive.open("styles.xml") as stream:
            for _, element in ElementTree.iterparse(stream):  # noqa: S314 - LibreOffice wrote it
                styles.look(element)
                found["date_fields"] |= element.tag in _DATES
        with archive.open("content.xml") as stream:
            _content(stream, found, kinds, styles)
        found["fonts"].update(styles.fonts())
    copy.unlink()
    del found["embedded"][""]
    return found


def kind_of_class(identifier: str) -> str:
    """Return what an embedded object is, "" for a chart or a formula: they are shown whole."""
    return _OWN.get(identifier.strip("{}").upper(), "other")


def _kinds(stream: IO[bytes]) -> dict[str, str]:
    """Return the kind of document that each folder of the package is."""
    found = {}
    for _, element in ElementTree.iterparse(stream):  # noqa: S314 - LibreOffice wrote it
        path, media = _value(element, "full-path"), _value(element, "media-type")
        if path.endswith("/"):
            found[path] = media.rpartition("opendocument.")[2]
    return found


def _content(
    stream: IO[bytes], found: dict[str, Any], kinds: dict[str, str], styles: odf_styles.Styles
) -> None:
    families: dict[str, str] = {}
    for _, element in ElementTree.iterparse(stream):  # noqa: S314 - LibreOffice wrote it
        styles.look(element)
        found["date_fields"] |= element.tag in _DATES
        local = element.tag.rpartition("}")[2]
        if local == "font-face":
            families[_value(element, "name")] = odf_styles.first(_value(element, "font-family"))
        elif local == "text-properties":
            name = _value(element, "font-name")
            if name:
                found["fonts"].add(families.get(name, name))
            found["hidden_text"] += _value(element, "display") == "none"
        elif local == "h" and len(found["headings"]) < _HEADINGS:
            title = "".join(element.itertext()).strip()[:_LONGEST]
            if title:
                found["headings"].append(title)
        elif local in ("p", "table"):
            element.clear()
        else:
            _object(element, local, found, kinds)


def _object(
    element: ElementTree.Element, local: str, found: dict[str, Any], kinds: dict[str, str]
) -> None:
    if local == "object-ole":
        found["embedded"][kind_of_class(_value(element, "class-id"))] += 1
    elif local == "object" and _value(element, "href").startswith("./"):
        found["embedded"][_kind_of_folder(_value(element, "href"), kinds)] += 1
    elif local in _FETCHED:
        address = _value(element, "href") or _value(element, "dde-topic")
        if address and not address.startswith(_INSIDE):
            found["links"].add(address)


def _kind_of_folder(address: str, kinds: dict[str, str]) -> str:
    kind = kinds.get(address.removeprefix("./") + "/", "other")
    return "" if kind in ("chart", "formula") else kind


def _value(element: ElementTree.Element, name: str) -> str:
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""
