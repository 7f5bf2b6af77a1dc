# SPDX-License-Identifier: AGPL-3.0-or-later
"""A file that kills every worker it is given costs itself, and no other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from format_registry import policy as policies
from pipeline.config.settings import Batches, Settings
from pipeline.core.errors import ConfigError
from pipeline.core.records import FileRecord, Outcome
from pipeline.execution import listing
from pipeline.scan import scan
from pipeline.steps.jobs import Context
from pipeline.steps.listing import Listed, list_batch


def deadly(root: Path, records: Sequence[FileRecord], settings: Settings) -> list[Listed]:
    """Do what workers do, and die of one file, as of a bug in a library of the worker's own."""
    if any(one.raw == b"0300.txt" for one in records):
        os._exit(1)
    return list_batch(root, records, settings)


def misconfigured(root: Path, records: Sequence[FileRecord], settings: Settings) -> list[Listed]:
    raise ConfigError("there is no signature set x")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(520):
        (source / f"{number:04}.txt").write_text(f"number {number}\n")
    settings = Settings(batches=Batches(files=16))
    return Context(source, tmp_path, policies.load(policies.default_path()), settings)


def test_a_file_that_kills_workers_is_found_out(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "list_batch", deadly)
    found = list(listing.identify_records(context.source, scan(context.source), context, 2))
    assert [one.record.raw for one in found] == [b"%04d.txt" % n for n in range(520)]
    ended = {one.record.raw: one.outcome for one in found}
    assert ended.pop(b"0300.txt") is Outcome.CRASH
    assert set(ended.values()) == {Outcome.OK}


def test_what_is_wrong_with_all_files_stops_the_list(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "list_batch", misconfigured)
    with pytest.raises(ConfigError, match="signature set x"):
        list(listing.identify_records(context.source, scan(context.source), context, 2))
