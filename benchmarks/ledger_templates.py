# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files of every kind of end, recorded through the ledger's own code; for `big_ledger`."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from pipeline.core.measuring import Measure
from pipeline.core.records import (
    Action,
    Agent,
    Agreement,
    Basis,
    Candidate,
    Check,
    Clues,
    Decision,
    Event,
    EventType,
    FileKind,
    FileRecord,
    Identification,
    Message,
    MigrationResult,
    Opinion,
    Outcome,
    Severity,
    TextFacts,
    ValidationResult,
    Verdict,
)
from pipeline.core.signed import Signature, SignatureStatus
from pipeline.ledger import rows
from pipeline.ledger.store import Ledger, SurveyedFile

# As long as those of a real run are.
_SIEGFRIED = (
    "DROID_SignatureFile_V125.xml; container-signature-20260119.xml (in pygfried.abi3.so, "
    f"SHA-256 {'0b' * 32})"
)
_FIDO = (
    f"DROID_SignatureFile-v109.xml (SHA-256 {'2d' * 32}); container-signature-20200121.xml "
    f"(SHA-256 {'3a' * 32})"
)
_TIME = "2026-01-02T03:04:05.678Z"
_OURS = Agent("skanearkiv", "0.3.0", "SkånEarkiv preservation pipeline")
_ENGINES = (Agent("Siegfried", "1.11.9", _SIEGFRIED), Agent("FIDO", "1.6.1", _FIDO))
_FORMATS = (
    ("txt", "x-fmt/111", "Plain Text File", "", "text/plain", 24),
    ("pdf", "fmt/276", "Acrobat PDF 1.7 - Portable Document Format", "1.7", "application/pdf", 20),
    ("docx", "fmt/412", "Microsoft Word for Windows", "2007 onwards", "application/msword", 14),
    ("tif", "fmt/353", "Tagged Image File Format", "", "image/tiff", 10),
    ("jpg", "fmt/43", "JPEG File Interchange Format", "1.01", "image/jpeg", 8),
    ("xml", "fmt/101", "Extensible Markup Language", "1.0", "text/xml", 6),
    ("xlsx", "fmt/214", "Microsoft Excel for Windows", "2007 onwards", "application/xls", 6),
    ("odt", "fmt/291", "OpenDocument Text", "1.2", "application/odt", 4),
    ("png", "fmt/11", "Portable Network Graphics", "1.0", "image/png", 3),
    ("csv", "x-fmt/18", "Comma Separated Values", "", "text/csv", 2),
    ("html", "fmt/471", "Hypertext Markup Language", "5", "text/html", 2),
    ("dat", None, "", "", "", 1),
)
_UNTRUSTED = SignatureStatus.INTACT_UNTRUSTED
_Kind = tuple[str, str | None, str, str, str]
_MIGRATED = frozenset({"pdf", "docx", "xlsx", "odt", "jpg"})
_TEXTS = frozenset({"txt", "csv", "html", "xml"})


def fill(ledger: Ledger, count: int) -> None:
    """Bring `count` files to their ends. Every twentieth is the copy of another."""
    kinds: list[_Kind] = [one[:5] for one in _FORMATS for _ in range(one[5])]
    names = {
        f"Ärende {number // 40:03d}/handling {number:04d}.{kinds[number % len(kinds)][0]}".encode():
        number for number in range(count)
    }  # fmt: skip
    records = [FileRecord(raw, FileKind.REGULAR, 20_000 + 37 * n, n) for raw, n in names.items()]
    ledger.scanned(records, frozenset())
    numbers = {one.file: names[one.raw] for one in ledger.new_files(0, count)}
    found = [_survey(file, n, kinds[n % len(kinds)]) for file, n in numbers.items()]
    waiting = ledger.surveyed(found)
    first: dict[str, SurveyedFile] = {}
    for one in waiting:
        number = numbers[one.file]
        if one.sha256 in first:
            origin = first[one.sha256]
            made = ledger.output_of(origin.file)
            ledger.copied([(origin.file, one.file, f"migrated/kopia {number}.pdf" if made else "")])
            continue
        first[one.sha256] = one
        ledger.finished([(_finished(one, number, kinds[number % len(kinds)][0]), [])])


def _sha256(number: int) -> str:
    # Every twentieth has the content of one of the first hundred, of the same format.
    same = number % 100 if number % 20 == 19 else number
    return hashlib.sha256(str(same).encode()).hexdigest()


def _survey(file: int, number: int, kind: _Kind) -> rows.Surveyed:
    ending, puid, name, version, mime = kind
    conflict = number % 97 == 0 and bool(puid)
    basis = Basis.TEXT if ending in _TEXTS else Basis.SIGNATURE if puid else Basis.NONE
    answers = (puid,) if puid else ()
    other = ("fmt/999",) if conflict else answers
    one = Identification(
        puid=puid, basis=basis, engine="Siegfried", signatures=_SIEGFRIED, name=name,
        version=version, mime=mime, candidates=("fmt/999",) if conflict else (),
        extension_mismatch=number % 50 == 0, conflict=conflict,
        opinions=(
            Opinion("Siegfried", "1.11.9", _SIEGFRIED, answers, basis, f"match at 0, {ending}"),
            Opinion("FIDO", "1.6.1", _FIDO, other, basis, name),
        ),
        agreement=Agreement.CONFLICT if conflict else Agreement.AGREE if puid else Agreement.WEAK,
        text=TextFacts("utf-8", "LF") if ending in _TEXTS else None,
    )  # fmt: skip
    if not puid:
        near = (Candidate("fmt/43", "JPEG", "signature"),)
        first = hashlib.sha256(str(number).encode()).digest()[:16]
        clues = Clues("application/octet-stream", "data", 7.2, first, near, f"g{number % 7}")
        one = replace(one, clues=clues)
    empty = number % 101 == 0
    sha256 = _sha256(number)
    events = (
        Event(EventType.DIGEST, _TIME, "success", f"SHA-256 {sha256}", (_OURS,)),
        Event(EventType.IDENTIFICATION, _TIME, "success", f"{puid} by {basis}", _ENGINES),
    )
    took = (Measure("hash", "", 0.001, 0.0, 0), Measure("identify", "", 0.004, 0.0, 130_000_000),
            Measure("survey", "", 0.006, 0.0, 130_000_000))  # fmt: skip
    return rows.Surveyed(
        file, sha256, None, None if empty else one, Outcome.EMPTY if empty else None,
        "file.empty" if empty else "", "0 bytes" if empty else "", events, took,
    )  # fmt: skip


