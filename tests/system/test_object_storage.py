# SPDX-License-Identifier: AGPL-3.0-or-later
"""A delivery in a bucket to a package in a bucket, whatever becomes of server and coordinator."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.storage.servers import KEYS, Bucket, Server, Wire, served, write_config
from tests.system.deliveries import COMMAND, finish, finished, ledger, wait_for

FAMILIES = (".pdf", ".tif", ".png", ".jpg", ".bmp", ".gif", ".docx", ".odt", ".xml", ".txt")
AWAY = 20  # seconds that the server is stopped
Records = dict[bytes, tuple[object, ...]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served() as one:
        yield one


@pytest.fixture(scope="module")
def delivery(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some forty real files, some of them twice, and the same names as in the bucket."""
    folder = tmp_path_factory.mktemp("delivery")
    small = [
        path
        for path in sorted(corpus.rglob("*"))
        if path.suffix.lower() in FAMILIES and path.is_file() and path.stat().st_size < 60_000
    ]
    for number, path in enumerate(small[:: max(1, len(small) // 34)]):
        shutil.copy(path, folder / f"{number:03d}-{path.name}")
        if number % 8 == 0:
            (folder / "Å ä").mkdir(exist_ok=True)
            shutil.copy(path, folder / "Å ä" / f"kopia av {number:03d}{path.suffix}")
    return folder


@pytest.fixture(scope="module")
def undisturbed(delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """What a run from folder to folder comes to."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    code, output = finish(delivery, out)
    assert code in (0, 1), output
    return ledger(out)


@dataclass
class Remote:
    """A delivery in a bucket, reached over a wire that can be cut."""

    bucket: Bucket
    wire: Wire
    work: Path
    config: Path

    def start(self, source: str = "", out: str = "") -> subprocess.Popen[bytes]:
        root = f"s3://{self.bucket.name}"
        package = ["--out", out] if out else ["--out", f"{root}/package", "--work", str(self.work)]
        return subprocess.Popen(
            [*COMMAND, "run", source or f"{root}/delivery", *package, "--workers", "2",
             "--config", str(self.config)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **KEYS},
        )  # fmt: skip

    def finish(self, source: str = "", out: str = "") -> tuple[int, str]:
        return ended(self.start(source, out))

    def package(self) -> dict[str, bytes]:
        keys = self.bucket.keys("package/")
        return {key.removeprefix("package/"): self.bucket.get(key) for key in keys}


def ended(child: subprocess.Popen[bytes], seconds: float = 400) -> tuple[int, str]:
    try:
        output, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    return child.returncode, output.decode("utf-8", "replace")


@pytest.fixture
def remote(
    server: Server, delivery: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Remote]:
    name = "".join(char if char.isalnum() else "-" for char in request.node.name.lower())
    bucket = Bucket(server.port, f"{name[:50]}-{os.getpid()}".strip("-"))
    for path in sorted(delivery.rglob("*")):
        if path.is_file():
            bucket.put(f"delivery/{path.relative_to(delivery).as_posix()}", path.read_bytes())
    wire = Wire(server.port)
    config = write_config(tmp_path / "c.toml", wire.port, patience_seconds=60, request_seconds=5)
    yield Remote(bucket, wire, tmp_path / "work", config)
    wire.cut()


def assert_whole(remote: Remote, undisturbed: Records) -> None:
    """The ledger is a folder run's, and the bucket holds what the ledger says, no more."""
    assert ledger(remote.work) == undisturbed
    held = remote.package()
    db = sqlite3.connect(remote.work / "ledger.sqlite")
    told = dict(db.execute("SELECT output, sha256 FROM migrations").fetchall())
    told |= dict(db.execute("SELECT path, sha256 FROM evidence").fetchall())
    twice = db.execute(
        "SELECT file, generation, type, detail FROM events"
        " GROUP BY file, generation, type, detail HAVING count(*) > 1"
    ).fetchall()
    db.close()
    assert twice == []
    made = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in held.items()
        if name.split("/")[0] in ("migrated", "review", "evidence")
    }
    assert made == told
    others = {name for name in held if name not in made}
    assert {".skanearkiv", "premis.xml", "ledger.sqlite", "report/report.sv.html"} <= others
    assert not [name for name in others if name.startswith((".staging", "set-aside"))]
    copy = remote.work.parent / "copy"
    copy.mkdir(exist_ok=True)
    (copy / "ledger.sqlite").write_bytes(held["ledger.sqlite"])
    assert ledger(copy) == undisturbed
    secret = KEYS["BUCKET_TEST_SECRET"].encode()
    assert not [name for name, content in held.items() if secret in content]


@pytest.mark.slow
def test_the_server_is_away_in_the_middle_and_nothing_is_lost(
    remote: Remote, server: Server, undisturbed: Records
) -> None:
    child = remote.start()
    wait_for(remote.work, 5, child)
    remote.wire.cut()
    time.sleep(AWAY)
    remote.wire.mend()
    wait_for(remote.work, len(undisturbed) // 2, child)
    before = finished(remote.work)
    server.hang()
    threading.Timer(AWAY, server.go_on).start()
    code, output = ended(child)
    assert code in (0, 1), output
    assert 5 <= before < len(undisturbed), "the server hung when all was done"
    assert "does not answer" in output
    assert "answers again" in output
    assert_whole(remote, undisturbed)
    code, output = remote.finish()
    assert f"Nothing to do: all {len(undisturbed)} files" in output


@pytest.mark.slow
def test_a_killed_coordinator_goes_on(remote: Remote, undisturbed: Records) -> None:
    for done in (3, len(undisturbed) // 2):
        child = remote.start()
        family = psutil.Process(child.pid)
        wait_for(remote.work, done, child)
        descendants = family.children(recursive=True)
        os.kill(child.pid, signal.SIGKILL)
        ended(child)
        _, alive = psutil.wait_procs(descendants, timeout=30)
        assert not alive
        assert finished(remote.work) < len(undisturbed)
    code, output = remote.finish()
    assert code in (0, 1), output
    assert_whole(remote, undisturbed)


@pytest.mark.slow
def test_past_patience_the_run_stops_and_the_next_goes_on(
    remote: Remote, undisturbed: Records, tmp_path: Path
) -> None:
    hasty = write_config(tmp_path / "h.toml", remote.wire.port, patience_seconds=2)
    patient, remote.config = remote.config, hasty
    child = remote.start()
    wait_for(remote.work, 5, child)
    remote.wire.cut()
    code, output = ended(child)
    assert code == 4, output
    assert finished(remote.work) <= len(undisturbed)
    remote.wire.mend()
    remote.config = patient
    code, output = remote.finish()
    assert code in (0, 1), output
    told = {raw: row[:7] for raw, row in ledger(remote.work).items()}
    # The events tell of the files that were tried twice.
    assert told == {raw: row[:7] for raw, row in undisturbed.items()}


@pytest.mark.slow
def test_mixed_places(remote: Remote, undisturbed: Records, delivery: Path, tmp_path: Path) -> None:
    code, output = remote.finish(out=str(tmp_path / "out"))
    assert code in (0, 1), output
    assert ledger(tmp_path / "out") == undisturbed
    code, output = remote.finish(source=str(delivery))
    assert code in (0, 1), output
    assert_whole(remote, undisturbed)


# Not among them: a name with a newline, which the test server cannot route.
ODD = {
    "å ä ö.txt": b"text\n",
    "styr\x01tecken.txt": b"text 2\n",
    "../utanför.txt": b"text 3\n",
    "a/../../b.txt": b"text 4\n",
    "/rot.txt": b"text 5\n",
    "a//b.txt": b"text 6\n",
    "mapp/": b"",
    "innehåll/": b"text 7\n",
    "tom.txt": b"",
    "både": b"text 8\n",
    "både/och.txt": b"text 9\n",
    "fråga?versionId=1.txt": b"text 10\n",
    "%2E%2E/c.txt": b"text 11\n",
    "bild.bmp": b"",
    "../bild.bmp": b"",
}


def test_odd_names_have_an_outcome_each_and_nothing_leaves_the_package(
    server: Server, tmp_path: Path
) -> None:
    bucket = Bucket(server.port, f"odd-{os.getpid()}")
    from PIL import Image

    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.bmp")
    ODD["bild.bmp"] = (tmp_path / "red.bmp").read_bytes()
    Image.new("RGB", (20, 20), "blue").save(tmp_path / "blue.bmp")
    ODD["../bild.bmp"] = (tmp_path / "blue.bmp").read_bytes()
    for key, content in ODD.items():
        bucket.put(f"delivery/{key}", content)
    wire = Wire(server.port)
    config = write_config(tmp_path / "c.toml", wire.port)
    remote = Remote(bucket, wire, tmp_path / "work", config)
    out = tmp_path / "folder" / "out"
    for to in ("", str(out)):
        code, output = remote.finish(out=to)
        assert code == 1, output
        found = {raw.decode(): row for raw, row in ledger(out if to else remote.work).items()}
        assert set(found) == set(ODD)
        assert found["mapp/"][2] == "not_a_file"
        assert found["tom.txt"][2] == "empty"
        assert all(row[2] is not None for row in found.values())
        texts = {row[0] for name, row in found.items() if ODD[name].startswith(b"text")}
        assert texts == {hashlib.sha256(one).hexdigest() for one in ODD.values() if b"text" in one}
        assert found["../bild.bmp"][4].split("/")[1:-1] == ["%2E%2E"]
    wire.cut()
    held = bucket.keys("")
    assert all(key.startswith(("delivery/", "package/")) for key in held)
    assert [one.name for one in (tmp_path / "folder").iterdir()] == ["out"]
    assert {key.removeprefix("delivery/") for key in bucket.keys("delivery/")} == set(ODD)
