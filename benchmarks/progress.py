# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is being done: on a terminal in place, and where nobody watches a line now and then."""

from __future__ import annotations

import sys
import time

_EVERY = 30.0  # seconds between lines in a log
_said = [-_EVERY]


def show(text: str) -> None:
    """Show it on stderr; "" clears the line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text and time.monotonic() - _said[0] >= _EVERY:
        _said[0] = time.monotonic()
        print(text, file=sys.stderr, flush=True)
