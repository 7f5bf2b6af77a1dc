# SPDX-License-Identifier: AGPL-3.0-or-later
"""Open a PDF with pikepdf, and say in our own terms why it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.core.errors import DamagedError, PasswordError


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Yield the open document.

    Raises PasswordError, and DamagedError also for what a damaged structure makes of
    reading it: pikepdf raises these where an object is of another kind than it must be.
    """
    import pikepdf

    try:
        with pikepdf.open(path, suppress_warnings=True) as document:
            yield document
    except pikepdf.PasswordError as error:
        raise PasswordError("the document needs a password", "pdf.password") from error
    except (
        pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError,
    ) as error:  # fmt: skip
        raise DamagedError(f"{type(error).__name__}: {error}"[:300], "pdf.damaged") from error
