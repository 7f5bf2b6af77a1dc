# SPDX-License-Identifier: AGPL-3.0-or-later
"""TOML tables to frozen dataclasses; an unknown key or a wrong type is an error that names it."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pipeline.core.errors import ConfigError

T = TypeVar("T")


def read(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return (tables, the file's bytes). Raises ConfigError with file and line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    try:
        return tomllib.loads(data.decode("utf-8")), data
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def build(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Return `cls` filled from a table. Raises ConfigError naming `where` and the key."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: a table is expected")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(fields)}"
            raise ConfigError(f"{where}: unknown key {key!r}{hint}")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(hints[name], table[name], f"{where}: {name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{where}: {name!r} is missing")
    return cls(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        plain = [one for one in typing.get_args(hint) if one is not type(None)]
        return _value(plain[0], value, where) if len(plain) == 1 else value
    if origin is tuple:
        item = typing.get_args(hint)[0]
        if not isinstance(value, list):
            raise ConfigError(f"{where}: a list is expected")
        return tuple(_value(item, one, where) for one in value)
    if origin is frozenset:
        return frozenset(_value(tuple[str, ...], value, where))
    if origin is not None:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: a table is expected")
        return {key: tuple(one) if isinstance(one, list) else one for key, one in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    if isinstance(hint, type) and issubclass(hint, str) and hint is not str:
        try:
            return hint(value)
        except ValueError:
            known = ", ".join(repr(str(one)) for one in hint)  # type: ignore[attr-defined]
            raise ConfigError(f"{where}: {value!r} is none of {known}") from None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        kind = "a date" if hint is date else expected.get(hint, str(hint))
        raise ConfigError(f"{where}: {kind} is expected, not {value!r}")
    return value
