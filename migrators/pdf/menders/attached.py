# SPDX-License-Identifier: AGPL-3.0-or-later
"""Embedded files (ISO 19005-3, 6.8): name, date, type and relation of each are stated."""

from __future__ import annotations

import mimetypes
import re
from typing import Any

from migrators.pdf.menders.base import Mending
from pipeline.core.embedded import filespecs

# An embedded file must state when it was last changed; for one that does not say, a
# date that is plainly not meant as true, the same on every run.
_NO_DATE = "D:19700101000000Z"
_TYPE = re.compile(r"^[-\w+.]+/[-\w+.]+$")
_NODES = 100_000  # of a name tree; a hostile one leads to itself
# RFC 2046, 4.5.1: what is to be said of data that nothing is known of.
_UNKNOWN = "application/octet-stream"


def complete(mending: Mending) -> int:
    """Complete the specification of each embedded file, and list it as associated."""
    if mending.part < 3:
        return 0  # they may not stay: the policy chooses PDF/A-3 for such a document
    _stand_alone(mending.document)
    found = filespecs(mending.document)
    if not found:
        return 0
    for one in found:
        _specify(one)
    _associate(mending.document, found)
    return len(found)


def _stand_alone(document: Any) -> None:
    """Make objects of the specifications in the name tree: only such can be listed."""
    from pikepdf import Array, Dictionary, Name

    names = document.Root.get(Name.Names)
    stack = [names.get(Name.EmbeddedFiles)] if isinstance(names, Dictionary) else []
    for _ in range(_NODES):
        if not stack:
            return
        node = stack.pop()
        if not isinstance(node, Dictionary):
            continue
        kids, leaves = node.get(Name.Kids), node.get(Name.Names)
        stack += list(kids) if isinstance(kids, Array) else []
        for place in range(1, len(leaves), 2) if isinstance(leaves, Array) else ():
            if isinstance(leaves[place], Dictionary) and not leaves[place].is_indirect:
                leaves[place] = document.make_indirect(leaves[place])


def _specify(one: Any) -> None:
    from pikepdf import Dictionary, Name, Stream, String

    label = str(one.get(Name.UF, one.get(Name.F, ""))) or "attachment"
    one.Type = Name.Filespec
    one.UF = String(label)
    one.F = String(label)
    if not isinstance(one.get(Name.AFRelationship), Name):
        one.AFRelationship = Name.Unspecified
    for key in sorted(one.EF.keys()):
        stream = one.EF[key]
        if not isinstance(stream, Stream):
            continue
        if not _TYPE.match(str(stream.get(Name.Subtype, ""))[1:]):
            guessed = mimetypes.guess_type(label, strict=True)[0] or _UNKNOWN
            stream.Subtype = Name(f"/{guessed}")
        parameters = stream.get(Name.Params)
        if not isinstance(parameters, Dictionary):
            stream.Params = Dictionary(ModDate=String(_NO_DATE))
        elif Name.ModDate not in parameters:
            parameters.ModDate = parameters.get(Name.CreationDate, String(_NO_DATE))


def _associate(document: Any, found: list[Any]) -> None:
    """List every file in the catalog's /AF, wherever the document hangs it up."""
    from pikepdf import Array, Dictionary, Name

    listed = document.Root.get(Name.AF)
    if not isinstance(listed, Array):
        document.Root.AF = Array([])
    have = {one.objgen for one in document.Root.AF if isinstance(one, Dictionary)}
    for page in document.pages:
        for annotation in page.obj.get(Name.Annots, ()):
            # A direct specification cannot be listed: it becomes an object of its own.
            if isinstance(annotation, Dictionary) and Name.FS in annotation:
                if not annotation.FS.is_indirect:
                    annotation.FS = document.make_indirect(annotation.FS)
                if Name.EF in annotation.FS and annotation.FS.objgen not in have:
                    document.Root.AF.append(annotation.FS)
                    have.add(annotation.FS.objgen)
    for one in found:
        if one.is_indirect and one.objgen not in have:
            document.Root.AF.append(one)
            have.add(one.objgen)


def remove(mending: Mending) -> int:
    """Take out embedded files where the policy asks for a part that allows none (6.8; 6.1.11)."""
    from pikepdf import Array, Dictionary, Name

    found = filespecs(mending.document)
    for one in found:
        del one.EF
    names = mending.document.Root.get(Name.Names)
    if isinstance(names, Dictionary) and Name.EmbeddedFiles in names:
        del names.EmbeddedFiles
    if Name.AF in mending.document.Root:
        del mending.document.Root.AF
    for page in mending.document.pages:
        annotations = page.obj.get(Name.Annots)
        if isinstance(annotations, Array):
            page.obj.Annots = Array(
                [
                    one
                    for one in annotations
                    if not isinstance(one, Dictionary)
                    or mending.part > 1
                    or one.get(Name.Subtype) != Name.FileAttachment
                ]
            )
    if found:
        mending.lost("pdfa.attachments_removed", str(len(found)))
    return len(found)
