# SPDX-License-Identifier: AGPL-3.0-or-later
"""Open a PDF with pikepdf, and say in our own terms why it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.core.errors import DamagedError, PasswordError


def odd() -> tuple[type[Exception], ...]:
    """Return what the libraries raise where an object is of another kind than it must be."""
    import pikepdf
    import pymupdf

    return (
        pikepdf.PdfError, pymupdf.mupdf.FzErrorBase, ValueError, TypeError, KeyError,
        AttributeError, IndexError, RuntimeError, ArithmeticError, AssertionError,
    )  # fmt: skip


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Yield the open document.

    Raises PasswordError, and DamagedError also for what a damaged structure makes of
    reading it.
    """
    import pikepdf

    try:
        with pikepdf.open(path, suppress_warnings=True) as document:
            yield document
    except pikepdf.PasswordError as error:
        raise PasswordError("the document needs a password", "pdf.password") from error
    except odd() as error:
        raise DamagedError(f"{type(error).__name__}: {error}"[:300], "pdf.damaged") from error
