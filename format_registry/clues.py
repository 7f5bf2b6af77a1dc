# SPDX-License-Identifier: AGPL-3.0-or-later
"""What helps a person with a file that no engine could identify.

libmagic's words, the entropy, the first bytes, the nearest formats, and a key by which a
thousand files of one unknown kind become one line. Runs in the IDENTIFY child, since
libmagic is native code. It is given bytes, never a path.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from format_registry.fido.model import Format
from format_registry.text_facts import text_facts
from pipeline.core.errors import ToolMissingError
from pipeline.core.records import Agent, Candidate, Clues

NAME = "libmagic"
_DESCRIPTION = 200
_ENTROPY_WINDOW = 32 * 1024  # of each end: 2.4 ms, where twice as much tells no more
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+")
# What libmagic says when it has nothing to say.
_UNSPECIFIC = frozenset({"", "application/octet-stream", "text/plain", "application/x-empty"})
# Formats that look random from their first bytes on, but for a magic number that chance
# hardly ever makes. Of 1000 random files libmagic takes 12 for some format, by two bytes
# or less: 9 of them for DOS programs.
_COMPRESSED = frozenset(
    {
        "application/gzip", "application/x-7z-compressed", "application/x-bzip2",
        "application/x-lz4", "application/x-lzip", "application/x-rar", "application/vnd.rar",
        "application/x-xz", "application/x-zstd", "application/zip", "application/zstd",
        "image/jpeg",
    }
)  # fmt: skip
_CHANCE = "application/x-dosexec"
_EXTENSION = re.compile(r"\w{1,12}")
_NUMBER = re.compile(r"\d{2,}|^\d$")
# ISO 8859-1 is Windows-1252 that happens to lack some signs, ASCII is UTF-8 without å.
_FAMILY = {"ascii": "utf-8", "iso-8859-1": "cp1252"}
_WORD = re.compile(rb"[A-Za-z0-9_ .\x00-]{8}")
_NOT_PLAIN = re.compile(rb"[^ -~\x00\t\n\r\x1a]")


def agent() -> Agent:
    """Return libmagic's version. Raises ToolMissingError."""
    number = int(_module().version())
    return Agent(NAME, f"{number // 100}.{number % 100:02}", "as the library python-magic")


def clues(
    path: Path,
    head: bytes,
    tail: bytes,
    nearest: tuple[Candidate, ...],
    extension: str | None = None,
) -> Clues:
    """Return what is known of an unidentified file from its first and last bytes.

    The file is not opened. `extension` stands for that of `path`, where the path is a link
    of ours; `head` and `tail` are at most 64 KiB each. Raises ToolMissingError.
    """
    mime, description = libmagic(head)
    data = head[:_ENTROPY_WINDOW] + tail[-_ENTROPY_WINDOW:] if tail else head
    bits = entropy(data)
    return Clues(
        mime=mime,
        description=description,
        entropy=round(bits, 3),
        first=head[:16],
        nearest=nearest,
        group=" ".join(
            filter(
                None,
                (
                    _kind(mime, head, tail, _looks_random(bits, len(data))),
                    _dotted(path.suffix if extension is None else extension),
                ),
            )
        ),
    )


# Whoever wants the clues asks for the MIME type first, to find the nearest formats.
@lru_cache(maxsize=1)
def libmagic(head: bytes) -> tuple[str, str]:
    """Return MIME type and description of a file that begins so.

    libmagic's own error is told in the description. Raises ToolMissingError.
    """
    by_mime, by_words = _readers()
    try:
        mime, description = str(by_mime.from_buffer(head)), str(by_words.from_buffer(head))
    except _module().MagicException as error:
        return "", _printable(f"{NAME}: {_text(error.message)}")
    return mime if _MIME.fullmatch(mime) else "", _printable(description)


def entropy(data: bytes) -> float:
    """Return the entropy of bytes in bits per byte, 0.0 to 8.0."""
    size = len(data)
    counts = Counter(data).values()
    return max(0.0, math.log2(size) - sum(n * math.log2(n) for n in counts) / size) if size else 0.0


def candidates(
    partial: Iterable[str],
    mime: str,
    extension: str,
    formats: Mapping[str, Format],
    limit: int = 5,
) -> tuple[Candidate, ...]:
    """Return the formats that come nearest, those with the strongest reason first.

    `partial` are PUIDs of which part of a signature matches, the strongest first. Of the
    formats with the MIME type, those that have the extension as well come first.
    """
    index = _index(formats)
    found: dict[str, Candidate] = {}
    for puid, why in _reasons(partial, mime, extension, index):
        if len(found) >= limit:
            break
        if puid not in found:
            known = formats.get(puid)
            name = f"{known.name} {known.version}".strip() if known is not None else ""
            found[puid] = Candidate(puid, name, why)
    return tuple(found.values())


