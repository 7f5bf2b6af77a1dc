# SPDX-License-Identifier: AGPL-3.0-or-later
"""Run our UNO calls on LibreOffice's main thread, with no event handled in between.

Between two calls from outside, LibreOffice's event loop runs. Debian's "nogui" packages
lack the windows' descriptions, so that loop aborts the program when it comes to open the
window of a comment or a header: 6 of 176 office files killed it. A callback runs on the
main thread, and the calls made from within it run there as well, because UNO carries the
thread's identity along: just as `soffice --convert-to` works, which survives those files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import uno
import unohelper

R = TypeVar("R")
_Callback: type[Any] = uno.getClass("com.sun.star.awt.XCallback")


class _Job(unohelper.Base, _Callback, Generic[R]):  # type: ignore[misc]
    """One piece of work, and what came of it."""

    def __init__(self, work: Callable[[], R]) -> None:
        self._work = work
        self.result: R | None = None
        self.error: Exception | None = None
        self.done = threading.Event()

    def notify(self, data: Any) -> None:
        """Do the work. Called by LibreOffice, which could not do anything with an error."""
        del data
        try:
            self.result = self._work()
        except Exception as error:  # noqa: BLE001 - `run` raises it
            self.error = error
        finally:
            self.done.set()


def run(context: Any, work: Callable[[], R]) -> R:
    """Return `work()`, done on the main thread. Raises what it raises."""
    job = _Job(work)
    callback = context.ServiceManager.createInstanceWithContext(
        "com.sun.star.awt.AsyncCallback", context
    )
    callback.addCallback(job, None)
    # No limit here: the WarmServer kills this process when the budget is used up, and
    # `server.Office` ends it when LibreOffice dies.
    job.done.wait()
    if job.error is not None:
        raise job.error
    return job.result  # type: ignore[return-value]
