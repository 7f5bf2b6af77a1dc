# SPDX-License-Identifier: AGPL-3.0-or-later
"""FIDO (opf-fido), as a library; runs in the IDENTIFY child.

It reads only a file's head and tail, so it can take files of any size. Its container
matching is switched off: it takes OpenDocument 1.3 for 1.1 and every OLE file for
generic OLE2, and a wrong precise answer is worse than a right general one.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.core.errors import from_os_error
from pipeline.core.records import Agent, Basis, Opinion

NAME = "FIDO"


class _Engine:
    """One instance holds the compiled signatures; FIDO answers through a callback."""

    def __init__(self) -> None:
        # FIDO's modules hold escapes that newer Pythons warn about; nothing to act on.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import fido.fido as library
        config = Path(library.CONFIG_DIR)
        versions = (config / "versions.xml").read_text(encoding="utf-8")
        names = [
            _between(versions, "pronomSignature"),
            _between(versions, "fidoExtensionSignature"),
        ]
        self.signatures = names[0]
        self._matches: list[tuple[Any, str]] = []
        self._kind = ""
        self._fido = library.Fido(
            quiet=True,
            nocontainer=True,
            format_files=names,
            handle_matches=self._take,
        )

    def _take(self, _name: str, matches: list[tuple[Any, str]], _seconds: float, kind: str) -> None:
        self._matches, self._kind = matches, kind

    def ask(self, path: Path) -> tuple[tuple[str, ...], str]:
        self._matches, self._kind = [], ""
        # A file that cannot be opened makes FIDO print to stderr and call nothing.
        with path.open("rb"):
            self._fido.identify_file(str(path), extension=True)
        puids = (str(self._fido.get_puid(element)) for element, _ in self._matches)
        return tuple(dict.fromkeys(puids)), self._kind


@lru_cache(maxsize=1)
def _engine() -> _Engine:
    return _Engine()


def _between(text: str, tag: str) -> str:
    match = re.search(rf"<{tag}>([^<]+)</{tag}>", text)
    if match is None:
        raise ValueError(f"FIDO's versions.xml has no {tag}")
    return match.group(1)


def ask(path: Path) -> Opinion:
    """Identify one file. Raises VanishedError, UnreadableError."""
    engine = _engine()
    try:
        puids, kind = engine.ask(path)
    except OSError as error:
        raise from_os_error(error) from error
    basis = {"signature": Basis.SIGNATURE, "extension": Basis.EXTENSION}.get(kind, Basis.NONE)
    return Opinion(
        engine=NAME,
        engine_version=version("opf-fido"),
        signatures=engine.signatures,
        puids=puids,
        basis=basis if puids else Basis.NONE,
    )


def agent() -> Agent:
    """Return FIDO's version."""
    return Agent(NAME, version("opf-fido"), "head and tail only, containers off")
