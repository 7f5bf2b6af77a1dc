# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hostile files beside good ones: the good all finish, the others get outcomes."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

import psutil
import pytest

from pipeline.core.hashing import digest
from tests.system.deliveries import finish, left_behind
from tests.system.hostile import hostile_files, plugins

GIB = 1024**3


class Meter(threading.Thread):
    """Watches how much memory all our processes take together."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_full_info().pss
                except (psutil.Error, AttributeError):
                    continue
            self.peak = max(self.peak, total)
            time.sleep(0.3)

    def stop(self) -> int:
        self._over.set()
        self.join()
        return self.peak


def test_hostile_files_cost_only_themselves(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    expected = hostile_files(source)
    good = {
        "good.pdf": corpus / "pypdf/pdfkit.pdf",
        "good.tiff": corpus / "pypdf/smile-lzw.tiff",
        "good.odt": corpus / "pypdf/source.odt",
        "good.png": corpus / "pypdf/image.png",
    }
    for name, path in good.items():
        (source / name).write_bytes(path.read_bytes())
        expected[name] = "ok"
    regular = [path for path in source.iterdir() if path.is_file() and not path.is_symlink()]
    before = {path: (digest(path).sha256, path.stat().st_mtime_ns) for path in regular}
    limits = tmp_path / "limits.toml"
    limits.write_text("[limits]\nseconds = 20\nseconds_per_mib = 1\n", encoding="utf-8")
    monkeypatch.setenv("SKANEARKIV_PLUGINS", os.fspath(plugins(tmp_path / "site")))
    meter = Meter()
    meter.start()
    code, output = finish(source, out, "--config", str(limits))
    peak = meter.stop()
    assert code == 1, output
    db = sqlite3.connect(out / "ledger.sqlite")
    found = dict(db.execute("SELECT path, outcome FROM files"))
    details = dict(db.execute("SELECT path, code || ' ' || detail FROM files"))
    db.close()
    wrong = {
        name: (found.get(name), details.get(name))
        for name in expected
        if found.get(name) != expected[name]
    }
    assert wrong == {}
    assert set(found) == set(expected)
    print(f"peak {peak / GIB:.2f} GiB")
    # A meter that could not read anything would say 0: a worker alone has more than this.
    assert 0.2 * GIB < peak < 6 * GIB, f"{peak / GIB:.2f} GiB"
    assert left_behind("stubborn-child") == []
    assert {path: (digest(path).sha256, path.stat().st_mtime_ns) for path in regular} == before
