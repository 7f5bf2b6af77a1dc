# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tools that crash, hang, will not end, eat memory or disk, or print without end."""

from __future__ import annotations

import shutil

from benchmarks.faults import ledgers
from benchmarks.faults.deliveries import PROGRAM, WARM
from benchmarks.faults.scene import NotInjectedError, Scene

_GIB = 1024**3
# A tool that ends by itself is given time for that, also on a machine that has much to do.
_SOON, _LATER = 10, 90
_ENDLESS = frozenset({"hang", "stubborn", "escape"})


def _limits(seconds: int) -> str:
    return f"[limits]\nseconds = {seconds}\nmemory_mib = 1024\n"


def broken_tool(scene: Scene, fault: str, sign: str) -> None:
    """Run with a fault in a program and in a warm child; `sign` stands in the detail of both."""
    _run(scene, fault)
    for path, name in ((PROGRAM, "program"), (WARM, "warm")):
        detail = scene.victim(path, name)
        if sign not in detail:
            raise NotInjectedError(f"{name}: {detail}")


def escape(scene: Scene) -> None:
    """As above, with a grandchild in a session of its own, which must have been there."""
    broken_tool(scene, "escape", "was killed after")
    if "runaway" not in scene.commands:
        raise NotInjectedError("nobody saw the grandchild")


def memory(scene: Scene) -> None:
    """As above; no process may have taken more than a warm child may."""
    broken_tool(scene, "memory", "")
    scene.words.append(_peak(scene, 3 * _GIB))


def prints(scene: Scene) -> None:
    """A gigabyte on standard error, by both; it must not gather in a worker."""
    _run(scene, "print")
    for path, name in ((PROGRAM, "program"), (WARM, "warm")):
        scene.victim(path, name)
    if sum(line[-1:] == [str(_GIB)] for line in scene.told()) != 2:
        raise NotInjectedError(f"the validator told {scene.told()}")
    scene.words.append(_peak(scene, _GIB))


def fills_disk(scene: Scene) -> None:
    """Both fill the tmpfs that output and scratch lie on; innocents are worked on beside it."""
    disk = scene.tmpfs(160)
    scene.env["SKANEARKIV_FAULT"] = "disk"
    scene.toml = scene.toml.replace("disk_mib = 1\n", "disk_mib = 8\n") + _limits(_LATER)
    child = scene.start()
    # That it was full to the last byte was seen by somebody.
    least = 1 << 60

    def full() -> bool:
        nonlocal least
        if disk.is_dir():
            least = min(least, shutil.disk_usage(disk).free)
        return least == 0

    scene.until("the disk was full", full, child)
    scene.ended(child)
    for path, name in ((PROGRAM, "program"), (WARM, "warm")):
        scene.victim(path, name)


def poison(scene: Scene) -> None:
    """A file at which every worker that is given it dies."""
    _run(scene, "poison")
    scene.victim(PROGRAM, "victim")
    deaths = [line for line in scene.told() if line[0] == "poison"]
    if len({line[1] for line in deaths}) < 2:
        raise NotInjectedError(f"only {len(deaths)} workers died")


def _run(scene: Scene, fault: str) -> None:
    scene.env["SKANEARKIV_FAULT"] = fault
    scene.toml += _limits(_SOON if fault in _ENDLESS else _LATER)
    scene.ended(scene.start())
    if not ledgers.outcomes(scene.out):
        raise NotInjectedError(f"nothing was done: {scene.printed()[-300:]}")


def _peak(scene: Scene, most: int) -> str:
    return "memory bounded" if scene.peak < most else f"{scene.peak / _GIB:.1f} GiB in a process"
