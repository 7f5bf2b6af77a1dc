# SPDX-License-Identifier: AGPL-3.0-or-later
"""Load and store a document over UNO, and tell a bad file from a bad LibreOffice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import uno
import unohelper

from pipeline.core.errors import DamagedError, NotConvertedError, PasswordError

SERVICES = {
    "writer": "com.sun.star.text.TextDocument",
    "calc": "com.sun.star.sheet.SpreadsheetDocument",
    "impress": "com.sun.star.presentation.PresentationDocument",
    "draw": "com.sun.star.drawing.DrawingDocument",
}

NoConnectException: type[Any] = uno.getClass("com.sun.star.connection.NoConnectException")
DisposedException: type[Any] = uno.getClass("com.sun.star.lang.DisposedException")
UnoException: type[Any] = uno.getClass("com.sun.star.uno.Exception")
_Handler: type[Any] = uno.getClass("com.sun.star.task.XInteractionHandler")
# The first that is offered is given. "Shall the broken package be repaired?" offers Approve
# and Disapprove: half a document would become a whole one.
_ANSWERS = ("Abort", "Disapprove", "Approve")


class Answers(unohelper.Base, _Handler):  # type: ignore[misc]
    """Answers LibreOffice's questions: no password, no repair, and what was asked is kept."""

    def __init__(self) -> None:
        self.password = False
        self.notices: list[str] = []

    def handle(self, request: Any) -> None:
        """Abort, but for a warning that has no other answer than to go on.

        What is asked shows in the answers that are offered. The question itself cannot be
        had: it is an exception, and pyuno 7.4 fails on one that is returned, not raised.
        """
        offered = {
            kind.typeName.rpartition(".XInteraction")[2]: answer
            for answer in request.getContinuations()
            for kind in answer.getTypes()
        }
        if offered.keys() & {"Password", "Password2"}:
            self.password = True
        else:
            known = sorted(name for name in offered if name in _ANSWERS)
            self.notices.append(f"LibreOffice asked; possible answers: {', '.join(known)}")
        for name in _ANSWERS:
            if name in offered:
                offered[name].select()
                return


_held: list[Any] = []


def shapes(container: Any) -> Iterator[Any]:
    """Yield the shapes of a page, a sheet or a group, and keep hold of each.

    LibreOffice 7.4 destroys a shape's object when its last reference is given back, on
    another thread and, as the main thread is busy with us, after the document is closed:
    in memory that is not its own any more. It crashed or hung at the file that came next,
    21 times with 212 documents. What is held is gone with LibreOffice, when that is replaced.
    """
    for shape in container:
        _held.append(shape)
        yield shape


class Opened:
    """A document while it is open: `with Opened(...) as document`.

    Not a generator under `contextmanager`: that one sets `__traceback__` on an exception
    that passes, which UNO's exceptions refuse, and the reason would be lost.
    """

    def __init__(self, desktop: Any, source: Path, filter_in: str, kind: str) -> None:
        self._answers = Answers()
        self._document: Any = None
        self._load = (desktop, source, filter_in, kind)

    @property
    def notices(self) -> list[str]:
        """What LibreOffice wanted to tell or ask while it loaded."""
        return self._answers.notices

    def __enter__(self) -> Any:
        self._document = _loaded(*self._load, self._answers)
        return self._document

    def __exit__(self, *exception: object) -> None:
        # With True, whoever objects closes it later; left open, documents would pile up.
        self._document.close(True)


def _loaded(desktop: Any, source: Path, filter_in: str, kind: str, answers: Answers) -> Any:
    """Load a document with the filter that its PUID calls for.

    Without a filter name LibreOffice detects a format itself, and takes anything for
    text: random bytes, an empty .docx and a text named .xlsx all became PDFs.
    Raises PasswordError and DamagedError.
    """
    properties = {
        "FilterName": filter_in,
        "Hidden": True,
        # Read-only, hidden sheets cannot be shown. The source is a copy of the caller's.
        "ReadOnly": False,
        "AsTemplate": False,
        "RepairPackage": False,
        "MacroExecutionMode": uno.Any("short", 0),  # NEVER_EXECUTE
        "UpdateDocMode": uno.Any("short", 0),  # NO_UPDATE: links and fields stay as they are
        "InteractionHandler": answers,
    }
    document, why = None, ""
    try:
        document = desktop.loadComponentFromURL(
            uno.systemPathToFileUrl(str(source)), "_blank", 0, values(properties)
        )
    except DisposedException:
        raise
    except UnoException as error:
        if _gone(error):
            raise
        why = f"{type(error).__name__.rpartition('.')[2]}: {error.Message}"
    if document is None:
        if answers.password:
            raise PasswordError("LibreOffice asks for a password", "office.password")
        detail = "; ".join(filter(None, [why, *answers.notices])) or "no reason given"
        raise DamagedError(f"LibreOffice cannot load it as {filter_in}: {detail}", "office.load")
    if not document.supportsService(SERVICES[kind]):
        document.close(True)
        raise DamagedError(f"LibreOffice made no {kind} document of it", "office.load")
    return document


def store(
    document: Any, target: Path, filter_out: str, data: Mapping[str, Any], **further: str
) -> None:
    """Write a document to `target`; `data` for the filter, `further` for the descriptor.

    Raises NotConvertedError.
    """
    properties: dict[str, Any] = {"FilterName": filter_out, "Overwrite": True, **further}
    if data:
        properties["FilterData"] = uno.Any("[]com.sun.star.beans.PropertyValue", values(data))
    try:
        uno.invoke(
            document,
            "storeToURL",
            (
                uno.systemPathToFileUrl(str(target)),
                uno.Any("[]com.sun.star.beans.PropertyValue", values(properties)),
            ),
        )
    except DisposedException:
        raise
    except UnoException as error:
        if _gone(error):
            raise
        raise NotConvertedError(
            f"LibreOffice cannot write {filter_out}: {error.Message}", "office.export"
        ) from error


def _gone(error: Any) -> bool:
    """Whether LibreOffice ended during the call, which is not the file's fault at once."""
    return "bridge disposed" in str(error.Message)


def values(properties: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return properties as UNO wants them."""
    return tuple(
        uno.createUnoStruct("com.sun.star.beans.PropertyValue", name, 0, value, 0)
        for name, value in properties.items()
    )
