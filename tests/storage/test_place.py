# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the command line may name, what may lie where, and where secrets may not stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import settings
from pipeline.config.storage import resolved
from pipeline.core.errors import ConfigError
from pipeline.storage.place import Address, apart, parse
from pipeline.storage.store import connect


def test_folders_and_addresses_are_told_apart() -> None:
    assert parse("/a/s3:/b") == Path("/a/s3:/b")
    assert parse("s3://bucket/a/b/") == Address("s3", "bucket", "a/b")
    assert parse("s3://bucket") == Address("s3", "bucket", "")


@pytest.mark.parametrize(
    "text",
    ["s3://", "s3:///a", "s3://b/../a", "s3://b//a", "file:///a", "s3://key:secret@bucket/a"],
)
def test_what_leads_nowhere_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse(text)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("one", "other", "free"),
    [
        ("s3://b/in", "s3://b/out", True),
        ("s3://b/in", "s3://b/in2", True),
        ("s3://b/in", "s3://b/in/out", False),
        ("s3://b/in", "s3://b/in", False),
        ("s3://b", "s3://b/out", False),
        ("s3://b/in", "s3://c/in", True),
        ("s3://b/in", "/in", True),
        ("/in", "/in/out", False),
    ],
)
def test_places_lie_apart(one: str, other: str, free: bool) -> None:
    assert apart(parse(one), parse(other)) is free
    assert apart(parse(other), parse(one)) is free


@pytest.mark.parametrize(
    "line",
    [
        'secret = "plain"',
        'secret = "env:SKANEARKIV_plain"',
        'aws_secret_access_key = "plain"',
        'client_kwargs = { aws_session_token = "plain" }',
        'endpoint_url = "https://me:plain@example.org"',
        'connection_string = "plain"',
    ],
)
def test_a_secret_in_the_configuration_is_refused_and_not_repeated(
    line: str, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(f"[storage.options.s3]\n{line}\n")
    with pytest.raises(ConfigError) as told:
        settings.load(tmp_path / "c.toml")
    assert "plain" not in str(told.value)


def test_secrets_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "1")
    (tmp_path / "two").write_text("2\n")
    given = {"key": "env:ONE", "more": {"secret": f"file:{tmp_path}/two"}, "anon": False}
    assert resolved(given) == {"key": "1", "more": {"secret": "2"}, "anon": False}
    for missing in ("env:NO_SUCH_VARIABLE", f"file:{tmp_path}/none"):
        with pytest.raises(ConfigError):
            resolved({"key": missing})


def test_a_protocol_without_its_package_is_said() -> None:
    with pytest.raises(ConfigError, match="nosuch"):
        connect(Address("nosuch", "a", "b"), settings.Storage())
