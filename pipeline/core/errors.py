# SPDX-License-Identifier: AGPL-3.0-or-later
"""Errors. Two kinds: those that stop a run before it starts, and those of one file.

A `FileError` is recorded with its file and the run goes on. Each class carries the
outcome that is recorded; the first line of each docstring is a sentence for people.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.core.records import Outcome


class SkanearkivError(Exception):
    """Something went wrong."""

    exit_code: ClassVar[int] = 1


class ConfigError(SkanearkivError):
    """The configuration or the command line cannot be used as it is."""

    exit_code = 2


class ToolMissingError(SkanearkivError):
    """A program that the run needs is not installed."""

    exit_code = 3

    def __init__(self, tool: str, remedy: str) -> None:
        super().__init__(f"{tool} was not found; {remedy}")
        self.tool = tool
        self.remedy = remedy


class RunStoppedError(SkanearkivError):
    """The run cannot go on now (disk full, ledger not writable); start it again later."""

    exit_code = 4


class LedgerBusyError(RunStoppedError):
    """The ledger cannot be written at this moment: no room, or another program holds it."""


class FileError(SkanearkivError):
    """A file could not be handled."""

    outcome: ClassVar[Outcome] = Outcome.TOOL_FAILURE

    def __init__(self, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or f"file.{self.outcome.value}"


class DamagedError(FileError):
    """The file's content is damaged or not what its format says."""

    outcome = Outcome.DAMAGED


class EmptyError(FileError):
    """The file has no content."""

    outcome = Outcome.EMPTY


class PasswordError(FileError):
    """The file is encrypted and needs a password."""

    outcome = Outcome.PASSWORD


class TooLargeError(FileError):
    """The file exceeds a limit of the configuration."""

    outcome = Outcome.TOO_LARGE


class ToolTimeoutError(FileError):
    """A tool did not finish within its time limit and was killed."""

    outcome = Outcome.TIMEOUT


class OutOfMemoryError(FileError):
    """A tool needed more memory than its limit."""

    outcome = Outcome.OUT_OF_MEMORY


class CrashError(FileError):
    """A tool died while working on the file."""

    outcome = Outcome.CRASH


class KilledError(CrashError):
    """A tool was killed from outside (SIGKILL): by a person, or for want of memory."""


class ToolFailureError(FileError):
    """A tool reported an error of its own."""

    outcome = Outcome.TOOL_FAILURE


class NotConvertedError(FileError):
    """No valid target could be made."""

    outcome = Outcome.NOT_CONVERTED


class UnreadableError(FileError):
    """The file cannot be read."""

    outcome = Outcome.UNREADABLE


class VanishedError(FileError):
    """The file was there when the delivery was scanned and is gone now."""

    outcome = Outcome.VANISHED


class ChangedError(FileError):
    """The file was changed while it was being read."""

    outcome = Outcome.CHANGED


class DiskFullError(FileError):
    """There is no room on the disk for what must be written."""

    outcome = Outcome.DISK_FULL


class StorageError(FileError):
    """The object storage did not answer for as long as it was waited for."""

    outcome = Outcome.STORAGE


FILE_ERRORS: dict[str, type[FileError]] = {
    cls.__name__: cls
    for cls in (
        FileError,
        DamagedError,
        EmptyError,
        PasswordError,
        TooLargeError,
        ToolTimeoutError,
        OutOfMemoryError,
        CrashError,
        ToolFailureError,
        NotConvertedError,
        UnreadableError,
        VanishedError,
        ChangedError,
        DiskFullError,
        StorageError,
    )
}


def from_os_error(error: OSError) -> FileError:
    """Translate an operating system error into the outcome it means for the file."""
    import errno

    text = f"{error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(text)
    if error.errno == errno.ENOENT:
        return VanishedError(text)
    return UnreadableError(text)
