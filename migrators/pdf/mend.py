# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mend a PDF towards PDF/A without touching what its pages show; runs in the child.

pikepdf's `pdfa.prepare` does most of it (output intent, annotation flags, actions,
XMP and Info in step); added here is what it leaves and veraPDF reports: optional
content (ISO 19005-2, 6.9), embedded files' names and dates (ISO 19005-3, 6.8).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.core.embedded import filespecs
from pipeline.core.errors import DamagedError, PasswordError
from pipeline.core.records import Message, Severity

# An embedded file must state when it was last changed; for one that does not say, a
# date that is plainly not meant as true, the same on every run.
_NO_DATE = "D:19700101000000Z"


def prepare(
    source: Path, target: Path, flavour: str, original: Path | None
) -> tuple[int, tuple[Message, ...]]:
    """Write `target`, `source` mended for `flavour` ("2b", "3b", "1b").

    `original`: the document that `source` was rewritten from, whose title, author and
    dates it shall carry instead of the rewriting program's. Returns the number of pages,
    and what was changed for people to know. The same source gives the same bytes. Raises
    DamagedError, PasswordError.
    """
    import pikepdf
    from pikepdf import pdfa

    try:
        with pikepdf.open(source, suppress_warnings=True) as document:
            pages = len(document.pages)
            if pages == 0:
                raise DamagedError("no pages", "pdf.no_pages")
            if original is not None:
                _metadata_of(original, document)
            _glyph_maps(document)
            _signatures(document)
            messages = [*_optional_content(document), *_attachments(document, flavour)]
            result = pdfa.prepare(document, flavour)
            messages.extend(_told(result))
            with document.open_metadata(
                set_pikepdf_as_editor=False, update_docinfo=False
            ) as metadata:
                # The time of this run; the ledger and PREMIS state it, the bytes must not.
                if "xmp:MetadataDate" in metadata:
                    del metadata["xmp:MetadataDate"]
            wanted = {"force_version": "1.7"} if document.pdf_version >= "2" else {}
            document.save(
                target, **pdfa.resolve_save_kwargs(flavour, deterministic_id=True, **wanted)
            )
    except pikepdf.PasswordError as error:
        raise PasswordError("the document needs a password", "pdf.password") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}"[:300], "pdf.damaged") from error
    return pages, tuple(messages)


def _glyph_maps(document: Any) -> None:
    """State the glyph map that an embedded TrueType CIDFont uses where it does not.

    ISO 32000-1, table 117: the default is Identity, so nothing looks otherwise;
    ISO 19005-2, 6.2.11.3.2: it must be there.
    """
    from pikepdf import Dictionary, Name

    for one in document.objects:
        if not isinstance(one, Dictionary) or one.get(Name.Subtype) != Name.CIDFontType2:
            continue
        descriptor = one.get(Name.FontDescriptor)
        embedded = isinstance(descriptor, Dictionary) and Name.FontFile2 in descriptor
        if embedded and Name.CIDToGIDMap not in one:
            one.CIDToGIDMap = Name.Identity


def _signatures(document: Any) -> None:
    """Empty signature fields: a signature holds for the bytes that it was made over.

    ISO 19005-2, 6.4.3: one that does not cover the whole file must not be there. What it
    looks like on the page stays; `pdf_to_pdfa` tells that it was not carried over.
    """
    from pikepdf import Dictionary, Name

    found = False
    for one in document.objects:
        if isinstance(one, Dictionary) and one.get(Name.FT) == Name.Sig and Name.V in one:
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
    # qpdf keeps the first half of an /ID that is there, and Ghostscript's is random.
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


def _optional_content(document: Any) -> list[Message]:
    """Give layers names, a complete order and no automatic states (6.9)."""
    from pikepdf import Array, Dictionary, Name, String

    content = document.Root.get(Name.OCProperties)
    if not isinstance(content, Dictionary):
        return []
    groups = list(content.get(Name.OCGs, Array([])))
    for group in groups:
        if Name.Name not in group:
            group.Name = String("Layer")
    configurations = [content.get(Name.D), *content.get(Name.Configs, Array([]))]
    names: set[str] = set()
    for number, configuration in enumerate(configurations):
        if isinstance(configuration, Dictionary):
            name = str(configuration.get(Name.Name, "")) or f"Configuration {number}"
            while name in names:
                name += "'"
            names.add(name)
            configuration.Name = String(name)
            _configure(configuration, groups)
    return [Message("pdfa.layers", Severity.INFO, str(len(groups)))]


def _configure(configuration: Any, groups: list[Any]) -> None:
    """Take automatic states out of a configuration, and list every layer in its order."""
    from pikepdf import Name

    if Name.AS in configuration:
        del configuration[Name.AS]
    if Name.Order not in configuration:
        return
    listed: set[tuple[int, int]] = set()
    _collect(configuration.Order, listed, 0)
    for group in groups:
        if group.objgen not in listed:
            configuration.Order.append(group)


def _collect(order: Any, listed: set[tuple[int, int]], depth: int) -> None:
    from pikepdf import Array, Dictionary

    if depth > 50:
        raise DamagedError("layers are nested more than 50 deep", "pdf.damaged")
    for item in order:
        if isinstance(item, Array):
            _collect(item, listed, depth + 1)
        elif isinstance(item, Dictionary):
            listed.add(item.objgen)


def _attachments(document: Any, flavour: str) -> list[Message]:
    """Complete embedded files' specifications for PDF/A-3 (6.8)."""
    from pikepdf import Dictionary, Name, String

    found = filespecs(document)
    if not found or not flavour.startswith("3"):
        return []
    for one in found:
        label = str(one.get(Name.UF, one.get(Name.F, ""))) or "attachment"
        one.Type = Name.Filespec
        one.UF = String(label)
        one.F = String(label)
        for key in list(one.EF.keys()):
            stream = one.EF[key]
            parameters = stream.get(Name.Params)
            if not isinstance(parameters, Dictionary):
                stream.Params = Dictionary(ModDate=String(_NO_DATE))
            elif Name.ModDate not in parameters:
                parameters.ModDate = parameters.get(Name.CreationDate, String(_NO_DATE))
    return [Message("pdfa.attachments", Severity.INFO, str(len(found)))]


def for_ghostscript(source: Path, target: Path) -> None:
    """Write `target`, `source` with what Ghostscript is known to lose put right first.

    Fonts without /ToUnicode lose their text, and annotations without appearances are
    dropped, when Ghostscript rewrites a file. Raises DamagedError, PasswordError.
    """
    import pikepdf
    from ocrmypdf.pdfa import add_simple_font_tounicode, repair_annotations_for_ghostscript

    try:
        with pikepdf.open(source, suppress_warnings=True) as document:
            add_simple_font_tounicode(document)
            repair_annotations_for_ghostscript(document, report_removed=False)
            document.save(target, deterministic_id=True)
    except pikepdf.PasswordError as error:
        raise PasswordError("the document needs a password", "pdf.password") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}"[:300], "pdf.damaged") from error
