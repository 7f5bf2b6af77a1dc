# SPDX-License-Identifier: AGPL-3.0-or-later
"""One coordinator per output folder, by a lock that a crash releases."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import ConfigError


def held(out: Path) -> bool:
    """Whether a run holds the folder's lock at this moment."""
    try:
        descriptor = os.open(out / ".lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # no run has been here, or we may not write here and so cannot ask
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def exclusive(out: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises ConfigError when another run holds it."""
    descriptor = os.open(out / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"another run is writing to {out}; wait for its end, or see its `status`"
            ) from None
        yield
    finally:
        os.close(descriptor)
