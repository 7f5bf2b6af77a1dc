# SPDX-License-Identifier: AGPL-3.0-or-later
"""Both kinds of place, each as a test may look into it past our own code."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pytest

from pipeline.config.storage import Storage
from pipeline.storage.package import Package, Staging
from pipeline.storage.packages import package, staging
from pipeline.storage.place import Address, Place, parse
from pipeline.storage.sources import Source, source
from tests.storage.servers import KEYS, Bucket, Server, options, served

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with served() as one:
        yield one


@pytest.fixture
def bucket(server: Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return Bucket(server.port, f"bucket-{next(_NUMBERS)}")


@dataclass
class Site:
    """A delivery and a package of one kind."""

    kind: str
    delivery: Place
    out: Place
    settings: Storage
    bucket: Bucket | None = None

    def source(self) -> Source:
        return source(self.delivery, self.settings)

    def staging(self) -> Staging:
        assert isinstance(self.out, Path | Address)
        below = self.out / ".staging" if isinstance(self.out, Path) else self.out.below(".staging")
        return staging(below, self.settings)

    def package(self) -> Package:
        return package(self.out, self.settings)

    def deliver(self, name: str, content: bytes) -> None:
        self._put(self.delivery, name, content)

    def plant(self, name: str, content: bytes) -> None:
        self._put(self.out, name, content)

    def _put(self, place: Place, name: str, content: bytes) -> None:
        if isinstance(place, Path):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        elif self.bucket is not None:
            self.bucket.put(place.key(name), content)
        else:
            fsspec.filesystem("memory").pipe_file(f"/{place.root}/{place.key(name)}", content)

    def held(self) -> dict[str, bytes]:
        """Return what the package holds, staging included."""
        if isinstance(self.out, Path):
            return {
                one.relative_to(self.out).as_posix(): one.read_bytes()
                for one in self.out.rglob("*")
                if one.is_file()
            }
        start = f"{self.out.prefix}/"
        if self.bucket is not None:
            keys = self.bucket.keys(start)
            return {one.removeprefix(start): self.bucket.get(one) for one in keys}
        memory = fsspec.filesystem("memory")
        root = f"/{self.out.root}/{start}"
        return {one.removeprefix(root): memory.cat_file(one) for one in memory.find(root)}


@pytest.fixture(params=["folder", "s3", "s3 without checksums", "memory"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    kind: str = request.param
    if kind == "folder":
        (tmp_path / "in").mkdir()
        (tmp_path / "out").mkdir()
        return Site(kind, tmp_path / "in", tmp_path / "out", Storage())
    if kind == "memory":
        root = f"memory://test-{next(_NUMBERS)}"
        return Site(kind, parse(f"{root}/in"), parse(f"{root}/out"), Storage(patience_seconds=1))
    bucket: Bucket = request.getfixturevalue("bucket")
    server: Server = request.getfixturevalue("server")
    settings = Storage(
        patience_seconds=5,
        request_seconds=5,
        checksums=kind == "s3",
        options={"s3": options(server.port)},
    )
    root = f"s3://{bucket.name}"
    return Site(kind, parse(f"{root}/in"), parse(f"{root}/out"), settings, bucket)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
