# SPDX-License-Identifier: AGPL-3.0-or-later
"""Office documents to PDF/A-2b with LibreOffice."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from migrators.base import Options
from migrators.libreoffice import client, stamp
from pipeline.core.errors import EmptyError, NotConvertedError, from_os_error
from pipeline.core.isolate import Pool, call
from pipeline.core.records import Agent, Message, MigrationNote, Severity
from pipeline.core.versions import wheel_agent

FACTS = "office-facts.json"  # in the working folder, for the fidelity judge

_FILTERS: dict[str, tuple[str, str]] = {
    puid: (name, kind)
    for kind, table in tomllib.loads(
        files("migrators.libreoffice").joinpath("filters.toml").read_text(encoding="utf-8")
    ).items()
    for puid, name in table.items()
}

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
    "notes": Severity.INFO,
}


class OfficeToPdfa:
    """Loads by the filter that the PUID calls for, and exports everything there is.

    `settings`: sheets = "single-page" (default) or "printed"; hidden = true (default):
    hidden slides are exported too, as hidden sheets always are; comments = "leave" (default)
    or "margin" (text documents; not with Debian's "nogui" packages).
    """

    name = "office_to_pdfa"
    sources = frozenset(_FILTERS)
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
        reading = _FILTERS[options.puid]
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
        messages = _messages(facts)
        if reading[1] == "calc" and settings.get("sheets") != "printed":
            whole = made["letters"] >= _WHOLE * stamp.letters(str(facts["text"]))
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
        expected = None if unknown else facts["pages"] - made["dropped"]
        known = {
            "pages": expected,
            "kind": reading[1],
            "images": facts["images"],
            "text": facts["text"],
        }
        _write_facts(options.workdir / FACTS, known)
        method = f"LibreOffice {client.OFFICE.version()}, {reading[0]}, PDF/A-2b"
        return MigrationNote(method, tuple(messages), self.agents())


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
        made = call(Pool.LIBRARIES, stamp.finish, self._raw, target, created, modified)
        self._raw.unlink(missing_ok=True)
        return facts, made


def _messages(facts: Mapping[str, Any]) -> list[Message]:
    found = [
        Message(f"office.{fact}", severity, str(facts[fact]))
        for fact, severity in _TOLD.items()
        if facts.get(fact)
    ]
    if facts["fonts_missing"]:
        detail = ", ".join(facts["fonts_missing"])
        found.append(Message("office.fonts_missing", Severity.WARNING, detail))
    found += [Message("office.notice", Severity.WARNING, str(one)) for one in facts["notices"]]
    return found


def _write_facts(path: Path, known: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(known), encoding="ascii")
    except OSError as error:
        raise from_os_error(error) from error


MIGRATOR = OfficeToPdfa()
