# SPDX-License-Identifier: AGPL-3.0-or-later
"""One look at a file by both engines, joined to one answer; runs in the IDENTIFY child.

What native code does with hostile files happens there and nowhere else: Siegfried holds
the GIL for a whole call, libmagic is C.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from format_registry import agreement, clues, siegfried, signatures, text_facts
from format_registry.agreement import Ruling
from format_registry.fido.engine import Answer, Engine, extension_of
from format_registry.fido.model import Format
from format_registry.fido.windows import Windows
from pipeline.core.budget import MIB
from pipeline.core.errors import ChangedError, FileError, TooLargeError, from_os_error
from pipeline.core.records import Basis, Identification, Opinion
from pipeline.core.versions import wheel_agent

FIDO = "FIDO"
# Siegfried reads all of a file: 0.9 s and 140 MB of memory for 128 MiB, 3.4 s and 1.1 GB
# for 1 GiB, 16 s for a sparse 3 GiB. Of larger files than this it is given both ends.
SIEGFRIED_LIMIT = 128 * MIB
_EXCERPT = "asked about the first 4 MiB and the last of a large file"
# It unpacks the parts that it looks into in full: 7 s for one of 1 GiB.
_LARGEST_PART = 128 * MIB
_EDGE = 64 * 1024
_PLAIN_TEXT = "x-fmt/111"
_TEXTUAL = re.compile(r"text/|[/+](xml|json|javascript|sql|rtf|x-yaml)\b")
_SIEGFRIEDS_SET = re.compile(r"V(\d+)\.xml")


def look(path: Path, engines: Sequence[str]) -> Identification:
    """Identify a regular file that is not empty, by the engines siegfried, fido or both.

    Raises VanishedError, UnreadableError, ChangedError; ToolFailureError where Siegfried
    alone is asked and fails.
    """
    try:
        # O_NONBLOCK: a FIFO put in the file's place must not hold the child.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            return _look(stream, path, engines)
    except OSError as error:
        raise from_os_error(error) from error


def _look(stream: IO[bytes], path: Path, engines: Sequence[str]) -> Identification:
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ChangedError("it is no regular file any more")
    engine = signatures.engine()
    extension = extension_of(os.fsencode(path.name).decode("utf-8", "replace"))
    windows = Windows(stream.fileno(), status.st_size)
    second = engine.ask(stream, windows, extension) if "fido" in engines else None
    first, problem = None, ""
    if "siegfried" in engines:
        try:
            known = second or engine.containers.match(stream, windows)
            first = _siegfried(path, windows, extension, known.largest)
        except FileError as error:
            if second is None:
                raise
            problem = error.detail
    ruling = agreement.rule(first, second, engine.set, lambda puid: _beyond(puid, first))
    found = _identification(ruling, first, second, engine, extension)
    if problem:
        opinion = Opinion(siegfried.NAME, siegfried.agent().version, "", (), Basis.NONE, problem)
        found = replace(found, opinions=(opinion, *found.opinions))
    return _completed(found, engine, windows, extension)


def _completed(
    found: Identification, engine: Engine, windows: Windows, extension: str
) -> Identification:
    """Add what is known of a text, or what helps with a file that stays unidentified."""
    head, tail = windows.head[:_EDGE], windows.tail[-_EDGE:]
    if found.puid is None or not found.basis.strong or _TEXTUAL.search(found.mime):
        text = text_facts.text_facts(head, tail, windows.size)
        found = replace(found, text=text)
        if text is None and found.basis is Basis.TEXT:
            # Siegfried looks at the beginning only; a PDF cut short begins as a text does.
            candidates = tuple(dict.fromkeys([found.puid or "", *found.candidates]))
            found = replace(
                found, puid=None, basis=Basis.NONE, name="", version="", mime="",
                candidates=candidates, extension_mismatch=False,
            )  # fmt: skip
        asked = any(one.engine == FIDO for one in found.opinions)
        plain = asked and (not found.candidates or _PLAIN_TEXT in found.candidates)
        if text is not None and found.puid is None and plain:
            known = engine.set.formats.get(_PLAIN_TEXT, Format(_PLAIN_TEXT, "Plain Text File"))
            return replace(
                found, puid=known.puid, basis=Basis.TEXT, name=known.name, mime=known.mime,
                engine=FIDO,
            )  # fmt: skip
    if found.puid is None:
        mime, _ = clues.libmagic(head)
        partial = engine.partial(windows)
        nearest = clues.candidates(partial, mime, extension, engine.set.formats)
        return replace(found, clues=clues.clues(Path(), head, tail, nearest, extension))
    return found


def _identification(
    ruling: Ruling,
    first: siegfried.Answer | None,
    second: Answer | None,
    engine: Engine,
    extension: str,
) -> Identification:
    opinions = [first.opinion] if first is not None else []
    if second is not None:
        opinions.append(_opinion(second, engine))
    puid = ruling.puid
    by = opinions[0] if ruling.first or len(opinions) == 1 else opinions[-1]
    known = engine.set.formats.get(puid or "", Format(puid or ""))
    mismatch = bool(puid and extension) and not engine.fits(known.puid, extension)
    match = next((one for one in first.matches if one.puid == puid), None) if first else None
    if match is not None:
        known = Format(match.puid, match.name, match.version, match.mime)
        mismatch = "extension mismatch" in match.warning
    return Identification(
        puid=puid,
        basis=ruling.basis,
        engine=by.engine,
        signatures=by.signatures,
        name=known.name,
        version=known.version,
        mime=known.mime,
        candidates=ruling.candidates,
        extension_mismatch=mismatch and ruling.basis.strong,
        conflict=ruling.conflict,
        opinions=tuple(opinions),
        agreement=ruling.agreement,
    )


def _opinion(answer: Answer, engine: Engine) -> Opinion:
    notes = [one.signature for one in answer.matches if answer.basis.strong]
    if answer.contenders:
        notes.append(f"the extension chose among {', '.join(answer.contenders)}")
    return Opinion(
        engine=FIDO,
        engine_version=wheel_agent("opf-fido").version,
        signatures=engine.set.details,
        puids=tuple(one.puid for one in answer.matches),
        basis=answer.basis,
        note="; ".join(dict.fromkeys(notes)),
    )


def _beyond(puid: str, first: siegfried.Answer | None) -> bool:
    """Whether Siegfried's signatures cannot have a PUID that FIDO names.

    pygfried does not list what its signatures know, so their version decides: FIDO's set
    must be newer, and no set that is at most as old as Siegfried's may have the PUID.
    """
    match = _SIEGFRIEDS_SET.search(first.opinion.signatures) if first is not None else None
    if match is None or signatures.active().version <= int(match[1]):
        return False
    older = (signatures.load(name) for name in signatures.names())
    return not any(one.version <= int(match[1]) and puid in one.signed for one in older)


def _siegfried(path: Path, windows: Windows, extension: str, largest: int) -> siegfried.Answer:
    if windows.size <= SIEGFRIED_LIMIT and largest > _LARGEST_PART:
        raise TooLargeError(f"not asked: it would unpack a part of {largest} bytes")
    if windows.size <= SIEGFRIED_LIMIT and _is_text(path):
        return siegfried.ask(path)
    with tempfile.TemporaryDirectory(prefix="skanearkiv-") as folder:
        plain = extension if extension.isascii() and extension.isalnum() else "bin"
        link = Path(folder) / f"source.{plain}" if extension else Path(folder) / "source"
        if windows.size <= SIEGFRIED_LIMIT:
            link.symlink_to(os.path.abspath(path))
            return siegfried.ask(link)
        with _excerpt(windows) as descriptor:
            link.symlink_to(f"/proc/self/fd/{descriptor}")
            return siegfried.ask(link, _EXCERPT)


@contextmanager
def _excerpt(windows: Windows) -> Iterator[int]:
    """Yield a descriptor of a file in memory that has only the ends of a large one."""
    descriptor = os.memfd_create("excerpt", os.MFD_CLOEXEC)
    try:
        for part in windows.deep:
            os.write(descriptor, part)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_text(path: Path) -> bool:
    """Whether a whole path is UTF-8, its folders included: Siegfried takes no other."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
