# SPDX-License-Identifier: AGPL-3.0-or-later
"""Records to JSON and back, for what crosses a pipe to a child that reads hostile files.

Pickle would let a child that a file has taken over run code in the worker; JSON does not.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
from enum import Enum
from pathlib import Path
from typing import Any

from pipeline.core import records, signed

_CLASSES: dict[str, type[Any]] = {
    name: value
    for name, value in {**vars(records), **vars(signed)}.items()
    if isinstance(value, type) and (dataclasses.is_dataclass(value) or issubclass(value, Enum))
}


def register(cls: type[Any]) -> type[Any]:
    """Let a further dataclass or enum cross; usable as a decorator."""
    _CLASSES[cls.__name__] = cls
    return cls


def pack(value: Any) -> Any:
    """Return `value` as JSON-able data. Raises TypeError for what cannot cross."""
    if isinstance(value, Enum):
        return {"!enum": type(value).__name__, "v": value.value}
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        # A name that is not UTF-8 holds lone surrogates, which JSON text cannot carry.
        return value if value.isprintable() or _encodable(value) else _surrogate(value)
    if isinstance(value, Path):
        return {"!path": base64.b64encode(os.fsencode(value)).decode()}
    if isinstance(value, bytes):
        return {"!bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [pack(item) for item in value]
    if isinstance(value, dict):
        return {"!map": [[pack(key), pack(item)] for key, item in value.items()]}
    if dataclasses.is_dataclass(value) and type(value).__name__ in _CLASSES:
        fields = {f.name: pack(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"!record": type(value).__name__, "v": fields}
    raise TypeError(f"{type(value).__name__} cannot cross a pipe")


def unpack(data: Any) -> Any:
    """Return what `pack` was given; lists come back as tuples. Raises ValueError."""
    if isinstance(data, list):
        return tuple(unpack(item) for item in data)
    if not isinstance(data, dict):
        return data
    if "!path" in data:
        return Path(os.fsdecode(base64.b64decode(data["!path"])))
    if "!bytes" in data:
        return base64.b64decode(data["!bytes"])
    if "!str" in data:
        return base64.b64decode(data["!str"]).decode("utf-8", "surrogatepass")
    if "!map" in data:
        return {unpack(key): unpack(item) for key, item in data["!map"]}
    if "!enum" in data:
        return _known(data["!enum"])(data["v"])
    if "!record" in data:
        return _known(data["!record"])(**{k: unpack(v) for k, v in data["v"].items()})
    raise ValueError(f"unknown shape: {sorted(data)}")


def dumps(value: Any) -> bytes:
    """Return `value` as UTF-8 JSON."""
    return json.dumps(pack(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def loads(data: bytes | str) -> Any:
    """Return the value behind `dumps`. Raises ValueError."""
    return unpack(json.loads(data))


def _known(name: str) -> type[Any]:
    if name not in _CLASSES:
        raise ValueError(f"unknown record {name!r}")
    return _CLASSES[name]


def _encodable(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _surrogate(value: str) -> dict[str, str]:
    return {"!str": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}
