# SPDX-License-Identifier: AGPL-3.0-or-later
"""What holds for every place that deliveries are read from and packages written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.core.errors import FileError, ToolFailureError, VanishedError
from pipeline.core.records import FileKind
from tests.storage.conftest import Site, sha256

LARGE = os.urandom(40 * 1024 * 1024)  # more than one request's


def staged(site: Site, tmp_path: Path, content: bytes, name: str = "1-1-a/out/target.pdf") -> str:
    local = tmp_path / "finished"
    local.write_bytes(content)
    site.staging().hand_over(local, name, sha256(content))
    assert not local.exists()
    return name


def test_a_delivery_is_listed_in_the_same_order_each_time(site: Site) -> None:
    if site.kind in ("folder", "memory"):  # the test server cannot route it
        site.deliver("ny\nrad", b"")
        (odd,) = site.source().scan()
        assert odd.raw == b"ny\nrad"
    contents = {"b.txt": b"b", "Å ä/ö.pdf": b"%PDF", "a/1.txt": b"1", "empty": b""}
    for name, content in contents.items():
        site.deliver(name, content)
    records = list(site.source().scan())
    if site.kind in ("folder", "memory"):
        contents["ny\nrad"] = b""
    assert {one.raw.decode(): one.size for one in records} == {
        name: len(content) for name, content in contents.items()
    }
    assert {one.kind for one in records} == {FileKind.REGULAR}
    assert all(one.mtime_ns > 0 for one in records)
    assert list(site.source().scan()) == records


@pytest.mark.parametrize("content", [b"", b"x", LARGE], ids=["empty", "short", "large"])
def test_what_is_fetched_is_what_was_hashed(site: Site, tmp_path: Path, content: bytes) -> None:
    site.deliver("å/fil.bin", content)
    copy = tmp_path / "copy"
    found = site.source().fetch("å/fil.bin".encode(), copy, sha512=True)
    assert (found.size, found.sha256) == (len(content), sha256(content))
    assert len(found.sha512) == 128
    assert copy.read_bytes() == content


def test_what_is_gone_has_vanished(site: Site, tmp_path: Path) -> None:
    site.deliver("a", b"a")
    with pytest.raises(VanishedError):
        site.source().fetch(b"b", tmp_path / "copy")


def test_a_file_that_is_replaced_is_another(site: Site) -> None:
    site.deliver("a", b"first")
    (before,) = site.source().scan()
    site.deliver("a", b"other")
    (after,) = site.source().scan()
    assert before.size == after.size
    assert before.mtime_ns != after.mtime_ns, "also within the same second"


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_an_output_gets_its_name(site: Site, tmp_path: Path, content: bytes) -> None:
    site.package().prepare()
    name = staged(site, tmp_path, content)
    site.package().place(name, "migrated/å #?.pdf", sha256(content))
    site.package().discard("1-1-a")
    held = site.held()
    assert held == {"migrated/å #?.pdf": content}


def test_a_file_that_is_not_what_was_judged_is_not_taken(site: Site, tmp_path: Path) -> None:
    local = tmp_path / "finished"
    local.write_bytes(b"changed by a tool that lives on")
    with pytest.raises(ToolFailureError, match="after it had been judged"):
        site.staging().hand_over(local, "1-1-a/out/target.pdf", sha256(b"judged"))


def test_an_output_that_is_gone_is_said_to_be(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ToolFailureError, match="gone"):
        site.staging().hand_over(tmp_path / "none", "1-1-a/out/target.pdf", sha256(b""))


def test_what_a_crash_left_is_adopted(site: Site, tmp_path: Path) -> None:
    site.package().prepare()
    for _ in range(2):
        name = staged(site, tmp_path, b"one")
        site.package().place(name, "migrated/a.pdf", sha256(b"one"))
    site.package().clear()
    assert site.held() == {"migrated/a.pdf": b"one"}


def test_what_nobody_recorded_is_set_aside_and_never_replaced(site: Site, tmp_path: Path) -> None:
    site.package().prepare()
    for content in (b"stray 1", b"stray 2"):
        site.plant("migrated/a.pdf", content)
        name = staged(site, tmp_path, b"one")
        site.package().place(name, "migrated/a.pdf", sha256(b"one"))
    site.package().clear()
    assert site.held() == {
        "migrated/a.pdf": b"one",
        "set-aside/000001-a.pdf": b"stray 1",
        "set-aside/000002-a.pdf": b"stray 2",
    }


def test_a_twin_gets_the_same_content(site: Site, tmp_path: Path) -> None:
    site.package().prepare()
    name = staged(site, tmp_path, b"one")
    site.package().place(name, "migrated/a.pdf", sha256(b"one"))
    site.package().link("migrated/a.pdf", "migrated/b.pdf", sha256(b"one"), "link-2-1")
    site.package().clear()
    assert site.held() == {"migrated/a.pdf": b"one", "migrated/b.pdf": b"one"}


def test_a_twin_of_what_somebody_took_away_is_refused(site: Site) -> None:
    site.package().prepare()
    with pytest.raises(FileError):
        site.package().link("migrated/a.pdf", "migrated/b.pdf", sha256(b"one"), "link-2-1")


def test_staging_is_cleared_and_nothing_else(site: Site, tmp_path: Path) -> None:
    site.package().prepare()
    staged(site, tmp_path, b"a", "1-1-a/out/target.pdf")
    staged(site, tmp_path, b"b", "2-1-b/out/target.pdf")
    site.plant("migrated/kept.pdf", b"kept")
    site.package().discard("1-1-a")
    assert ".staging/2-1-b/out/target.pdf" in site.held()
    site.package().prepare()
    assert site.held() == {"migrated/kept.pdf": b"kept"}
