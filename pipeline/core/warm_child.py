# SPDX-License-Identifier: AGPL-3.0-or-later
"""The child's side of a warm server: `python -m pipeline.core.warm_child`.

A request names a function as `module:function` of our own four packages and its
arguments. Whatever a library prints goes to stderr: descriptor 1 is redirected
before anything is imported, so that no print can be taken for a reply.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any, BinaryIO

from pipeline.core import codec
from pipeline.core.errors import FileError, OutOfMemoryError
from pipeline.core.plugins import extended

# PyMuPDF 2.0 loads these if it can: a model that finds tables and columns, which nothing here
# asks for, with its runtime. 0.8 instead of 0.1 s of processor time, 138 instead of 47 MB and
# five threads, each time that a child starts. It takes "not there" for an answer.
_NOT_LOADED = ("pymupdf.layout", "pymupdf4llm")
_OURS = ("pipeline.", "format_registry.", "validators.", "migrators.", "tests.")


def _call(request: dict[str, Any]) -> Any:
    module, _, function = str(request["call"]).partition(":")
    if not module.startswith(_OURS):
        raise ValueError(f"{module} is not ours")
    extended(module.rpartition(".")[0])
    return getattr(importlib.import_module(module), function)(*request["args"])


def _answer(request: dict[str, Any]) -> bytes:
    try:
        return codec.dumps({"value": _call(request)})
    except FileError as error:
        return _error(type(error).__name__, error.detail, error.code)
    except MemoryError:
        return _error(OutOfMemoryError.__name__, "memory limit reached", "")
    except Exception as error:  # noqa: BLE001
        # Libraries raise anything on hostile input; the caller records it with the
        # file. The traceback goes to the log for whoever must mend it.
        traceback.print_exc()
        return _error("ToolFailureError", f"{type(error).__name__}: {error}"[:1000], "")


def _error(name: str, detail: str, code: str) -> bytes:
    clean = detail.encode("utf-8", "backslashreplace").decode("utf-8")
    return codec.dumps({"error": name, "detail": clean, "code": code})


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def main() -> None:
    """Answer requests until standard input ends."""
    sys.modules.update(dict.fromkeys(_NOT_LOADED))  # type: ignore[arg-type] # None: not to be found
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(int(os.environ.pop("SKANEARKIV_REPLY_FD")), "wb")
    os.set_inheritable(replies.fileno(), False)
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    _write(replies, codec.dumps({"value": "ready"}))
    while True:
        try:
            size = int.from_bytes(_read_exactly(requests, 4), "big")
            request = codec.loads(_read_exactly(requests, size))
        except EOFError:
            return
        _write(replies, _answer(request))


def _write(stream: BinaryIO, body: bytes) -> None:
    stream.write(len(body).to_bytes(4, "big") + body)
    stream.flush()


if __name__ == "__main__":
    sys.setrecursionlimit(3000)
    main()
