# SPDX-License-Identifier: AGPL-3.0-or-later
"""No validator: whoever loads it as a site's works a share longer on each file.

The share is what the variable SKANEARKIV_PLANTED says, e.g. 0.2. The time is spent working,
not asleep, as slow code spends it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any


def slowed(work: Callable[..., Any], share: float) -> Callable[..., Any]:
    """Return `work`, followed by as much idle counting as its time asks for."""

    def longer(*given: Any) -> Any:
        started = time.monotonic()
        made = work(*given)
        end = time.monotonic() + share * (time.monotonic() - started)
        while time.monotonic() < end:
            pass
        return made

    return longer


_tasks = sys.modules.get("pipeline.execution.tasks")
if _tasks is not None:
    _tasks.process = slowed(_tasks.process, float(os.environ["SKANEARKIV_PLANTED"]))  # type: ignore[attr-defined]
