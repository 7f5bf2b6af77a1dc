# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hash, copy, and put in place: whole or not at all, and never over another."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from pipeline.core.errors import ChangedError, DiskFullError, VanishedError, from_os_error
from pipeline.core.hashing import digest
from pipeline.core.staging import place, share


def test_digest_and_copy(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(os.urandom(3_000_000))
    found = digest(source, sha512=True, copy_to=tmp_path / "b")
    assert found.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert found.sha512 == hashlib.sha512(source.read_bytes()).hexdigest()
    assert (tmp_path / "b").read_bytes() == source.read_bytes()


def test_a_file_that_grows_meanwhile_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x" * 200_000_000)
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with source.open("ab") as stream:
                stream.write(b"y")
            time.sleep(0.001)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        with pytest.raises(ChangedError):
            digest(source)
    finally:
        stop.set()
        thread.join()


def test_a_fifo_does_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ChangedError):
        digest(tmp_path / "pipe")


def test_a_missing_file_has_vanished(tmp_path: Path) -> None:
    with pytest.raises(VanishedError):
        digest(tmp_path / "nothing")


def test_a_full_disk_is_told_apart() -> None:
    assert isinstance(from_os_error(OSError(28, "No space left on device")), DiskFullError)


def _staged(root: Path, content: bytes) -> tuple[Path, str]:
    staged = root / ".staging-file"
    staged.write_bytes(content)
    return staged, hashlib.sha256(content).hexdigest()


def test_placed_once(tmp_path: Path) -> None:
    staged, sha256 = _staged(tmp_path, b"one")
    place(staged, tmp_path / "a/b/c.pdf", tmp_path, sha256)
    assert (tmp_path / "a/b/c.pdf").read_bytes() == b"one"
    assert not staged.exists()


def test_the_same_content_is_adopted(tmp_path: Path) -> None:
    for _ in range(2):
        staged, sha256 = _staged(tmp_path, b"one")
        place(staged, tmp_path / "c.pdf", tmp_path, sha256)
    assert not (tmp_path / "set-aside").exists()


def test_without_hard_links_nothing_is_replaced_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "c.pdf").write_bytes(b"stranger")
    staged, sha256 = _staged(tmp_path, b"one")
    place(staged, tmp_path / "c.pdf", tmp_path, sha256)
    assert (tmp_path / "c.pdf").read_bytes() == b"one"
    assert [path.read_bytes() for path in (tmp_path / "set-aside").iterdir()] == [b"stranger"]
    share(tmp_path / "c.pdf", tmp_path / "d.pdf")
    assert (tmp_path / "d.pdf").read_bytes() == b"one"


def test_other_content_is_moved_aside_not_lost(tmp_path: Path) -> None:
    (tmp_path / "c.pdf").write_bytes(b"stranger")
    staged, sha256 = _staged(tmp_path, b"one")
    place(staged, tmp_path / "c.pdf", tmp_path, sha256)
    assert (tmp_path / "c.pdf").read_bytes() == b"one"
    assert [path.read_bytes() for path in (tmp_path / "set-aside").iterdir()] == [b"stranger"]
