# SPDX-License-Identifier: AGPL-3.0-or-later
"""The sandbox of every child: what protection works here, and what this process lets them reach.

A worker says `writable(folder)` and `readable(source)` at its start; a command that reads
files in place says `readable(files)`. From then on children see the system's programs,
these, and nothing else. A process that says neither (a script, a test) lets children read
everything and write to the folder for temporary files.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from pipeline.core import posix, sandbox_processes
from pipeline.core import sandbox_commands as commands
from pipeline.core.errors import ConfigError
from pipeline.core.sandbox_commands import Limits
from pipeline.core.sandbox_view import View, view

VARIABLE = "SKANEARKIV_SANDBOX"
REMEDY = (
    "install bubblewrap (apt-get install bubblewrap) and allow user namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1; Ubuntu 24.04: "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
)
# Setting up the protection is part of each try; a machine under load may be slow.
_TRY_SECONDS = 20
# Each named path is a mount (0.1 ms); of more, the folders that they lie in are shown.
_MANY = 64


class Protection(StrEnum):
    """How children are held, the strongest first."""

    BUBBLEWRAP = "bubblewrap"
    UNSHARE = "unshare"
    NAMESPACES = "namespaces"
    SESSION = "session"

    @property
    def rank(self) -> int:
        """0 is the strongest."""
        return list(Protection).index(self)


# LibreOffice and a Java machine take some 40 threads together, and 300 open files.
_LEAST = {"max_processes": 100, "max_file_mib": 1, "max_open_files": 512, "max_cpu_seconds": 60}


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration's table `[sandbox]`: limits of every child, and what is demanded.

    `demand`: the weakest protection with which a run may start; `use`: this one and no
    other; "" for the strongest that works. `max_processes` are those of one worker's
    children, threads included; the rest are limits of each process. `max_cpu_seconds` is
    for a warm server; a program's follows from the time that its step may take.
    """

    demand: str = ""
    use: str = ""
    max_processes: int = 512
    max_file_mib: int = 8192
    max_open_files: int = 4096
    max_cpu_seconds: int = 43200

    def validate(self) -> None:
        """Raise ConfigError for a name that is no protection, a number that is no limit."""
        known = [one.value for one in Protection]
        for name, value in (("demand", self.demand), ("use", self.use)):
            if value and value not in known:
                raise ConfigError(f"sandbox: {name}: {value!r} is none of {', '.join(known)}")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ConfigError(f"sandbox: {name}: less than {least} lets no tool work")


@dataclass(frozen=True, slots=True)
class Found:
    """What works here. `whole`: a root of few folders cannot be made, `/` is read-only.

    `as_user`: the options with which a user namespace is made.
    """

    kind: Protection
    as_user: tuple[str, ...] = ()
    whole: bool = False


@dataclass(slots=True)
class _Reach:
    """What this process lets its children reach; None where nobody said it."""

    writable: str | None = None
    readable: tuple[str, ...] | None = None


_reach = _Reach()


def writable(folder: Path) -> None:
    """Let children write below `folder` and nowhere else, from now on.

    Temporary files of this process go into `folder/tmp` with it: what a tool writes
    there must be seen by us, and the other way round.
    """
    place = os.path.realpath(folder)
    scratch = os.path.join(place, "tmp")
    os.makedirs(scratch, exist_ok=True)
    os.environ["TMPDIR"] = scratch
    tempfile.tempdir = None
    _reach.writable = place