def _finished(one: SurveyedFile, number: int, ending: str) -> rows.Finished:
    migrated = ending in _MIGRATED
    outcome, code, detail = _end(number, ending, migrated=migrated)
    judged = Verdict.INVALID if outcome is Outcome.INVALID else Verdict.VALID
    messages = (
        (Message("pdf.signed", Severity.WARNING, "2 signatures"),) if number % 40 == 1 else ()
    )
    signed = (
        tuple(
            Signature(f"Signature{at}", "signature", _UNTRUSTED, "", "Anna", "CA") for at in (1, 2)
        )
        if ending == "pdf" and number % 5 == 0
        else ()
    )
    source = ValidationResult(
        {"docx": "ooxml", "xlsx": "ooxml"}.get(ending, ending), judged, outcome
        if judged is Verdict.INVALID else Outcome.OK, messages,
        {"main": "word/document.xml", "macros": False, "external_links": 0, "pages": number % 40,
         "embedded": 0, "comments": False, "encrypted": False}, (), (_OURS,), 0.02, signed,
    )  # fmt: skip
    decision = Decision(
        Action.MIGRATE if migrated else Action.KEEP, f"{ending}-rule",
        "text documents are read as PDF/A; the original stays for reuse",
        "office_to_pdfa" if migrated else "", "pdfa-2b" if migrated else "",
    )  # fmt: skip
    events = [
        Event(EventType.VALIDATION, _TIME, "success", f"{ending}: {judged}", (_OURS,)),
        Event(
            EventType.DECISION, _TIME, "success", f"{decision.rule}: {decision.reason}", (_OURS,)
        ),
    ]
    plain = rows.Finished(
        one.file, outcome, code, detail, (source,), decision, "0" * 64, None, "", (), (),
        tuple(events), 0.05,
        measures=(Measure("validate", ending, 0.02, 0.01, 24_000_000),
                  Measure("file", "", 0.05, 0.01, 24_000_000)),
    )  # fmt: skip
    if not migrated or outcome is Outcome.INVALID:
        return plain
    sha256 = hashlib.sha256(f"out {number}".encode()).hexdigest()
    noticed = (Message("office.fonts_missing", Severity.WARNING, "MS Mincho: DejaVuSans"),)
    made = MigrationResult(
        "office_to_pdfa", "pdfa-2b", "LibreOffice 7.4.7.2, MS Word 2007 XML, PDF/A-2b", "", "pdf",
        90_093, sha256, "fmt/477", "Acrobat PDF/A - Portable Document Format", "2b",
        noticed if number % 3 == 0 else (), 4.2,
    )  # fmt: skip
    checks = tuple(
        Check(f"document.{name}", str(number % 40), str(number % 40), 1.0,
              name != "look" or outcome is Outcome.OK)
        for name in ("pages", "words", "look", "language", "blank", "links", "fonts", "order")
    )  # fmt: skip
    events += [
        Event(EventType.NORMALIZATION, _TIME, "success", f"SHA-256 {sha256}", (_OURS,), "output"),
        Event(EventType.IDENTIFICATION, _TIME, "success", "output: fmt/477", _ENGINES, "output"),
        Event(EventType.VALIDATION, _TIME, "success", "output, verapdf: valid", (_OURS,), "output"),
        Event(EventType.COMPARISON, _TIME, "success", "8 checks, all passed", (_OURS,), "output"),
    ]
    pictures = (
        (rows.Picture(f"review/{number}.evidence/page-0001.png", 9000, sha256),)
        if outcome is Outcome.REVIEW
        else ()
    )
    return replace(
        plain, migration=made, output=f"migrated/handling {number:04d}.{ending}.pdf",
        target=(ValidationResult("verapdf", Verdict.VALID, Outcome.OK, (), {"pdfa": "2b"}),),
        checks=checks, events=tuple(events), seconds=4.5, evidence=pictures,
        measures=(*plain.measures, Measure("migrate", "office_to_pdfa", 4.2, 2.0, 260_000_000)),
    )  # fmt: skip


def _end(number: int, ending: str, *, migrated: bool) -> tuple[Outcome, str, str]:
    if ending == "dat":
        return Outcome.UNIDENTIFIED, "identify.unknown", "data, entropy 7.2"
    if number % 97 == 0:
        return Outcome.REVIEW, "identify.conflict", "Siegfried and FIDO differ"
    if number % 61 == 0:
        return Outcome.INVALID, f"{ending}.invalid", "not well-formed at line 12"
    if migrated and number % 83 == 0:
        return Outcome.REVIEW, "check.document.look", "document.look"
    if migrated:
        return Outcome.OK, "policy.migrated", "LibreOffice 7.4.7.2, MS Word 2007 XML, PDF/A-2b"
    return Outcome.OK, "policy.kept", "plain text in UTF-8 is a long-term format"