class _Index:
    """PUIDs by MIME type and by extension, in the order of the formats."""

    def __init__(self, formats: Mapping[str, Format]) -> None:
        # Held so that no other mapping can be taken for this one.
        self.formats = formats
        self.by_mime: dict[str, list[str]] = {}
        self.by_extension: dict[str, list[str]] = {}
        for puid, one in formats.items():
            for mime in dict.fromkeys(map(_plain_mime, one.mime.split(","))):
                self.by_mime.setdefault(mime, []).append(puid)
            for extension in dict.fromkeys(map(_bare, one.extensions)):
                self.by_extension.setdefault(extension, []).append(puid)


_indices: list[_Index] = []


def _index(formats: Mapping[str, Format]) -> _Index:
    """Return the index of a mapping, made once: a process has one set of formats."""
    if not _indices or _indices[0].formats is not formats:
        _indices[:] = [_Index(formats)]
    return _indices[0]


def _reasons(
    partial: Iterable[str], mime: str, extension: str, index: _Index
) -> Iterator[tuple[str, str]]:
    for puid in partial:
        yield puid, "signature"
    named = index.by_extension.get(_bare(extension), []) if _bare(extension) else []
    if mime not in _UNSPECIFIC and not mime.startswith("inode/"):
        typed = index.by_mime.get(_plain_mime(mime), [])
        both = set(named)
        for puid in sorted(typed, key=lambda one: one not in both):
            yield puid, "mime"
    for puid in named:
        yield puid, "extension"


def _plain_mime(mime: str) -> str:
    """Return a MIME type without what sources differ in: case, and an `x-` since dropped."""
    return mime.strip().lower().replace("/x-", "/", 1)


def _bare(extension: str) -> str:
    return extension.lower().lstrip(".")


def _kind(mime: str, head: bytes, tail: bytes, random: bool) -> str:
    """Return the part of the group's key that the content decides."""
    if not head:
        return "empty"
    # A size beyond both: their inner edges are cuts, whether they overlap or not.
    text = text_facts(head, tail, len(head) + len(tail) + 1 if tail else len(head))
    specific = mime not in _UNSPECIFIC
    if text is not None and not (random and text.guessed):
        # A damaged PDF is the same kind of file, whether all of it happens to be text or not.
        if specific and not mime.startswith("text/"):
            return mime
        return f"{mime if specific else 'text/plain'} {_FAMILY.get(text.encoding, text.encoding)}"
    evidence = specific and mime != _CHANCE
    if random and mime not in _COMPRESSED and not _has_header(head[:16], evidence):
        return "random"
    return mime if specific else head[:4].hex()


def _has_header(first: bytes, evidence: bool) -> bool:
    """Whether a file's first bytes are made, not chance: 5 random files in 100,000 pass.

    Where libmagic's MIME type is evidence of its own, less is asked for.
    """
    if _WORD.match(first) or first.count(0, 0, 12) >= 3 or len(set(first)) <= 10:
        return True
    return evidence and (len(_NOT_PLAIN.findall(first[:8])) <= 1 or len(set(first)) <= 12)


def _looks_random(bits: float, size: int) -> bool:
    """Whether so many bytes have the entropy of encrypted or compressed ones."""
    # Of fewer than 64 bytes nearly each is another in any binary file.
    return size >= 64 and bits >= _random_entropy(size) - 0.05 - 4 / math.sqrt(size)


@lru_cache(maxsize=1024)
def _random_entropy(size: int) -> float:
    """Return what the entropy of so many random bytes is on average; 8 bits for endless ones."""
    if size >= 4096:
        return 8 - 255 / (2 * size * math.log(2))
    share = 1 / 256
    expected = sum(
        math.comb(size, k) * share**k * (1 - share) ** (size - k) * k * math.log2(k)
        for k in range(2, min(size, 80) + 1)
    )
    return math.log2(size) - 256 * expected / size


def _dotted(extension: str) -> str:
    """Return an extension for the key: lower case, with a dot; numbers in it are alike."""
    # What is not UTF-8 in a name must not reach a report.
    name = _bare(os.fsencode(extension).decode("utf-8", "replace").replace("\ufffd", "_"))
    return "." + _NUMBER.sub("#", name) if _EXTENSION.fullmatch(name) else ""


def _module() -> Any:
    try:
        import magic
    except ModuleNotFoundError:
        raise ToolMissingError(
            "python-magic", "install it with: pip install python-magic"
        ) from None
    except ImportError:
        raise ToolMissingError(NAME, "install it with: apt-get install libmagic1") from None
    return magic


@lru_cache(maxsize=1)
def _readers() -> tuple[Any, Any]:
    """Return the two that answer with MIME type and with words, for this process."""
    module = _module()
    try:
        return module.Magic(mime=True), module.Magic()
    except module.MagicException as error:
        raise ToolMissingError(
            f"{NAME}'s database",
            f"install it with: apt-get install libmagic-mgc ({_text(error.message)})",
        ) from None


def _text(message: object) -> str:
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)


def _printable(text: str) -> str:
    """Return a line that any report can hold."""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: 5 * _DESCRIPTION])
    return " ".join(line.split())[:_DESCRIPTION]