def readable(*paths: Path) -> None:
    """Let children read these files and folders, and not others of ours, from now on.

    Where no folder was named for writing, one is made that goes with the process.
    """
    named = list(dict.fromkeys(os.path.abspath(one) for one in paths))
    if len(named) > _MANY:
        named = list(dict.fromkeys(map(os.path.dirname, named)))
    if len(named) > _MANY:
        named = [os.path.commonpath(named)]
    _reach.readable = tuple(named)
    if _reach.writable is None:
        folder = Path(tempfile.mkdtemp(prefix="skanearkiv-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        writable(folder)


def unconfined() -> None:
    """Forget what `writable` and `readable` were told."""
    _reach.writable, _reach.readable = None, None


def state() -> tuple[object, ...]:
    """Return what a child's mounts and limits depend on; a warm server compares it."""
    told = tuple(sorted(one for one in os.environ.items() if posix.ours(one[0])))
    return (_reach.writable, _reach.readable, tempfile.gettempdir(), told)


def settings() -> Settings:
    """Return the settings of the variable SKANEARKIV_SANDBOX. Raises ConfigError."""
    text = os.environ.get(VARIABLE, "")
    try:
        found = Settings(**json.loads(text)) if text else Settings()
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{VARIABLE} is not what [sandbox] can hold: {error}") from error
    found.validate()
    return found


def protection() -> Found:
    """Return the strongest protection that works here, found by trying, once."""
    return _protection(settings().use)


def check() -> None:
    """Raise ConfigError where the protection is weaker than the configuration demands."""
    asked = settings().demand
    if not asked:
        return
    found = protection()
    if found.kind.rank > Protection(asked).rank:
        chosen = settings().use
        remedy = f"take use = {chosen!r} out of [sandbox]" if chosen else REMEDY
        raise ConfigError(
            f"the configuration demands the sandbox {asked!r}, but only {found.kind.value!r} is "
            f"active here; {remedy}"
        )


def wrap(
    argv: Sequence[str], memory: int | None, cpu: float | None = None, *, asking: bool = False
) -> list[str]:
    """Return `argv` shut in. `memory`: bytes of address space, None for no limit.

    `cpu`: seconds of CPU for each process; None for what a warm server may use up in its
    life. `asking`: what is given as stdin is a pipe's reading end that nobody else keeps; the
    program does not begin if whoever started it has died meanwhile, and its own stdin is empty.
    Raises ConfigError where the protection is weaker than demanded.
    """
    check()
    found = protection()
    given = limits(memory, cpu)
    unsaid = _reach.writable is None and _reach.readable is None
    # Who reads all of the disk, or all of /tmp, leaves no room for a /tmp of the child's own.
    all_of_it = not {"/", "/tmp"}.isdisjoint(_reach.readable or ())  # noqa: S108
    whole = found.whole or unsaid or all_of_it
    shown = view(_writes(whole=whole), _reach.readable or (), whole=whole)
    group = sandbox_processes.group(settings().max_processes)
    # Without a namespace the outermost process is all there is.
    asking = asking and found.kind is not Protection.SESSION
    command = [*commands.armed(group), *_command(found, argv, given, shown, asking=asking)]
    return commands.kept(command) if asking else command


def _writes(*, whole: bool) -> tuple[str, ...]:
    # Where everything can be read, /tmp cannot be private: what is read may lie in it. But
    # some programs (LibreOffice's pipes) write there whatever TMPDIR says.
    shared = ("/tmp",) if whole else ()  # noqa: S108
    return (_reach.writable or tempfile.gettempdir(), *shared)


def limits(memory: int | None, cpu: float | None) -> Limits:
    """Return the limits of a child, none above what this process has itself."""
    told = settings()
    return Limits(
        memory,
        _least(told.max_file_mib * 1024 * 1024, resource.RLIMIT_FSIZE),
        _least(told.max_open_files, resource.RLIMIT_NOFILE),
        # Seconds on all cores: the wall clock is what ends a tool, this ends what escaped it.
        math.ceil(told.max_cpu_seconds if cpu is None else cpu * (os.cpu_count() or 1) + 1),
        _least(told.max_processes, resource.RLIMIT_NPROC),
    )


def _least(wanted: int, kind: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _command(
    found: Found, argv: Sequence[str], given: Limits, shown: View, *, asking: bool = False
) -> list[str]:
    user = found.as_user
    if found.kind is Protection.BUBBLEWRAP:
        return commands.bubblewrap(argv, given, shown, user, asking=asking)
    if found.kind is Protection.UNSHARE:
        return commands.unshare(argv, given, shown, as_user=bool(user), asking=asking)
    if found.kind is Protection.NAMESPACES:
        return commands.namespaces(argv, given, as_user=bool(user), asking=asking)
    return commands.session(argv, given)


def _candidates() -> list[Found]:
    inner = ("--unshare-user", "--disable-userns")
    found = [
        Found(Protection.BUBBLEWRAP, user, whole)
        for whole in (False, True)
        # A bubblewrap before 0.8 lacks the second option; root may do without either.
        for user in (inner, inner[:1], ())
    ]
    for whole in (False, True):
        found += [Found(Protection.UNSHARE, user, whole) for user in ((), inner[:1])]
    found += [Found(Protection.NAMESPACES, user) for user in ((), inner[:1])]
    return found


@lru_cache(maxsize=8)
def _protection(use: str) -> Found:
    for one in _candidates():
        if (not use or one.kind.value == use) and _works(one):
            return one
    return Found(Protection.SESSION)


# Our own Python must find its libraries and the devices, its folder must be there to write,
# and what the protection promises must be true: no network but a loopback that is down, and
# a root that nobody can write to.
_TRY = """
import ctypes, json, os, sys
open("/dev/null", "w").close()
descriptor = os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY)
lines = open("/proc/net/dev").read().splitlines()[2:]
network = [one for one in lines if not one.strip().startswith("lo:")]
root = sys.argv[2] == "held" and os.access("/", os.W_OK)
status = open("/proc/self/status").read()
rights = sys.argv[2] == "held" and "NoNewPrivs:\\t1" not in status
sys.exit(1 if network or root or rights else 0)
"""


def _works(found: Found) -> bool:
    """Whether our own Python works this way, and is held as it shall be."""
    if found.kind is not Protection.BUBBLEWRAP and shutil.which("setpriv") is None:
        return False  # nothing would end a tool whose worker was killed
    held = "held" if found.kind in (Protection.BUBBLEWRAP, Protection.UNSHARE) else "free"
    # A folder of its own, as a worker has: of all of /tmp, links in it would lead out of the view
    # (a configured path behind one could not be mounted, and the weaker kind would be taken).
    with tempfile.TemporaryDirectory(prefix="skanearkiv-") as made:
        folder = os.path.realpath(made)
        writes = _writes(whole=True) if found.whole else (folder,)
        shown = view(writes, (), whole=found.whole)
        argv = [sys.executable, "-I", "-S", "-c", _TRY, folder, held]
        command = [*commands.armed(), *_command(found, argv, limits(None, 60), shown)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TRY_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0
