# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ends that are asked for, a second command, and a machine that is short of memory."""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise

from benchmarks.faults.scene import NotInjectedError, Scene
from pipeline.execution.slots import available

_MIB = 1024 * 1024


def once(scene: Scene, number: signal.Signals) -> None:
    """Ctrl-C (to the whole group, as a terminal does it) or SIGTERM, once; then again."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    os.killpg(child.pid, number)
    scene.until("it was told", lambda: scene.said("finishing"), child)
    scene.words.append("drains")
    scene.ended(child, 60)
    scene.again()


def twice(scene: Scene) -> None:
    """Ctrl-C twice; then again."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    os.killpg(child.pid, signal.SIGINT)
    scene.until("it was told", lambda: scene.said("finishing"), child)
    os.killpg(child.pid, signal.SIGINT)
    scene.ended(child, 20)
    left = scene.left()
    scene.words.append(f"left: {left}" if left else "nothing left")
    scene.again()


def second(scene: Scene) -> None:
    """The same command while the first one works: refused, and the first is not disturbed."""
    child = scene.start()
    scene.until("a file was done", lambda: scene.finished() > 0, child)
    other = scene.start()
    code = other.wait(timeout=60)
    if child.poll() is not None:
        raise NotInjectedError("the first had ended")
    scene.words.append(f"second {code}")
    scene.words.append("told" if scene.said("another run is writing") else "not told")
    child.send_signal(signal.SIGKILL)
    scene.ended(child)
    # What a crash leaves of the lock does not stand in the way.
    scene.again()


def short_of_memory(scene: Scene) -> None:
    """More memory is asked for than the machine has: one slot works, the others wait."""
    asked = 4 * available() // _MIB
    scene.toml = scene.toml.replace("memory_mib = 64", f"memory_mib = {asked}")
    began = time.monotonic()
    scene.ended(scene.start())
    spans = sorted(
        (float(line[2]), float(line[3]), line[1]) for line in scene.told() if line[0] == "file"
    )
    if not spans or spans[0][0] < began:
        raise NotInjectedError("nobody told when it worked")
    overlaps = sum(
        later[0] < earlier[1] and later[2] != earlier[2] for earlier, later in pairwise(spans)
    )
    scene.words.append(f"{overlaps} overlaps" if overlaps else "one at a time")
