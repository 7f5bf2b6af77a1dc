# SPDX-License-Identifier: AGPL-3.0-or-later
"""What children can reach, under each protection that works here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.core import bounded, isolate, sandbox
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import (
    ConfigError,
    CrashError,
    OutOfMemoryError,
    ToolFailureError,
    ToolTimeoutError,
)
from pipeline.core.isolate import Pool
from pipeline.core.sandbox import Protection
from tests.core import faulty
from tests.system.deliveries import left_behind, named

SHUT_IN = [Protection.BUBBLEWRAP, Protection.UNSHARE]
HELD = [*SHUT_IN, Protection.NAMESPACES]


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test tells the sandbox shall not reach the next one."""
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    yield
    sandbox.unconfined()
    isolate.close_all()
    monkeypatch.undo()
    tempfile.tempdir = None


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A folder to write to, one to read, and another delivery."""
    scratch, source, other = (tmp_path / name for name in ("scratch", "söurce dir", "other"))
    for one in (scratch, source, other):
        one.mkdir()
        (one / "file.txt").write_text(one.name, encoding="utf-8")
    return scratch, source, other


def use(monkeypatch: pytest.MonkeyPatch, kind: Protection, **more: object) -> None:
    monkeypatch.setenv(sandbox.VARIABLE, json.dumps({"use": kind.value, **more}))
    if sandbox.protection().kind is not kind:
        pytest.fail(f"{kind} does not work here")


def python(code: str, *arguments: object) -> bounded.Completed:
    return bounded.run([sys.executable, "-c", code, *map(str, arguments)])


READ = "import sys; print(open(sys.argv[1]).read())"
WRITE = "import sys; open(sys.argv[1], 'w').write('x')"


@pytest.mark.parametrize("kind", SHUT_IN)
def test_only_what_was_named_can_be_read_and_written(
    kind: Protection, places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind)
    scratch, source, other = places
    sandbox.writable(scratch)
    sandbox.readable(source)
    assert python(READ, source / "file.txt").output.strip() == source.name
    assert python(WRITE, source / "file.txt").returncode == 1
    assert python(WRITE, source / "new.txt").returncode == 1
    assert python(READ, other / "file.txt").returncode == 1
    assert python(WRITE, scratch / "new.txt").returncode == 0
    assert (scratch / "new.txt").read_text(encoding="utf-8") == "x"
    assert python(WRITE, "/usr/new.txt").returncode == 1
    assert python(READ, "/etc/shadow").returncode == 1
    assert (source / "file.txt").read_text(encoding="utf-8") == source.name


@pytest.mark.parametrize("kind", SHUT_IN)
def test_home_is_not_there(
    kind: Protection, places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind)
    sandbox.writable(places[0])
    home = Path(os.path.expanduser("~"))
    shown = python("import os, sys; print(os.path.exists(sys.argv[1]))", home / ".bashrc")
    assert shown.output.strip() == "False"


@pytest.mark.parametrize("kind", SHUT_IN)
def test_tmp_is_the_childs_own_and_goes_with_it(
    kind: Protection, places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind)
    sandbox.writable(places[0])
    name = f"/tmp/{uuid.uuid4().hex}"
    assert python(WRITE, name).returncode == 0
    assert not os.path.exists(name)
    assert python(READ, name).returncode == 1


@pytest.mark.parametrize("kind", SHUT_IN)
def test_without_a_word_all_is_there_to_read_and_temporary_files_can_be_written(
    kind: Protection, places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind)
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(places[0]))
    assert python(READ, places[2] / "file.txt").output.strip() == "other"
    assert python(WRITE, places[0] / "new.txt").returncode == 0
    assert python(WRITE, "/usr/new.txt").returncode == 1


@pytest.mark.parametrize("kind", SHUT_IN)
def test_no_rights_can_be_had(kind: Protection, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, kind)
    status = bounded.run(["cat", "/proc/self/status"]).output
    values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert values["NoNewPrivs"] == "1"
    assert {int(values[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}


@pytest.mark.parametrize("kind", HELD)
def test_there_is_no_network(kind: Protection, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, kind)
    assert python("import socket; socket.create_connection(('127.0.0.1', 9), 2)").returncode == 1
    links = bounded.run(["cat", "/proc/net/dev"]).output.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in links if "lo:" not in line] == []


@pytest.mark.parametrize("kind", HELD)
def test_a_bomb_of_forks_is_bounded(kind: Protection, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, kind, max_processes=100)
    code = (
        "import os, time\nmade = 0\n"
        "try:\n for _ in range(400):\n"
        "  if os.fork() == 0: time.sleep(30); os._exit(0)\n  made += 1\n"
        "except OSError: pass\nprint(made)"
    )
    assert 20 < int(python(code).output) <= 100


@pytest.mark.parametrize("kind", HELD)
def test_files_and_seconds_and_memory_are_bounded(
    kind: Protection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind, max_file_mib=2)
    large = f"head -c 5000000 /dev/zero > {tmp_path}/large"
    with pytest.raises(ToolFailureError, match="larger than it may"):
        bounded.run(["sh", "-c", f"{large}; exit $?"])
    assert (tmp_path / "large").stat().st_size == 2 * MIB
    spin = sandbox.wrap(["sh", "-c", "while :; do :; done"], None, 0)
    assert subprocess.run(spin, check=False, timeout=60).returncode in (-24, 128 + 24)
    with budget(30, 512 * MIB), pytest.raises(OutOfMemoryError):
        python("x = bytearray(10**10)")


@pytest.mark.parametrize("kind", HELD)
def test_whoever_calls_setsid_dies_with_it(
    kind: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind)
    marker = uuid.uuid4().hex
    script = f"trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 600; : {marker}' & sleep 600"
    with budget(1, 512 * MIB), pytest.raises(ToolTimeoutError):
        bounded.run(["sh", "-c", script])
    assert left_behind(marker) == []


@pytest.mark.parametrize("kind", HELD)
def test_a_killed_worker_takes_its_tools_along(
    kind: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind)
    marker = uuid.uuid4().hex
    code = (
        "from pipeline.core import bounded\n"
        f"bounded.run(['sh', '-c', 'setsid sleep 600 & sleep 600; : {marker}'])\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 15
    while not [pid for pid in named(f": {marker}") if pid != parent.pid]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    time.sleep(0.5)
    assert left_behind(marker) == []


@pytest.mark.parametrize("kind", list(Protection))
def test_ends_are_told_alike(kind: Protection, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, kind)
    assert bounded.run(["sh", "-c", "exit 3"]).returncode == 3
    with pytest.raises(CrashError, match="signal 11"):
        bounded.run(["sh", "-c", "kill -SEGV $$"])
    with pytest.raises(CrashError, match="signal 6"):
        python("import os; os.abort()")


def test_a_warm_child_is_started_anew_for_other_folders(places: tuple[Path, Path, Path]) -> None:
    scratch, source, other = places
    sandbox.writable(scratch)
    sandbox.readable(source)
    assert isolate.call(Pool.LIBRARIES, faulty.reads, source / "file.txt") == source.name
    server = isolate.server(Pool.LIBRARIES)
    assert isolate.call(Pool.LIBRARIES, faulty.double, 2) == 4
    assert server.restarts == 1
    with pytest.raises(ToolFailureError, match="No such file"):
        isolate.call(Pool.LIBRARIES, faulty.reads, other / "file.txt")
    sandbox.readable(source, other)
    assert isolate.call(Pool.LIBRARIES, faulty.reads, other / "file.txt") == "other"
    assert server.restarts == 2


def test_a_named_file_shows_not_its_folder(places: tuple[Path, Path, Path]) -> None:
    _, source, other = places
    (other / "link.txt").symlink_to(source / "file.txt")
    (source / "beside.txt").write_text("beside", encoding="utf-8")
    sandbox.readable(other / "link.txt")
    assert python(READ, other / "link.txt").output.strip() == source.name
    assert python(READ, other / "file.txt").returncode == 1
    assert python(READ, source / "beside.txt").returncode == 1


def test_thousands_of_named_files_are_shown_by_their_folders(
    places: tuple[Path, Path, Path],
) -> None:
    many = [places[1] / f"{number}.txt" for number in range(3000)]
    for one in many:
        one.touch()
    sandbox.readable(*many)
    assert python("import sys; open(sys.argv[1])", many[-1]).returncode == 0
    assert python(READ, places[2] / "file.txt").returncode == 1


def test_temporary_files_of_ours_can_be_seen(places: tuple[Path, Path, Path]) -> None:
    sandbox.readable(places[1])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as stream:
        stream.write("seen")
        stream.flush()
        assert python(READ, stream.name).output.strip() == "seen"


def test_weaker_than_demanded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sandbox.VARIABLE, json.dumps({"demand": "bubblewrap", "use": "namespaces"}))
    with pytest.raises(ConfigError, match="demands the sandbox 'bubblewrap', but only"):
        sandbox.check()
    with pytest.raises(ConfigError):
        bounded.run(["true"])
    monkeypatch.setenv(sandbox.VARIABLE, json.dumps({"demand": "unshare"}))
    sandbox.check()


@pytest.mark.parametrize(
    "told", [{"demand": "jail"}, {"use": "x"}, {"max_processes": 3}, {"other": 1}]
)
def test_settings_that_make_no_sense_are_refused(
    told: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sandbox.VARIABLE, json.dumps(told))
    with pytest.raises(ConfigError):
        sandbox.settings()


def test_starts_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Protection.BUBBLEWRAP)
    times = []
    for _ in range(20):
        began = time.monotonic()
        bounded.run(["true"])
        times.append(time.monotonic() - began)
    # 8 ms where it was measured; ten times as much is a fault, not a slow machine.
    assert sorted(times)[10] < 0.08


def test_who_reads_the_whole_disk_sees_it_and_writes_nothing(tmp_path: Path) -> None:
    sandbox.writable(tmp_path)
    sandbox.readable(Path("/"))
    assert python(READ, "/etc/hostname").returncode == 0
    assert python(WRITE, "/usr/new.txt").returncode == 1
    assert python(WRITE, tmp_path / "new.txt").returncode == 0


@pytest.mark.parametrize("kind", SHUT_IN)
def test_a_link_among_temporary_files_weakens_nothing(
    kind: Protection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configured path behind a link that lies where temporary files do, as /tmp/shared is."""
    real, link = tmp_path / "real", tmp_path / "temporary" / "link"
    (real / "corpus").mkdir(parents=True)
    link.parent.mkdir()
    link.symlink_to(real)
    monkeypatch.setenv("TMPDIR", str(link.parent))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("SKANEARKIV_CORPUS", str(link / "corpus"))
    # What works is found out once in a process.
    told = json.dumps({"use": kind.value})
    code = "from pipeline.core import sandbox; print(sandbox.protection().whole)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, sandbox.VARIABLE: told},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"
