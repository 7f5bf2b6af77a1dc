# SPDX-License-Identifier: AGPL-3.0-or-later
"""Office documents to PDF/A-2b with LibreOffice."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migrators.base import Options
from migrators.libreoffice import client, readers, stamp, stand_ins
from migrators.pdf_to_pdfa import PdfToPdfa
from pipeline.core.errors import EmptyError, NotConvertedError, from_os_error
from pipeline.core.isolate import Pool, call
from pipeline.core.records import Agent, Message, MigrationNote, Severity, Verdict
from pipeline.core.versions import wheel_agent

FACTS = "office-facts.json"  # in the working folder, for the fidelity judge

# With one page a sheet, text that runs past the last column is cut off. Where that costs
# more than two letters of a hundred, the sheets as they would be printed may show more.
_WHOLE = 0.98

# Fact -> severity. The text of each is `office.<fact>` in validators/remedies/office.toml.
_TOLD = {
    "macros": Severity.WARNING,
    "hidden": Severity.WARNING,
    "comments": Severity.WARNING,
    "tracked_changes": Severity.WARNING,
    "live_dates": Severity.WARNING,
    "hidden_cells": Severity.WARNING,
    "hidden_text": Severity.WARNING,
    "protected": Severity.INFO,
    "notes": Severity.INFO,
}
_FOR_THE_JUDGE = ("images", "text", "headings", "language")


class OfficeToPdfa:
    """Loads by the filter that the PUID calls for, and exports everything there is.

    `settings`: sheets = "single-page" (default) or "printed"; hidden = true (default: sheets
    and slides that are hidden are exported), "all" (hidden rows, columns, text and sections
    too) or false; tracked = "leave" (default: as the document shows them), "shown",
    "accepted" or "rejected"; notes = "leave" (default) or "pages" (a page of notes after the
    slides for each); comments = "leave" (default) or "margin" (text documents; not with
    Debian's "nogui" packages).
    """

    name = "office_to_pdfa"
    sources = frozenset(readers.FILTERS)
    target_puids = frozenset({"fmt/477", "fmt/476"})

    def agents(self) -> tuple[Agent, ...]:
        """Return LibreOffice and pikepdf with versions. Raises ToolMissingError."""
        client.PYTHON.version()
        return (
            Agent("LibreOffice", client.OFFICE.version()),
            wheel_agent("pikepdf", "dates and file identifier"),
        )

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write `target`. Raises PasswordError, DamagedError, EmptyError, NotConvertedError."""
        reading = readers.FILTERS[options.puid]
        # LibreOffice puts lock files beside what it opens, and its links lead from there.
        copy = options.workdir / f"source{source.suffix if source.suffix.isascii() else ''}"
        try:
            shutil.copyfile(source, copy)
        except OSError as error:
            raise from_os_error(error) from error
        if copy.stat().st_size == 0:
            raise EmptyError("0 bytes")
        work = _Work(copy, options.workdir, reading)
        settings: dict[str, Any] = dict(options.settings)
        facts, made = work.export(target, settings)
        messages = _messages(facts, options.workdir)
        if reading[1] == "calc" and settings.get("sheets") != "printed":
            whole = made["letters"] >= _WHOLE * stamp.letters(str(facts["text"]))
            whole = whole or settings.get("hidden") is False
            if not (whole and made["pages"]):
                settings["sheets"] = "printed"
                other = options.workdir / "office-printed.pdf"
                printed, second = work.export(other, settings)
                if second["letters"] > made["letters"] or not made["pages"]:
                    facts, made = printed, second
                    os.replace(other, target)
                    messages.append(Message("office.sheets_as_printed", Severity.INFO))
        if made["media"]:
            messages.append(Message("office.media", Severity.WARNING, str(made["media"])))
        if made["path_shown"]:
            # It would state as the document's own where a worker happened to convert it.
            raise NotConvertedError("the document prints its own path", "office.path_shown")
        if made["too_large"]:
            raise NotConvertedError("a page is larger than PDF/A allows", "office.page_too_large")
        if not made["pages"]:
            raise EmptyError("the document has no page with anything on it", "office.no_content")
        # A sheet as printed may take any number of pages; an empty one takes none.
        cut = reading[1] == "calc" and settings.get("sheets") == "printed"
        unknown = cut or facts["pages"] is None
        unknown = unknown or settings.get("notes") == "pages"
        expected = None if unknown else facts["pages"] - made["dropped"]
        known = {name: facts[name] for name in _FOR_THE_JUDGE}
        known |= {"pages": expected, "kind": reading[1], "live_dates": facts["live_left"]}
        known |= {name: settings[name] for name in ("hidden", "tracked") if name in settings}
        _write_facts(options.workdir / FACTS, known)
        method = f"LibreOffice {client.OFFICE.version()}, {reading[0]}, PDF/A-2b"
        note = MigrationNote(method, tuple(messages), self.agents())
        return _mended(target, options, note)


def _mended(target: Path, options: Options, made: MigrationNote) -> MigrationNote:
    """Mend what LibreOffice wrote where it is not valid.

    A letter that no font has gives a PDF that refers to a glyph that is not there. Raises
    NotConvertedError.
    """
    if options.judge(target).verdict is Verdict.VALID:
        return made  # known by content: the proof does not ask again
    raw = options.workdir / "office-not-valid.pdf"
    os.replace(target, raw)
    note = PdfToPdfa().convert(raw, target, options, metadata_from=None)
    return MigrationNote(
        f"{made.method}, {note.method}", made.messages + note.messages, made.agents, note.checks
    )


class _Work:
    """One source on its way through LibreOffice, in one or two manners."""

    def __init__(self, source: Path, folder: Path, reading: tuple[str, str]) -> None:
        self._source = source
        self._raw = folder / "office-raw.pdf"
        self._reading = reading

    def export(
        self, target: Path, settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Write `target`; return LibreOffice's facts and what `stamp.finish` tells."""
        facts = client.convert(self._source, self._raw, self._reading, settings)
        created, modified = str(facts["created"]), str(facts["modified"])
        language = str(facts["language"])
        printed = settings.get("sheets") == "printed"
        left_out: list[int] = [] if printed else list(facts["left_out"])
        made = call(
            Pool.LIBRARIES, stamp.finish, self._raw, target, created, modified, language, left_out
        )
        self._raw.unlink(missing_ok=True)
        return facts, made


def _messages(facts: Mapping[str, Any], folder: Path) -> list[Message]:
    found = [
        Message(f"office.{fact}", severity, str(facts[fact]))
        for fact, severity in _TOLD.items()
        if facts.get(fact)
    ]
    if facts["embedded"]:
        detail = ", ".join(f"{count} {kind}" for kind, count in sorted(facts["embedded"].items()))
        found.append(Message("office.embedded", Severity.WARNING, detail))
    if facts["links"]:
        detail = ", ".join(stamp.relative(one, folder) for one in facts["links"])
        found.append(Message("office.external_links", Severity.WARNING, detail[:500]))
    found += _fonts(list(facts["fonts_missing"]), folder)
    found += [Message("office.notice", Severity.WARNING, str(one)) for one in facts["notices"]]
    return found


def _fonts(missing: list[str], folder: Path) -> list[Message]:
    """Tell which font stands for each that is missing, apart: those of the same widths."""
    taken = stand_ins.of(missing, folder)
    alike = {name for name, other in taken.items() if stand_ins.same_widths(name, other)}
    found = []
    for code, severity, names in (
        ("office.fonts_metric", Severity.INFO, [n for n in taken if n in alike]),
        ("office.fonts_missing", Severity.WARNING, [n for n in taken if n not in alike]),
    ):
        if names:
            detail = "; ".join(f"{name}: {taken[name] or '?'}" for name in names)
            found.append(Message(code, severity, detail))
    return found


def _write_facts(path: Path, known: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(known), encoding="ascii")
    except OSError as error:
        raise from_os_error(error) from error


MIGRATOR = OfficeToPdfa()
