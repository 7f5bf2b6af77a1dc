# SPDX-License-Identifier: AGPL-3.0-or-later
"""`[storage]`: where workers work, how long to wait for a server, how to reach it.

A secret never stands in a configuration, because a run writes its settings into the
ledger: an option names where it is, `env:VARIABLE` or `file:/path`, and the process that
opens the storage looks it up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.core.errors import ConfigError

_REFERENCE = re.compile(r"(env|file):(.+)", re.DOTALL)
_SECRET = re.compile(
    r"(^|_)(key|secret|token|password|pass|passwd|credentials?)$|connection_string"
)


@dataclass(frozen=True, slots=True)
class Storage:
    """How storage is used.

    `scratch`: folder for what workers have in hand ("": in the output folder, or the
    worker's TMPDIR where outputs go to object storage). `patience_seconds`: how long a
    server may be away; `request_seconds`: how long it may take for one request of at most
    16 MiB. `checksums`: the server is asked to keep the SHA-256 of each object. `options`:
    fsspec's storage_options, per protocol.
    """

    scratch: str = ""
    patience_seconds: float = 300.0
    request_seconds: float = 60.0
    checksums: bool = True
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def check(storage: Storage, where: str) -> None:
    """Raise ConfigError, naming `where`, for what cannot be used or would tell a secret."""
    if storage.patience_seconds < 0 or storage.request_seconds <= 0:
        raise ConfigError(f"{where}: storage: seconds must be positive")
    if storage.scratch and not os.path.isabs(storage.scratch):
        raise ConfigError(f"{where}: storage: scratch must be an absolute path")
    for protocol, options in storage.options.items():
        if not isinstance(options, Mapping):
            raise ConfigError(f"{where}: storage: options: {protocol}: a table is expected")
        _check_secrets(options, f"{where}: storage: options: {protocol}")


def _check_secrets(options: Mapping[str, Any], where: str) -> None:
    for name, value in options.items():
        if isinstance(value, Mapping):
            _check_secrets(value, f"{where}: {name}")
        elif isinstance(value, str):
            if _SECRET.search(name.lower()) and not _REFERENCE.fullmatch(value):
                raise ConfigError(
                    f"{where}: {name}: a secret does not belong here, for the settings are "
                    'recorded; write "env:VARIABLE" or "file:/path"'
                )
            if value.startswith("env:SKANEARKIV_"):
                raise ConfigError(
                    f"{where}: {name}: variables called SKANEARKIV_... are passed on to the "
                    "tools that open files; name it otherwise"
                )
            if "://" in value and "@" in urlsplit(value).netloc:
                raise ConfigError(f"{where}: {name}: an address must not hold a password")


def resolved(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with what they refer to. Raises ConfigError where that is missing."""
    return {name: _resolved(name, value) for name, value in options.items()}


def _resolved(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return resolved(value)
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    kind, target = found.groups()
    if kind == "env":
        if target not in os.environ:
            raise ConfigError(f"storage: {name}: the variable {target} is not set")
        return os.environ[target]
    try:
        return Path(target).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"storage: {name}: {target} cannot be read: {error}") from error
