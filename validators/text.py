# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plain text, CSV, JSON, Markdown: which encoding, whether it holds, what lines there are.

Read in blocks, so that an export of some gigabytes needs no memory. RFC 4180 for CSV,
RFC 8259 for JSON.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pipeline.core import isolate, text_encoding
from pipeline.core.isolate import Pool
from pipeline.core.records import Agent, Outcome, ValidationResult
from pipeline.core.text_encoding import Encoding
from validators.findings import Findings, empty, packages

NAME = "text"
_BLOCK = 1 << 20
_SAMPLE = 256 * 1024
_CSV = "x-fmt/18"
_JSON_LIMIT = 64 * _BLOCK  # a parsed document takes some ten times its size
_FIELD_LIMIT = 16 * _BLOCK
# Control characters that no text has; tab, line ends, form feed, DOS end of file and
# escape (terminal sequences) do occur.
_CONTROL = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f]")
_LINE_ENDS = re.compile("\r\n|\r|\n")


class TextValidator:
    """States encoding and line ends, and finds what is not text."""

    name = NAME
    puids = frozenset(
        {
            "x-fmt/111", "x-fmt/14", "x-fmt/15", "x-fmt/16", "x-fmt/18", "x-fmt/21", "x-fmt/22",
            "x-fmt/110", "x-fmt/130", "x-fmt/282", "x-fmt/283", "fmt/817", "fmt/880", "fmt/1149",
            "fmt/1367",
        }
    )  # fmt: skip

    def agents(self) -> tuple[Agent, ...]:
        """Return what guesses encodings. Raises ToolMissingError."""
        return packages("charset-normalizer")

    def validate(self, path: Path) -> ValidationResult:
        """Judge a text; `.csv` and `.json` in its name call for more (see `Validator`)."""
        return isolate.call(Pool.LIBRARIES, _judge, path)


def _judge(path: Path) -> ValidationResult:
    agents = VALIDATOR.agents()
    nothing = empty(NAME, path, agents)
    if nothing is not None:
        return nothing
    found = Findings(NAME, agents)
    encoding = _holding(path, _encoding(path))
    utf8 = encoding.name in ("utf-8", "ascii")
    found.properties.update(
        encoding=encoding.name, bom=encoding.mark > 0, utf8=utf8, guessed=encoding.guessed
    )
    if encoding.guessed:
        found.warn("text.encoding_guessed", encoding.name)
    try:
        _lines(path, encoding, found)
    except UnicodeError as error:
        found.error("text.encoding", f"{encoding.name}: {error}")
    kind = path.suffix.lower()
    if found.open and kind == ".csv":
        _table(path, encoding, found)
    elif found.open and kind in (".json", ".jsonld", ".geojson"):
        _json(path, encoding, found)
    return found.result()


def _blocks(path: Path, encoding: Encoding) -> Iterator[str]:
    """Yield the text in blocks. Raises UnicodeDecodeError."""
    decoder = codecs.getincrementaldecoder(encoding.name)("strict")
    with path.open("rb") as stream:
        stream.seek(encoding.mark)
        while block := stream.read(_BLOCK):
            yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _encoding(path: Path) -> Encoding:
    with path.open("rb") as stream:
        decided = text_encoding.by_mark(stream.read(4096))
    if decided is not None:
        return decided
    ascii_only = True
    try:
        for text in _blocks(path, Encoding("utf-8")):
            ascii_only = ascii_only and text.isascii()
    except UnicodeDecodeError:
        sample = _sample(path)
        return text_encoding.single_byte(sample) or _by_statistics(sample)
    return Encoding("ascii" if ascii_only else "utf-8")


