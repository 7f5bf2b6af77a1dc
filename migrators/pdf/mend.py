# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mend a PDF towards PDF/A without touching what its pages show; runs in the child.

`prepare` does what every PDF/A needs (pikepdf's `pdfa.prepare`: output intent, annotation
flags, XMP and Info in step); `mend` what the validator's broken rules ask for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrators.pdf import output_intent
from migrators.pdf.menders.annotations import hidden
from migrators.pdf.menders.base import Mending
from migrators.pdf.menders.catalogue import wanted
from migrators.pdf.opening import odd, opened
from pipeline.core.embedded import filespecs
from pipeline.core.errors import DamagedError
from pipeline.core.records import Message, Severity

_CLAIMS = {"u": "U", "a": "A"}


def prepare(
    source: Path, target: Path, flavour: str, original: Path | None
) -> tuple[int, tuple[Message, ...]]:
    """Write `target`, `source` prepared for `flavour` ("1b", "2b", "2u", "3b").

    `original`: the document that `source` was rewritten from, whose title, author and
    dates it shall carry instead of the rewriting program's. Returns the number of pages,
    and what was changed for people to know. The same source gives the same bytes. Raises
    DamagedError, PasswordError.
    """
    from pikepdf import pdfa

    with opened(source) as document:
        pages = len(document.pages)
        if pages == 0:
            raise DamagedError("no pages", "pdf.no_pages")
        if original is not None:
            _metadata_of(original, document)
        _signatures(document)
        messages = []
        unseen = hidden(document)
        if unseen:
            messages.append(Message("pdfa.hidden_annotations", Severity.WARNING, str(unseen)))
        files = len(filespecs(document)) if flavour[0] == "3" else 0
        if files:
            messages.append(Message("pdfa.attachments", Severity.INFO, str(files)))
        intent = output_intent.of(document, int(flavour[0])) or "sRGB"
        result = pdfa.prepare(document, _level_b(flavour), output_intent=intent)
        if result.document_javascript_removed:
            messages.append(Message("pdfa.actions_removed", Severity.WARNING, "JavaScript"))
        messages += _told(result)
        _finish_metadata(document, flavour)
        _save(document, target, flavour)
    return pages, tuple(messages)


def mend(
    source: Path, target: Path, flavour: str, rules: tuple[str, ...], pages: tuple[int, ...]
) -> tuple[int, tuple[Message, ...]]:
    """Write `target`, `source` with the menders applied that these rules ask for.

    `pages` are those (from 1) whose content broke a rule. Returns the number of things
    changed (0: nothing was written) and what to tell. Raises DamagedError, PasswordError.
    """
    with opened(source) as document:
        mending = Mending(document, source, flavour, frozenset(rules), pages)
        for entry in wanted(mending.rules, mending.part):
            try:
                mending.changed += entry.mender()(mending)
            except odd() as error:
                # One that meets what it was not made for must not take the others with it:
                # what it left half done the validator and the judges see.
                said = f"{entry.name}: {type(error).__name__}: {error}"
                mending.lost("pdfa.mender_failed", said[:300])
        if mending.changed:
            _save(document, target, flavour)
    return mending.changed, tuple(mending.told)


def claim(source: Path, target: Path, flavour: str) -> None:
    """Write `target`, `source` that states a better level ("2u", "2a") than it did.

    Raises DamagedError.
    """
    with opened(source) as document:
        _finish_metadata(document, flavour)
        _save(document, target, flavour)


def tagged(source: Path) -> bool:
    """Whether a document states that it is tagged (ISO 32000-1, 14.7.1). Raises DamagedError."""
    from pikepdf import Dictionary, Name

    with opened(source) as document:
        mark = document.Root.get(Name.MarkInfo)
        return (
            isinstance(document.Root.get(Name.StructTreeRoot), Dictionary)
            and isinstance(mark, Dictionary)
            and bool(mark.get(Name.Marked, False))
        )


def _level_b(flavour: str) -> str:
    return f"{flavour[0]}b"


def _save(document: Any, target: Path, flavour: str) -> None:
    from pikepdf import ObjectStreamMode, pdfa

    # PDF 2.0 has a part of its own (PDF/A-4); what is left of it after mending is 1.7.
    forced: dict[str, Any] = (
        {"force_version": "1.7"} if document.pdf_version >= "2" and flavour[0] != "1" else {}
    )
    document.save(
        target, **pdfa.resolve_save_kwargs(_level_b(flavour), deterministic_id=True, **forced)
    )
    if flavour[0] != "1" and _pages_read(target) != len(document.pages):
        # MuPDF gives up a whole object stream for one number of a thousand digits in it.
        forced["object_stream_mode"] = ObjectStreamMode.disable
        document.save(
            target, **pdfa.resolve_save_kwargs(_level_b(flavour), deterministic_id=True, **forced)
        )


def _pages_read(path: Path) -> int:
    """Return how many pages MuPDF finds, -1 where it cannot open a file."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    try:
        with pymupdf.open(path, filetype="pdf") as document:
            return int(document.page_count)
    except RuntimeError:
        return -1


def _finish_metadata(document: Any, flavour: str) -> None:
    """State the level, and take out the time of this run.

    The ledger and PREMIS state that; the bytes must be the same on every run.
    """
    with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        if "xmp:MetadataDate" in metadata:
            del metadata["xmp:MetadataDate"]
        if flavour[1] in _CLAIMS:
            metadata["pdfaid:conformance"] = _CLAIMS[flavour[1]]


def _signatures(document: Any) -> None:
    """Empty signature fields: a signature holds for the bytes that it was made over.

    ISO 19005-2, 6.4.3: one that does not cover the whole file must not be there. What it
    looks like on the page stays; `pdf_to_pdfa` tells that it was not carried over.
    """
    from pikepdf import Dictionary, Name

    found = False
    for one in document.objects:
        if not isinstance(one, Dictionary) or Name.V not in one:
            continue
        parent = one.get(Name.Parent)
        inherited = parent.get(Name.FT) if isinstance(parent, Dictionary) else None
        if Name.Sig in (one.get(Name.FT), inherited):
            del one.V
            found = True
    if found:
        form = document.Root.get(Name.AcroForm)
        if isinstance(form, Dictionary) and Name.SigFlags in form:
            del form.SigFlags
        if Name.Perms in document.Root:
            del document.Root.Perms


def _metadata_of(original: Path, document: Any) -> None:
    """Put the original's Info and XMP in place of what the rewriting program wrote."""
    import pikepdf

    for key in list(document.docinfo.keys()):
        del document.docinfo[key]
    if pikepdf.Name.Metadata in document.Root:
        del document.Root.Metadata
    # qpdf keeps the first half of an /ID that is there, and a rewriting program's is random.
    if pikepdf.Name.ID in document.trailer:
        del document.trailer.ID
    with pikepdf.open(original, suppress_warnings=True) as source:
        for key, value in source.docinfo.items():
            if isinstance(value, (pikepdf.String, pikepdf.Name)):
                document.docinfo[key] = value
        metadata = source.Root.get(pikepdf.Name.Metadata)
        if isinstance(metadata, pikepdf.Stream):
            document.Root.Metadata = document.make_stream(metadata.read_bytes())
            document.Root.Metadata.Type = pikepdf.Name.Metadata
            document.Root.Metadata.Subtype = pikepdf.Name.XML


def _told(result: Any) -> list[Message]:
    told = []
    for level, text in result.messages():
        serious = str(level).lower() in {"warning", "error"}
        severity = Severity.WARNING if serious else Severity.INFO
        told.append(Message("pdfa.mended", severity, text))
    return told
