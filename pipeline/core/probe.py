# SPDX-License-Identifier: AGPL-3.0-or-later
"""How to find an external program, ask its version, and what to say when it is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.core.errors import ToolMissingError
from pipeline.core.posix import environment


@dataclass(frozen=True, slots=True)
class ToolProbe:
    """One external program.

    `package` is its Debian package, `suffers` what cannot be done without it, in
    English. The variable SKANEARKIV_<NAME> (or `[tools]` in the configuration) names
    another program file to use.
    """

    name: str
    programs: tuple[str, ...]
    version_args: tuple[str, ...]
    version_pattern: str
    package: str
    suffers: str

    @property
    def variable(self) -> str:
        """Name of the environment variable that overrides the search."""
        return f"SKANEARKIV_{self.name.upper().replace('-', '_')}"

    def find(self) -> Path:
        """Return the program's path. Raises ToolMissingError."""
        override = os.environ.get(self.variable)
        for program in (override,) if override else self.programs:
            found = shutil.which(program)
            if found:
                return Path(found)
        raise ToolMissingError(self.name, f"install it with: apt-get install {self.package}")

    def version(self) -> str:
        """Return the version it states, asked once. Raises ToolMissingError."""
        return _version(self.find(), self.version_args, self.version_pattern, self.name)


@lru_cache(maxsize=64)
def _version(program: Path, args: tuple[str, ...], pattern: str, name: str) -> str:
    try:
        answer = subprocess.run(
            [str(program), *args],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=60,
            env=environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissingError(name, f"{program} does not answer: {error}") from error
    match = re.search(pattern, answer.stdout + answer.stderr)
    if match is None:
        raise ToolMissingError(name, f"{program} does not tell its version")
    return match.group(1)
