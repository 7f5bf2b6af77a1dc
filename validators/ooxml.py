# SPDX-License-Identifier: AGPL-3.0-or-later
"""Office Open XML: the package is whole, its main part is there, all XML is well-formed.

ISO/IEC 29500-1 and -2 (Open Packaging Conventions), transitional and strict.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zipfile import ZipFile

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from validators.findings import Findings, empty, packages
from validators.zip_package import opened, read_xml

if TYPE_CHECKING:
    from lxml import etree

NAME = "ooxml"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_XML = (".xml", ".rels", ".vml")


class OoxmlValidator:
    """Checks a package of Word, Excel or PowerPoint, and tells what it carries."""

    name = NAME
    puids = frozenset(
        {
            "fmt/189", "fmt/214", "fmt/215", "fmt/412", "fmt/445", "fmt/487", "fmt/494",
            "fmt/523", "fmt/595", "fmt/597", "fmt/598", "fmt/599", "fmt/627", "fmt/628",
            "fmt/629", "fmt/630", "fmt/631", "fmt/632", "fmt/633", "fmt/636", "fmt/1827",
            "fmt/1828", "fmt/1829",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return the parsers. Raises ToolMissingError."""
        return packages("lxml", "olefile")

    def validate(self, path: Path) -> ValidationResult:
        """Judge an Office Open XML document."""
        return isolate.call(Pool.LIBRARIES, _judge, path)


def _judge(path: Path) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    with path.open("rb") as stream:
        compound = stream.read(8) == _OLE
    if compound:
        _encrypted(path, found)
        return found.result()
    with opened(path, found) as archive:
        if archive is not None:
            _Package(archive, found).check()
    return found.result()


def _encrypted(path: Path, found: Findings) -> None:
    """[MS-OFFCRYPTO] 2.3: an encrypted package is a stream of a compound file."""
    import olefile

    try:
        with olefile.OleFileIO(path) as compound:
            locked = compound.exists("EncryptedPackage")
            if locked:
                # The stream begins with the length of what is encrypted in it.
                data = compound.openstream("EncryptedPackage").read()
                whole = len(data) >= 8 + int.from_bytes(data[:8], "little")
    except (OSError, IndexError, ValueError, TypeError) as error:
        found.error("ole.damaged", str(error))
        return
    if not locked:
        found.error("ooxml.not_a_package", "a compound file without an encrypted package")
    elif not whole:
        found.error("ole.stream", "EncryptedPackage is cut off")
    else:
        found.properties["encrypted"] = True
        found.error("package.password", "EncryptedPackage", Outcome.PASSWORD)


class _Package:
    def __init__(self, archive: ZipFile, found: Findings) -> None:
        self._archive = archive
        self._found = found
        # Part names compare without regard to case; a few writers use backslashes.
        self._names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
        self._main = ""
        self._links: list[str] = []
        self._hyperlinks = 0
        self._counts = {"tracked_changes": 0, "hidden_sheets": 0}

    def check(self) -> None:
        """Note everything about the package."""
        for required in ("[content_types].xml", "_rels/.rels"):
            if required not in self._names:
                self._found.error("ooxml.missing_part", required)
        for key, name in self._names.items():
            if key.endswith(".rels"):
                self._relations(key, name)
            elif key.endswith(_XML):
                read_xml(self._archive, name, self._found, self._look)
        if not self._main:
            self._found.error("ooxml.missing_part", "no main part is named")
        elif self._main not in self._names:
            self._found.error("ooxml.missing_part", self._main)
        self._describe()

    def _relations(self, key: str, name: str) -> None:
        folder = posixpath.dirname(posixpath.dirname(key))

        def relation(element: etree._Element) -> None:
            if not str(element.tag).endswith("}Relationship"):
                return
            kind = str(element.get("Type", ""))
            target = str(element.get("Target", ""))
            if element.get("TargetMode") == "External":
                if kind.endswith("/hyperlink"):
                    self._hyperlinks += 1
                else:
                    self._links.append(target)
                return
            target = unquote(target.partition("#")[0]).replace("\\", "/").lower()
            part = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            if key == "_rels/.rels" and kind.endswith("/officeDocument"):
                self._main = part
            elif target and part not in self._names:
                self._found.warn("ooxml.dangling", f"{name}: {target}")

        read_xml(self._archive, name, self._found, relation)

    def _look(self, element: etree._Element) -> None:
        local = str(element.tag).rpartition("}")[2]
        if local in ("ins", "del", "moveFrom", "moveTo") and "wordprocessingml" in str(element.tag):
            self._counts["tracked_changes"] += 1
        elif local == "sheet" and element.get("state") in ("hidden", "veryHidden"):
            self._counts["hidden_sheets"] += 1

    def _describe(self) -> None:
        names = list(self._names)
        macros = any(name.endswith("vbaproject.bin") for name in names)
        embedded = sum(1 for name in names if "/embeddings/" in name and not name.endswith("/"))
        comments = sum(1 for name in names if "/comments" in name and name.endswith(".xml"))
        found = self._found
        found.properties.update(
            main=self._main, macros=macros, external_links=len(self._links),
            hyperlinks=self._hyperlinks, embedded=embedded, comments=comments > 0,
            encrypted=False, **self._counts,
        )  # fmt: skip
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


VALIDATOR = OoxmlValidator()
