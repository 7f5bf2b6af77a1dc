# SPDX-License-Identifier: AGPL-3.0-or-later
"""OpenDocument: the package is whole, its manifest holds, all XML is well-formed.

ISO/IEC 26300-1 and -3 (packages), ODF 1.0 to 1.3; OpenOffice.org 1.0, from which it came.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from validators.findings import Findings, empty, packages
from validators.zip_package import opened, read_xml

if TYPE_CHECKING:
    from lxml import etree

NAME = "odf"
_MANIFEST = "META-INF/manifest.xml"
_HREF = "{http://www.w3.org/1999/xlink}href"
_OUTSIDE = re.compile(r"(?:[a-z][a-z0-9+.-]+:|//|/|\.\./)", re.IGNORECASE)
_INSIDE = ("vnd.sun.star.", "sdbc:embedded:", "macro:")
_LIBRARY_INDEX = ("script-lc.xml", "script-lb.xml", "dialog-lc.xml", "dialog-lb.xml")


class OdfValidator:
    """Checks an OpenDocument package, and tells what it carries."""

    name = NAME
    puids = frozenset(
        {
            "fmt/127", "fmt/128", "fmt/129", "fmt/130", "fmt/135", "fmt/136", "fmt/137",
            "fmt/138", "fmt/139", "fmt/140", "fmt/290", "fmt/291", "fmt/292", "fmt/293",
            "fmt/294", "fmt/295", "fmt/296", "fmt/297", "fmt/424", "fmt/444", "fmt/1752",
            "fmt/1753", "fmt/1754", "fmt/1755", "fmt/1756",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return the parser. Raises ToolMissingError."""
        return packages("lxml")

    def validate(self, path: Path) -> ValidationResult:
        """Judge an OpenDocument file."""
        return isolate.call(Pool.LIBRARIES, _judge, path)


def _judge(path: Path) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    with opened(path, found) as archive:
        if archive is not None:
            _Package(archive, found).check()
    return found.result()


class _Package:
    def __init__(self, archive: ZipFile, found: Findings) -> None:
        self._archive = archive
        self._found = found
        self._names = set(archive.namelist())
        self._encrypted: set[str] = set()
        self._listed: set[str] = set()
        self._entry = ""
        self._links: list[str] = []
        self._style = ""
        self._hidden_styles: set[str] = set()
        self._counts = {"hyperlinks": 0, "tracked_changes": 0, "comments": 0, "hidden_sheets": 0}

    def check(self) -> None:
        """Note everything about the package."""
        self._mimetype()
        if _MANIFEST in self._names:
            read_xml(self._archive, _MANIFEST, self._found, self._manifest)
        else:
            self._found.error("odf.missing_part", _MANIFEST)
        self._found.properties["encrypted"] = bool(self._encrypted)
        if self._encrypted:
            self._found.error("package.password", _MANIFEST, Outcome.PASSWORD)
            return
        if "content.xml" not in self._names:
            self._found.error("odf.missing_part", "content.xml")
        archive = self._archive
        for name in sorted(self._listed - self._names):
            if not name.endswith("/"):
                self._found.warn("odf.dangling", name)
        for name in sorted(self._names - {_MANIFEST}):
            # LibreOffice stores its settings of menus as files without content.
            unused = name.startswith("Configurations2/") and not archive.getinfo(name).file_size
            if name.endswith((".xml", ".rdf")) and not unused:
                read_xml(self._archive, name, self._found, self._look)
        self._describe()

    def _mimetype(self) -> None:
        """Note deviations from part 3, section 3.3: readers do without, identifiers do not."""
        first = self._archive.infolist()[0]
        if "mimetype" not in self._names:
            self._found.warn("odf.mimetype", "missing")
            self._found.properties["mimetype"] = ""
            return
        with self._archive.open("mimetype") as stream:
            text = stream.read(200).decode("ascii", "replace").strip()
        self._found.properties["mimetype"] = text
        if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED:
            self._found.warn("odf.mimetype", "not first, or compressed")
        if not text.startswith(("application/vnd.oasis.opendocument.", "application/vnd.sun.xml.")):
            self._found.error("odf.not_a_package", f"mimetype {text}")

    def _manifest(self, element: etree._Element) -> None:
        local = str(element.tag).rpartition("}")[2]
        if local == "file-entry":
            self._entry = next(
                (str(v) for k, v in element.attrib.items() if str(k).endswith("}full-path")), ""
            )
            self._listed.add(self._entry)
        elif local == "encryption-data":
            self._encrypted.add(self._entry)

    def _look(self, element: etree._Element) -> None:
        space, _, local = str(element.tag)[1:].rpartition("}")
        href = element.get(_HREF)
        if href is not None and _OUTSIDE.match(str(href)):
            if local == "a":
                self._counts["hyperlinks"] += 1
            elif not str(href).startswith(_INSIDE):
                self._links.append(str(href))
        if local == "changed-region" or (local in _CELL_CHANGES and "table" in space):
            self._counts["tracked_changes"] += 1
        elif local == "annotation":
            self._counts["comments"] += 1
        elif local in ("style", "table-properties", "table"):
            self._sheet(element, local)

    def _sheet(self, element: etree._Element, local: str) -> None:
        values = {str(key).rpartition("}")[2]: str(v) for key, v in element.attrib.items()}
        if local == "style":
            self._style = values.get("name", "")
        elif local == "table-properties" and values.get("display") == "false":
            self._hidden_styles.add(self._style)
        elif local == "table" and values.get("style-name") in self._hidden_styles:
            self._counts["hidden_sheets"] += 1

    def _describe(self) -> None:
        # The index of an empty library stands in every document LibreOffice writes.
        macros = any(
            name.startswith(("Basic/", "Scripts/")) and not name.endswith(("/", *_LIBRARY_INDEX))
            for name in self._names
        )
        embedded = sum(
            1 for name in self._names if name.startswith("Object ") and name.count("/") <= 1
            and (name.endswith("/content.xml") or "/" not in name)
        )  # fmt: skip
        found = self._found
        found.properties.update(
            macros=macros, external_links=len(self._links), embedded=embedded, **self._counts
        )
        if macros:
            found.warn("package.macros")
        if self._links:
            found.warn("package.external_links", ", ".join(self._links[:5]))
        if embedded:
            found.inform("package.embedded", str(embedded))
        if self._counts["tracked_changes"]:
            found.inform("package.tracked_changes", str(self._counts["tracked_changes"]))
        if self._counts["hidden_sheets"]:
            found.inform("package.hidden_sheets", str(self._counts["hidden_sheets"]))


_CELL_CHANGES = frozenset({"cell-content-change", "insertion", "deletion", "movement"})

VALIDATOR = OdfValidator()
