# SPDX-License-Identifier: AGPL-3.0-or-later
"""XML: well-formed, and valid where the schema of its namespace is known.

XML 1.0 (fifth edition); XML Schema 1.0. The file's own schemaLocation is not followed:
what an archive accepts is for the archive to say, and nothing is fetched.
"""

from __future__ import annotations

import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core import isolate
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from validators import xml_safe
from validators.findings import Findings, empty, packages
from validators.xml_safe import Reading

if TYPE_CHECKING:
    from lxml import etree

NAME = "xml"
_OWN = Path(__file__).with_name("schemas")
# What the document asks of the reader is one thing, damage another.
_OUTCOMES = {"xml.malformed": Outcome.DAMAGED, "xml.entities": Outcome.INVALID}


class XmlValidator:
    """Reads a document to its end without expanding or fetching anything."""

    name = NAME
    puids = frozenset(
        {
            "fmt/101", "fmt/102", "fmt/103", "fmt/875", "fmt/91", "fmt/92", "fmt/413", "fmt/244",
            "fmt/570", "fmt/663", "fmt/896", "fmt/979", "fmt/1047", "fmt/1474", "fmt/1475",
            "fmt/1476", "fmt/1477", "fmt/1501", "x-fmt/227", "x-fmt/280",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return the parser. Raises ToolMissingError."""
        return packages("lxml")

    def validate(self, path: Path) -> ValidationResult:
        """Judge an XML document."""
        site = os.environ.get("SKANEARKIV_SCHEMAS", "")
        return isolate.call(Pool.LIBRARIES, _judge, path, site)


def _judge(path: Path, site: str) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    with path.open("rb") as stream:
        reading = xml_safe.read(stream)
    found.properties.update(
        well_formed=not reading.problem,
        encoding=reading.encoding,
        root=reading.root,
        namespace=reading.namespace,
        doctype=reading.doctype,
        schema="",
    )
    if reading.dtd:
        found.inform("xml.external_dtd", reading.dtd)
    if reading.problem == "xml.too_large":
        found.undecided(reading.problem, reading.detail, Outcome.TOO_LARGE)
    elif reading.problem:
        found.error(reading.problem, reading.detail, _OUTCOMES[reading.problem])
    else:
        _against_schema(path, reading, found, site)
    return found.result()


def _against_schema(path: Path, reading: Reading, found: Findings, site: str) -> None:
    known = _schemas(site)
    if reading.namespace not in known:
        return
    from lxml import etree

    file = known[reading.namespace]
    found.properties["schema"] = file.name
    try:
        schema = _load(file)
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError, OSError) as error:
        found.undecided("xml.schema_unusable", f"{file.name}: {error}", Outcome.TOOL_FAILURE)
        return
    with path.open("rb") as stream:
        second = xml_safe.read(stream, schema=schema)
    for text in second.schema_errors:
        found.error("xml.schema", text, Outcome.INVALID)
    if second.problem:
        found.error("xml.malformed", second.detail)


@lru_cache(maxsize=16)
def _load(file: Path) -> etree.XMLSchema:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.XMLSchema(etree.parse(os.fspath(file), parser))


@lru_cache(maxsize=4)
def _schemas(site: str) -> dict[str, Path]:
    """Return namespace -> schema file; a site's own come before ours."""
    with (_OWN / "schemas.toml").open("rb") as stream:
        known = {space: _OWN / entry["file"] for space, entry in tomllib.load(stream).items()}
    theirs: dict[str, Path] = {}
    for file in sorted(Path(site).glob("*.xsd")) if site else ():
        theirs.setdefault(_target(file), file)
    theirs.pop("", None)
    return {**known, **theirs}


def _target(file: Path) -> str:
    """Return a schema's targetNamespace, "" when there is none to be read."""
    spaces: list[str] = []
    with file.open("rb") as stream:
        xml_safe.read(
            stream,
            lambda element: spaces.append(str(element.get("targetNamespace") or "")),
        )
    return spaces[0] if spaces else ""


VALIDATOR = XmlValidator()
