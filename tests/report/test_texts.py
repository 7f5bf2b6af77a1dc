# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nobody meets a bare code: each has a text and a remedy, in Swedish and in English."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from pyhanko.sign.diff_analysis import ModificationLevel

import migrators
import validators
from migrators.office_to_pdfa import _TOLD
from pipeline.core.errors import FILE_ERRORS
from pipeline.core.records import Outcome
from pipeline.core.signed import (
    SignatureCoverage,
    SignatureStatus,
    SignatureTime,
    SignatureTrust,
)
from pipeline.report.texts import LANGUAGES, codes, labels, text

ROOT = Path(validators.__file__).resolve().parents[1]
PACKAGES = ("pipeline", "validators", "migrators", "format_registry")
CODE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
# What a code may begin with; a literal such as "premis.xml" is none.
FAMILIES = {
    "pdf", "pdfa", "ocr", "image", "tiff", "jpeg2000", "xml", "text", "zip", "ooxml", "odf", "ole",
    "package", "office", "file", "scan", "identify", "policy", "validation", "internal",
    "signature",
}  # fmt: skip
FILES = {"bin", "csv", "pdf", "toml", "xml"}  # extensions: the names of files are no codes
JUDGED = {"document", "image", "target", "office"}


def literals(path: Path) -> set[str]:
    """Return the strings of a module that have the shape of a code, docstrings apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
        and node.value.rpartition(".")[2] not in FILES
    }


def modules(*below: str) -> list[Path]:
    return [path for one in below for path in sorted((ROOT / one).rglob("*.py"))]


def properties() -> set[str]:
    """Return what fidelity judges and `steps.verify` call their checks."""
    judged = [*modules("validators/fidelity"), ROOT / "pipeline/steps/verify.py"]
    return {
        one for path in judged for one in literals(path) if one.partition(".")[0] in JUDGED
    } - used_by_name()


def used_by_name() -> set[str]:
    """Return message codes in the judges' modules: `image.damaged` is no property."""
    found = set()
    for path in modules("validators/fidelity"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ""
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name.endswith("Error") or name == "Message":
                found |= {
                    one.value
                    for one in ast.walk(node)
                    if isinstance(one, ast.Constant) and CODE.fullmatch(str(one.value))
                }
    return found


def messages() -> set[str]:
    """Return every code that a result or a message may carry."""
    found = {
        one
        for path in modules(*PACKAGES)
        for one in literals(path)
        if one.partition(".")[0] in FAMILIES
    }
    files_ = {f"file.{one.value}" for one in Outcome}
    checks = {f"check.{one}" for one in properties()}
    # `office_to_pdfa` makes its codes of the facts' names.
    told = {f"office.{fact}" for fact in _TOLD}
    # `pdfa_verapdf` names what bars a file by the outcome.
    barred = {f"pdf.{one}" for one in ("damaged", "password", "empty")}
    return (found - properties()) | files_ | checks | told | barred


def test_the_collection_finds_what_is_known_to_be_there() -> None:
    assert {"pdf.damaged", "pdfa.rule", "scan.special", "policy.kept", "zip.member"} <= messages()
    assert {"document.pages", "document.tiles", "image.pixels", "target.valid"} <= properties()
    assert "premis.xml" not in messages()


def test_every_code_has_a_text() -> None:
    assert sorted(messages() - set(codes())) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_whole(language: str) -> None:
    for code in codes():
        one = text(code, language)
        assert one.meaning.endswith((".", "?")), code
        assert one.remedy == "" or one.remedy.endswith((".", "?")), code
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    assert [
        code
        for code in codes()
        if bool(text(code, language).remedy) != bool(text(code, other).remedy)
    ] == []


def test_no_text_is_given_twice() -> None:
    """Later files win silently, so that a text might be mended in the wrong place."""
    seen: dict[str, str] = {}
    texts = files("pipeline.report") / "texts" / "codes.toml"
    remedies = (files("validators") / "remedies").iterdir()
    for one in (texts, *(path for path in remedies if path.name.endswith(".toml"))):
        for code in tomllib.loads(one.read_text(encoding="utf-8")):
            assert code not in seen, f"{code} is in {seen[code]} and {one.name}"
            seen[code] = one.name


def test_what_needs_a_person_says_what_to_do() -> None:
    """An outcome that asks for attention without a remedy leaves the archivist alone."""
    good = {"file.ok"}
    for code in {f"file.{one.value}" for one in Outcome} - good:
        for language in LANGUAGES:
            assert text(code, language).remedy, (code, language)
    for error in FILE_ERRORS.values():
        assert text(error("").code, "sv").meaning != error("").code


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_outcomes_and_checks(language: str) -> None:
    here = labels(language)
    wanted = {f"outcome.{one.value}" for one in Outcome}
    wanted |= {f"check.{one}" for one in properties()}
    wanted |= {f"run.{one}" for one in ("running", "done", "interrupted", "stopped")}
    wanted |= {f"signed_status.{one.value}" for one in SignatureStatus}
    wanted |= {f"signed_time.{one.value}" for one in SignatureTime}
    wanted |= {f"signed_kind.{one}" for one in ("signature", "timestamp")}
    wanted |= {f"covers.{one.value}" for one in SignatureCoverage}
    told = set(SignatureTrust) - {SignatureTrust.TRUSTED, SignatureTrust.UNKNOWN}
    wanted |= {f"signed_trust.{one.value}" for one in told}
    wanted |= {f"changes.{one.name.lower()}" for one in ModificationLevel if one.value}
    wanted |= {f"permits.{one}" for one in ("no_changes", "fill_forms", "annotate")}
    assert sorted(wanted - set(here)) == []
    assert all(value.strip() for value in here.values())


def test_both_languages_have_the_same_labels_and_places() -> None:
    swedish, english = (labels(language) for language in LANGUAGES)
    assert set(swedish) == set(english)
    for key, value in swedish.items():
        places = re.findall(r"\{\w+\}", value)
        assert sorted(places) == sorted(re.findall(r"\{\w+\}", english[key])), key


def test_every_label_that_the_page_asks_for_is_there() -> None:
    page = (files("pipeline.report") / "templates" / "report.html").read_text(encoding="utf-8")
    asked = set(re.findall(r"""\bt\(["']([a-z_.]+)["']\)""", page))
    assert len(asked) > 40
    assert sorted(asked - set(labels("sv"))) == []


def test_the_packages_are_ours() -> None:
    assert Path(migrators.__file__).resolve().is_relative_to(ROOT)
