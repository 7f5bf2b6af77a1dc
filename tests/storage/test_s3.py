# SPDX-License-Identifier: AGPL-3.0-or-later
"""What S3 alone has: ETags, many parts, pages, a wire that is cut, an owner."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from pipeline.config.storage import Storage
from pipeline.core.errors import ChangedError, ConfigError, RunStoppedError, StorageError
from pipeline.core.hashing import digest_of
from pipeline.core.records import FileKind
from pipeline.storage import s3
from pipeline.storage.opened import opened
from pipeline.storage.packages import objects, package
from pipeline.storage.place import Address, parse
from pipeline.storage.sources import source
from tests.storage.conftest import sha256
from tests.storage.servers import Bucket, Server, Wire, options


def address(bucket: Bucket, prefix: str) -> Address:
    found = parse(f"s3://{bucket.name}/{prefix}")
    assert isinstance(found, Address)
    return found


def settings(port: int, patience: float = 30, **more: bool) -> Storage:
    return Storage(
        patience_seconds=patience, request_seconds=2, options={"s3": options(port)}, **more
    )


def test_an_object_that_is_replaced_while_it_is_read_is_noticed(
    server: Server, bucket: Bucket
) -> None:
    bucket.put("in/a", os.urandom(40 * 1024 * 1024))
    store = opened(address(bucket, "in"), settings(server.port))
    blocks = store.blocks(store.stat("a"))
    next(blocks)
    bucket.put("in/a", os.urandom(40 * 1024 * 1024))
    with pytest.raises(ChangedError):
        digest_of(blocks)


def test_a_listing_of_several_pages_is_whole_also_when_the_wire_is_cut(
    server: Server, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PAGE", 10)
    names = [f"{number:03}" for number in range(45)]
    for name in names:
        bucket.put(f"in/{name}", b"x")
    wire = Wire(server.port)
    said: list[str] = []
    records = source(address(bucket, "in"), settings(wire.port), said.append).scan()
    found = [next(records) for _ in range(12)]
    wire.cut()
    threading.Timer(3, wire.mend).start()
    found.extend(records)
    wire.cut()
    assert [one.raw.decode() for one in found] == names
    assert "does not answer" in said[0]
    assert "answers again" in said[-1]


@pytest.mark.parametrize("kind", ["cut", "hang"])
def test_patience_has_an_end_and_is_not_spent_on_every_file(
    server: Server, bucket: Bucket, tmp_path: Path, kind: str
) -> None:
    bucket.put("in/a", b"x")
    wire = Wire(server.port)
    delivery = source(address(bucket, "in"), settings(wire.port, patience=3))
    delivery.fetch(b"a", tmp_path / "first")
    wire.cut() if kind == "cut" else server.hang()
    try:
        started = time.monotonic()
        with pytest.raises(StorageError, match="waited"):
            delivery.fetch(b"a", tmp_path / "second")
        first = time.monotonic() - started
        assert 2.9 < first < 15
        started = time.monotonic()
        with pytest.raises(StorageError):
            delivery.fetch(b"a", tmp_path / "third")
        assert time.monotonic() - started < min(first, 6)
        with pytest.raises(RunStoppedError, match="nothing is lost"):
            package(address(bucket, "out"), settings(wire.port, patience=0.5)).prepare()
    finally:
        server.go_on()
    wire.cut()
    wire.mend()
    assert delivery.fetch(b"a", tmp_path / "fourth").size == 1
    wire.cut()


def test_a_large_copy_is_made_of_parts_and_proven(
    server: Server, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(s3, "_COPY", 6 * 1024 * 1024)
    content = os.urandom(20 * 1024 * 1024 + 7)
    bucket.put("out/.staging/1-1-a/out/target.tif", content)
    one = package(address(bucket, "out"), settings(server.port))
    one.place("1-1-a/out/target.tif", "migrated/a.tif", sha256(content))
    assert bucket.get("out/migrated/a.tif") == content


def test_a_package_belongs_to_one_ledger(server: Server, bucket: Bucket, tmp_path: Path) -> None:
    one = objects(address(bucket, "out"), settings(server.port))
    one.own("ledger 1")
    (tmp_path / "mark").write_text("ledger 1\n")
    one.put(tmp_path / "mark", ".skanearkiv")
    one.own("ledger 1")
    with pytest.raises(ConfigError, match="another ledger"):
        one.own("ledger 2")
    bucket.put("full/something", b"x")
    with pytest.raises(ConfigError, match="not empty"):
        objects(address(bucket, "full"), settings(server.port)).own("ledger 1")


def test_what_only_looks_like_a_file(server: Server, bucket: Bucket) -> None:
    for key in ("in/", "in/a/", "in/a", "in/a/b", "in2/c", "in/..", "in//d"):
        bucket.put(key, b"" if key.endswith("/") else b"x")
    records = source(address(bucket, "in"), settings(server.port)).scan()
    assert {one.raw: one.kind for one in records} == {
        b"a/": FileKind.SPECIAL,
        b"a": FileKind.REGULAR,
        b"a/b": FileKind.REGULAR,
        b"..": FileKind.REGULAR,
        b"/d": FileKind.REGULAR,
    }


def test_a_bucket_that_is_not_there_is_said(server: Server, bucket: Bucket) -> None:
    where = parse("s3://no-such-bucket/x")
    with pytest.raises(ConfigError, match="no such bucket"):
        list(source(where, settings(server.port)).scan())
