# SPDX-License-Identifier: AGPL-3.0-or-later
"""Processes that are killed: workers, the coordinator, LibreOffice, the Java machine."""

from __future__ import annotations

import signal
import socket
import subprocess
import time

import psutil

from benchmarks.faults import ledgers
from benchmarks.faults.deliveries import SLOW
from benchmarks.faults.scene import NotInjectedError, Scene

_BUSY = 0.5  # seconds of CPU since the file came to it: it is at work on it
OFFICE, JAVA = "soffice.bin", "libjvm.so"


def worker(scene: Scene) -> None:
    """Kill a worker that has work in hand."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    scene.until("workers were there", lambda: len(scene.workers(child)) >= 2, child)
    scene.kill(max(scene.workers(child), key=_started))
    scene.words.append("killed")
    scene.ended(child)


def _started(one: psutil.Process) -> int:
    """Return how many children a process has: the worker has, the resource tracker not."""
    return len(one.children(recursive=True))


def coordinator(scene: Scene) -> None:
    """Kill the command itself; then give it again."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 1, child)
    child.send_signal(signal.SIGKILL)
    scene.ended(child, 20)
    left = scene.left()
    scene.words.append(f"left: {left}" if left else "nothing left")
    scene.again()


# -- warm servers -----------------------------------------------------------------------------


def server_between(scene: Scene, sign: str) -> None:
    """Kill a warm server while it has nothing to do: texts are being worked on."""
    scene.options = ["--workers", "1"]
    child = scene.start()

    def idle() -> bool:
        known = ledgers.outcomes(scene.out)
        return known.get("a-first.odt") is not None and known.get(SLOW) is None

    scene.until("the first document was done", idle, child)
    server = scene.inside(child, sign)
    if server is None:
        raise NotInjectedError(f"no process with {sign}")
    # A Java machine compiles for a while after its first file; it is idle between files then.
    while _worked(server):
        if not idle() or _in_hand(scene, SLOW):
            raise NotInjectedError("it was at work")
    if _in_hand(scene, SLOW):
        raise NotInjectedError("the next document was begun")
    _kill_and_restart(scene, child, server, sign)


def _worked(server: psutil.Process) -> bool:
    before = server.cpu_times().user
    time.sleep(0.3)
    return bool(server.cpu_times().user - before > 0.1)


def server_within(scene: Scene, sign: str) -> None:
    """Kill a warm server while it works on a document of many pages."""
    scene.options = ["--workers", "1"]
    child = scene.start()
    # Of LibreOffice the document itself, of the Java machine what was made of it.
    suffix = ".odt" if sign == OFFICE else ".pdf"
    scene.until("the slow document was begun", lambda: _in_hand(scene, suffix, SLOW), child)
    server = scene.inside(child, sign)
    if server is None:
        raise NotInjectedError(f"no process with {sign}")
    before = server.cpu_times().user
    scene.until(
        "it was at work", lambda: server.cpu_times().user - before > _BUSY, child, seconds=60
    )
    if ledgers.outcomes(scene.out).get(SLOW) is not None:
        raise NotInjectedError("the document was done already")
    _kill_and_restart(scene, child, server, sign)


def _in_hand(scene: Scene, suffix: str, name: str = SLOW) -> bool:
    """Whether the slow document is in a worker's scratch, and a file of that kind with it."""
    if ledgers.states(scene.out).get(name, (None, ""))[1] != "surveyed":
        return False
    done = ledgers.outcomes(scene.out)
    if any(done.get(f"b-{number}.json") is None for number in range(4)):
        return False
    return any(scene.out.glob(f".staging/skanearkiv-worker-*/**/*{suffix}"))


def _kill_and_restart(
    scene: Scene, child: subprocess.Popen[bytes], server: psutil.Process, sign: str
) -> None:
    scene.kill(server)
    scene.words.append("killed")
    fresh: list[int] = []

    def restarted() -> bool:
        found = scene.inside(child, sign)
        if found is not None and found.pid != server.pid:
            fresh.append(found.pid)
        return bool(fresh) or child.poll() is not None

    scene.until("it was started anew", restarted, child)
    scene.words.append("started anew" if fresh else "never started anew")
    scene.ended(child)


# -- a cluster of one's own -------------------------------------------------------------------


def scheduler(scene: Scene) -> None:
    """Kill the scheduler; then start it and a worker again, and give the same command."""
    port, mother, hands = _cluster(scene)
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    scene.kill(psutil.Process(mother.pid))
    scene.words.append("killed")
    scene.ended(child, 150)
    scene.retire(hands)
    mother.wait()
    _, mother, hands = _cluster(scene, port)
    scene.again()
    scene.retire(hands)
    scene.retire(mother)


def node(scene: Scene) -> None:
    """Kill a node with all its workers; another comes, and the run goes on by itself."""
    port, mother, hands = _cluster(scene)
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    scene.retire(hands)
    scene.words.append("killed")
    others = _hands(scene, port)
    scene.ended(child)
    scene.retire(others)
    scene.retire(mother)


def walltime(scene: Scene) -> None:
    """End a node as a batch system does, by SIGTERM; another comes."""
    port, mother, hands = _cluster(scene)
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    hands.terminate()
    hands.wait(timeout=60)
    scene.words.append("terminated")
    others = _hands(scene, port)
    scene.ended(child)
    scene.retire(others)
    scene.retire(mother)


def _cluster(
    scene: Scene, port: int = 0
) -> tuple[int, subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    mother = scene.spawn(["cluster", "scheduler", "--host", "127.0.0.1", "--port", str(port)])
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.2)
    scene.options = ["--cluster", f"tcp://127.0.0.1:{port}"]
    return port, mother, _hands(scene, port)


def _hands(scene: Scene, port: int) -> subprocess.Popen[bytes]:
    words = ["cluster", "worker", f"tcp://127.0.0.1:{port}", "--slots", "2"]
    return scene.spawn([*words, "--scratch", str(scene.base)])