def _by_statistics(sample: bytes) -> Encoding:
    """Return the likeliest encoding of a sample in which Swedish letters decide nothing."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return Encoding(best.encoding.replace("_", "-") if best else "iso-8859-1", guessed=True)


def _holding(path: Path, encoding: Encoding) -> Encoding:
    """Return a guess if it holds for the whole file, otherwise ISO 8859-1, which always does."""
    if not encoding.guessed:
        return encoding
    try:
        for _ in _blocks(path, encoding):
            pass
    except UnicodeError:
        return Encoding("iso-8859-1", guessed=True)
    return encoding


def _sample(path: Path) -> bytes:
    """Return the lines that have bytes above 127, up to the size of a sample."""
    kept: list[bytes] = []
    size = 0
    with path.open("rb") as stream:
        # A limit on the line: a file without line ends is one line.
        while (line := stream.readline(65536)) and size < _SAMPLE:
            if not line.isascii():
                kept.append(line)
                size += len(line)
    return b"".join(kept)


def _lines(path: Path, encoding: Encoding, found: Findings) -> None:
    ends: Counter[str] = Counter()
    controls = characters = 0
    held = ""
    for text in _blocks(path, encoding):
        characters += len(text)
        controls += sum(1 for _ in _CONTROL.finditer(text))
        # CR at the end of a block may be half of a CR LF.
        whole = held + text
        held = "\r" if whole.endswith("\r") else ""
        ends.update(_LINE_ENDS.findall(whole[:-1] if held else whole))
    if held:
        ends["\r"] += 1
    names = {"\n": "lf", "\r\n": "crlf", "\r": "cr"}
    kinds = [names[end] for end in ends]
    found.properties["line_ends"] = "mixed" if len(kinds) > 1 else (kinds or ["none"])[0]
    found.properties["lines"] = sum(ends.values()) + (0 if _ended(path, encoding) else 1)
    found.properties["characters"] = characters
    if len(kinds) > 1:
        found.warn("text.line_ends", ", ".join(f"{names[e]}: {n}" for e, n in ends.items()))
    # A stray control character is an oddity; one in a hundred is a program or a picture.
    if controls * 100 > characters:
        found.error("text.binary", f"{controls} control characters among {characters}")
    elif controls:
        found.warn("text.control", f"{controls} control characters among {characters}")


def _ended(path: Path, encoding: Encoding) -> bool:
    """Return whether the last character is a line end."""
    width = {"utf-16": 2, "utf-32": 4}.get(encoding.name[:6], 1)
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(stream.tell() - width, 0))
        return stream.read().strip(b"\0") in (b"\n", b"\r")


def _table(path: Path, encoding: Encoding, found: Findings) -> None:
    csv.field_size_limit(_FIELD_LIMIT)
    with path.open(encoding=encoding.name, newline="") as stream:
        stream.seek(encoding.mark)
        sample = stream.read(65536)
        try:
            dialect = csv.Sniffer().sniff(sample, delimiters=";,\t|")
            delimiter = dialect.delimiter
        except csv.Error:
            # Excel in Swedish writes semicolons, since the comma is the decimal sign.
            delimiter = max(";,\t|", key=sample.count) if sample else ";"
        stream.seek(encoding.mark)
        widths: Counter[int] = Counter()
        try:
            for row in csv.reader(stream, delimiter=delimiter):
                widths[len(row)] += 1 if row else 0
        except csv.Error as error:
            found.error("text.csv", str(error), Outcome.INVALID)
            return
    rows = sum(widths.values())
    columns, usual = widths.most_common(1)[0] if widths else (0, 0)
    found.properties.update(delimiter=delimiter, columns=columns, rows=rows, ragged=rows - usual)
    if rows - usual:
        odd = ", ".join(f"{width}: {n}" for width, n in itertools.islice(widths.items(), 10))
        found.warn("text.csv_ragged", f"rows by number of columns: {odd}")


def _json(path: Path, encoding: Encoding, found: Findings) -> None:
    if path.stat().st_size > _JSON_LIMIT:
        found.undecided("text.json_too_large", f"over {_JSON_LIMIT} bytes", Outcome.TOO_LARGE)
        return
    try:
        json.loads("".join(_blocks(path, encoding)))
    except RecursionError:
        found.undecided("text.json_too_large", "nested too deeply", Outcome.TOO_LARGE)
    except ValueError as error:
        found.error("text.json", str(error))


VALIDATOR = TextValidator()
