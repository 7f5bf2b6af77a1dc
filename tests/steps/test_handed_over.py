# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is finished leaves the worker's scratch folder; what is not is gone with the attempt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from format_registry import policy as policies
from pipeline.config.settings import Settings
from pipeline.core.hashing import digest
from pipeline.core.records import Outcome
from pipeline.steps.file_job import process
from pipeline.steps.jobs import Context, FileJob, FileResult, SurveyJob
from pipeline.steps.survey import survey
from pipeline.steps.workplace import local_name


@pytest.fixture
def context(tmp_path: Path) -> Context:
    for name in ("in", "scratch"):
        (tmp_path / name).mkdir()
    policy = policies.load(policies.default_path())
    staging = tmp_path / "out" / ".staging"
    return Context(tmp_path / "in", staging, policy, Settings(), tmp_path / "scratch")


def done(context: Context, name: str) -> FileResult:
    assert isinstance(context.source, Path)
    status = os.stat(context.source / name)
    raw = name.encode()
    found = survey(SurveyJob(1, raw, status.st_size, status.st_mtime_ns), context)
    assert found.digest is not None
    assert found.identification is not None
    job = FileJob(1, 1, raw, status.st_size, found.digest.sha256, found.identification)
    return process(job, context)


def test_an_output_is_out_of_the_reach_of_the_next_file(context: Context) -> None:
    assert isinstance(context.source, Path)
    assert isinstance(context.staging, Path)
    Image.new("RGB", (40, 30), "red").save(context.source / "å.bmp")
    result = done(context, "å.bmp")
    assert result.outcome is Outcome.OK, result.detail
    assert result.migration is not None
    assert digest(context.staging / result.migration.staged).sha256 == result.migration.sha256
    assert context.scratch is not None
    assert list(context.scratch.iterdir()) == []


def test_a_file_that_is_only_kept_leaves_nothing(context: Context) -> None:
    assert isinstance(context.source, Path)
    assert isinstance(context.staging, Path)
    (context.source / "a.txt").write_text("Beslut om bygglov\n")
    assert done(context, "a.txt").migration is None
    assert context.scratch is not None
    assert list(context.scratch.iterdir()) == []
    assert not context.staging.exists()


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("a/Ärende 1.PDF".encode(), "Ärende 1.PDF"),
        (b"a/..", "source.bin"),
        (b"a/", "source.bin"),
        (b"x" * 300 + b".pdf", "source.pdf"),
        (b"a\0b.doc", "source.doc"),
    ],
)
def test_a_copy_has_a_name_that_can_be_one(raw: bytes, name: str) -> None:
    assert local_name(raw) == name
