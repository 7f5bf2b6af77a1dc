# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command lines that shut a child in: bubblewrap's (bwrap(1)), or unshare(1) and mount(8).

Every one keeps what a process group cannot: when the outermost process goes, or whoever
started it does (SIGKILL included), the kernel kills all that was started in it, also what
called setsid (pid_namespaces(7)).
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core.sandbox_view import View

# The tool is not process 1 itself: the kernel ignores signals that process 1 sends to
# itself (a tool that aborts would hang), and something must reap its orphans.
# dash knows RLIMIT_NPROC by -p, other shells by -u.
_LIMITS = (
    'ulimit -c 0; ulimit -v "$1"; ulimit -f "$2"; ulimit -n "$3"; ulimit -S -t "$4";'
    ' ulimit -H -t "$5"; { ulimit -u "$6" || ulimit -p "$6"; } 2>/dev/null; shift 6;'
)
_INIT = _LIMITS + ' "$@"; exit $?'

# Entering a user namespace clears a parent-death signal, so it comes first. The shell in
# between ends at once if the parent died before the signal was armed.
_ARM = ("setpriv", "--pdeathsig", "KILL", "sh", "-c")
_ALIVE = '[ "$PPID" = "$0" ] && exec "$@"'
_ALIVE_IN = '[ "$PPID" = "$0" ] || exit 1; echo $$ > "$1" || exit 1; shift; exec "$@"'
# Process 1 of a namespace asks to die with its parent after it was made: whose parent dies before
# that lives on (seen with bubblewrap, and SIGKILL of a worker on a busy machine). So the outermost
# process keeps a pipe's reading end as its stdin (bubblewrap closes all but the first three), and
# process 1 closes its own and writes: SIGPIPE ends it where the outermost process has gone. Not a
# pipe of the worker: its threads, and with the last of them its files, go after its children do.
_KEEP = 'exec 4>/proc/self/fd/0; exec "$@"'
_ASK = "exec </dev/null; echo >&4 || exit 1; exec 4>&-; "
_APART = ("--pid", "--net", "--fork", "--kill-child")
# What is written to /tmp stands in memory; tools are told by TMPDIR to use the disk.
_TMP_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of each process: bytes, bytes, descriptors, seconds of CPU; None is unlimited.

    `processes` counts those of the sandbox's own user namespace.
    """

    memory: int | None
    file_bytes: int
    open_files: int
    cpu: int
    processes: int

    def arguments(self) -> list[str]:
        """Return them as the shell's words: KiB, blocks of 512 bytes, numbers, seconds."""
        memory = "unlimited" if self.memory is None else str(max(self.memory // 1024, 1))
        # The soft limit's SIGXCPU names the reason; the hard limit kills who ignores it.
        cpu = (str(self.cpu), str(self.cpu + 5))
        return [memory, str(self.file_bytes // 512), str(self.open_files), *cpu,
                str(self.processes)]  # fmt: skip


def armed(group: str = "") -> list[str]:
    """Return the beginning of every command: die with the parent, enter a control group."""
    if shutil.which("setpriv") is None:
        return []
    if group:
        return [*_ARM, _ALIVE_IN, str(os.getpid()), f"{group}/cgroup.procs"]
    return [*_ARM, _ALIVE, str(os.getpid())]


def kept(command: Sequence[str]) -> list[str]:
    """Return the outermost command so that it keeps the pipe that is its stdin open."""
    return ["sh", "-c", _KEEP, "sh", *command]


def session(argv: Sequence[str], limits: Limits, *, asking: bool = False) -> list[str]:
    """Return `argv` with limits only. `asking`: not if the outermost process has gone."""
    return ["sh", "-c", _ASK + _INIT if asking else _INIT, "sh", *limits.arguments(), *argv]


def namespaces(
    argv: Sequence[str], limits: Limits, *, as_user: bool, asking: bool = False
) -> list[str]:
    """Return `argv` with processes and network of its own; the file system is all there."""
    inner = session(argv, limits, asking=asking)
    if not as_user:
        return ["unshare", *_APART, "--", *inner]
    # A new user namespace clears the parent-death signal: hence armed anew behind it.
    user = ["unshare", "--user", "--map-current-user", "--keep-caps", "--"]
    return [*user, *armed(), "unshare", *_APART, "--", *inner]


def bubblewrap(
    argv: Sequence[str],
    limits: Limits,
    view: View,
    user: Sequence[str] = (),
    *,
    asking: bool = False,
) -> list[str]:
    """Return `argv` under bubblewrap. `user`: its options for a user namespace."""
    options = [
        "bwrap", *user, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--die-with-parent", "--cap-drop", "ALL",
        # bubblewrap's own process 1 asks to die with its parent when the tool runs already, and
        # keeps the files that it was given.
        "--as-pid-1",
    ]  # fmt: skip
    if view.whole:
        options += ["--ro-bind", "/", "/"]
    options += ["--proc", "/proc", "--dev", "/dev"]
    for place in _in_memory(view):
        options += ["--size", str(_TMP_BYTES), "--perms", "1777", "--tmpfs", place]
    options += ["--remount-ro", "/dev"]
    for path, target in view.links:
        options += ["--symlink", target, path]
    for path, how in _mounts(view):
        options += [how, path, path]
    # What was not mounted is an empty folder on a file system in memory.
    options += [] if view.whole else ["--remount-ro", "/"]
    return [*options, "--", *session(argv, limits, asking=asking)]


def unshare(
    argv: Sequence[str], limits: Limits, view: View, *, as_user: bool, asking: bool = False
) -> list[str]:
    """Return `argv` in a root that is put together by mount, under unshare."""
    inner = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    inner += session(argv, limits, asking=asking)
    apart = ["unshare", "--mount", "--ipc", "--uts", *_APART, "--", "sh", "-c", _script(view)]
    # As above: the user namespace first, then armed anew. Only its root may mount.
    user = ["unshare", "--user", "--map-root-user", "--", *armed()] if as_user else []
    return [*user, *apart, os.getcwd(), *inner]


# Where the new root is put together: a folder that is always there and that no tool needs.
_ROOT = "/sys"


def _script(view: View) -> str:
    """Return the shell's commands that make the root of `view`, and enter it."""
    mounts = _mounts(view)
    folders = [path for path, _ in mounts if os.path.isdir(path)]
    files = [path for path, _ in mounts if not os.path.isdir(path)]
    parents = [os.path.dirname(path) for path in files]
    if view.whole:
        old = "/mnt"
        lines = [f"mount --rbind / {_ROOT}", *_read_only(), _tmpfs("/dev", "755"),
                 _folders(["/dev/shm"])]  # noqa: S108  # fmt: skip
    else:
        old = "/.old"
        lines = [_tmpfs("", "755"), _folders(["/proc", "/dev/shm", "/tmp", old])]  # noqa: S108
    lines += [_tmpfs(place, "1777") for place in _in_memory(view)]
    lines += [f"ln -s {shlex.quote(target)} {_inside(path)}" for path, target in view.links]
    if folders and not view.whole:
        lines.append(_folders([*folders, *parents]))
    lines += [f"[ -e {_inside(path)} ] || : > {_inside(path)}" for path in files]
    for path, how in mounts:
        mode = "bind,nosuid" if how == "--bind" else "bind,ro,nosuid"
        lines.append(f"mount -o {mode} {shlex.quote(path)} {_inside(path)}")
    for device in ("null", "zero", "full", "random", "urandom"):
        lines.append(f": > {_ROOT}/dev/{device}")
        lines.append(f"mount -o bind,nosuid,noexec /dev/{device} {_ROOT}/dev/{device}")
    lines.append(f"ln -s /proc/self/fd {_ROOT}/dev/fd")
    lines.append(f"mount -t proc -o nosuid,nodev,noexec proc {_ROOT}/proc")
    lines.append(f"pivot_root {_ROOT} {_ROOT}{old}")
    lines.append(f"cd /; umount -l {old}")
    lines += [] if view.whole else ["mount -o remount,bind,ro,nosuid /"]
    return "\n".join(["set -e", *lines, 'cd "$0" 2>/dev/null || cd /', 'exec "$@"'])


def _tmpfs(place: str, mode: str) -> str:
    # In mode 755, not 1777: in a folder of the latter kind the kernel lets nobody open
    # another user's file for writing with O_CREAT (sysctl fs.protected_regular).
    size = _TMP_BYTES if mode == "1777" else _TMP_BYTES // 16
    return f"mount -t tmpfs -o nosuid,nodev,mode={mode},size={size} tmpfs {_ROOT}{place}"


def _folders(paths: Sequence[str]) -> str:
    return f"mkdir -p {' '.join(_inside(one) for one in dict.fromkeys(paths))}"


def _inside(path: str) -> str:
    return shlex.quote(_ROOT + path)


def _read_only() -> list[str]:
    """Return the commands that make every mount of the new root read-only."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
        points = dict.fromkeys(line.split(" ")[4] for line in stream)
    lines = [f"mount -o remount,bind,ro,nosuid {_ROOT}"]
    for point in points:
        # A point is written with octal numbers for blanks (proc_pid_mountinfo(5)).
        place = point.encode("utf-8", "surrogateescape").decode("unicode_escape")
        path = place.encode("latin-1").decode("utf-8", "surrogateescape")
        if path != "/" and not any(_covers(one, path) for one in ("/proc", "/sys", "/dev")):
            lines.append(f"mount -o remount,bind,ro,nosuid {_inside(path)}")
    return lines


def _in_memory(view: View) -> list[str]:
    """Return the folders that each child has for itself; what is in them goes with it."""
    own = [] if any(_covers(one, "/tmp") for one in view.write) else ["/tmp"]  # noqa: S108
    return ["/dev/shm", *own]  # noqa: S108


def _mounts(view: View) -> list[tuple[str, str]]:
    """Return (path, bwrap's option), parents first; what may be written comes last."""
    both = [(one, "--ro-bind") for one in view.read if one not in view.write]
    both += [(one, "--bind") for one in view.write]
    return sorted(both, key=lambda one: (one[0].count("/"), one[1] == "--bind"))


def _covers(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
