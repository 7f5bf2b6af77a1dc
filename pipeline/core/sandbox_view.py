# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a child can see: the system's programs, ours, and what the process has said it needs.

Paths are the same inside and outside, so that no path has to be translated. Whatever is
not listed does not exist for the child: home folders, other deliveries, the ledger.
"""

from __future__ import annotations

import json
import os
import site
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import posix

_SYSTEM = ("/usr", "/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# What the tools read below /etc and /var: the loader, alternatives (java, soffice), fonts,
# Java's and LibreOffice's and Ghostscript's settings, names of users, file types. No
# passwords, keys or settings of services.
_SETTINGS = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
    "/etc/fonts", "/etc/ghostscript", "/etc/libreoffice", "/etc/papersize", "/etc/paperspecs",
    "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/localtime", "/etc/timezone",
    "/etc/locale.alias", "/etc/magic", "/etc/magic.mime", "/etc/mime.types", "/etc/os-release",
    "/etc/python3", "/etc/python3.11", "/etc/xml", "/etc/sgml", "/etc/java",
    "/var/cache/fontconfig", "/var/lib/ghostscript", "/var/lib/libreoffice",
)  # fmt: skip
_JAVA = "java-"  # /etc/java-17-openjdk: the machine does not start without it
_FOLDERS = ("JAVA_HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_OURS = (("XDG_DATA_HOME", "~/.local/share"), ("XDG_CACHE_HOME", "~/.cache"))


@dataclass(frozen=True, slots=True)
class View:
    """Paths by what may be done with them. `links`: (path, what it points to).

    `whole`: all of the file system is there to read, beside what is listed.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    whole: bool


def view(write: tuple[str, ...], read: tuple[str, ...], *, whole: bool) -> View:
    """Return what a child sees that may write below `write` and read `read`."""
    links: list[tuple[str, str]] = []
    seen: list[str] = []
    for path in () if whole else _fixed():
        if os.path.islink(path) and path in _SYSTEM:
            links.append((path, os.readlink(path)))
        elif os.path.exists(path):
            seen.append(path)
    for path in () if whole else (*_configured(), *read):
        seen.extend(_both(path))
    given = [one for path in write for one in _both(path)]
    return View(_needed(seen), _needed(given), tuple(links), whole)


def _fixed() -> Iterator[str]:
    yield from _SYSTEM
    yield from _SETTINGS
    if os.path.isdir("/etc"):
        yield from (f"/etc/{one}" for one in sorted(os.listdir("/etc")) if one.startswith(_JAVA))


def _configured() -> Iterator[str]:
    """Yield what this Python, our packages, and the variables of children name."""
    # Not sys.path: its first entry is the folder in which a command was given.
    yield from (sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable)))
    yield str(Path(__file__).resolve().parents[2])
    if site.ENABLE_USER_SITE:
        yield site.getusersitepackages()
    for variable, default in _OURS:
        folder = os.environ.get(variable) or os.path.expanduser(default)
        yield os.path.join(folder, "skanearkiv")
    for variable in _FOLDERS:
        yield from filter(os.path.isabs, os.environ.get(variable, "").split(":"))
    for variable, value in os.environ.items():
        if posix.ours(variable):
            for path in filter(os.path.isabs, _listed(value)):
                yield from _around(path)


def _listed(value: str) -> list[str]:
    if not value.startswith("["):
        return [value]
    try:
        found = json.loads(value)
    except ValueError:
        return []
    return [one for one in found if isinstance(one, str)]


def _around(path: str) -> Iterator[str]:
    """Yield a folder, or a file and, if it is a program or jar, the folder it was installed in."""
    yield path
    for one in {path, os.path.realpath(path)}:
        if os.path.isfile(one) and (os.access(one, os.X_OK) or one.endswith(".jar")):
            folder = os.path.dirname(one)
            place = os.path.dirname(folder) if os.path.basename(folder) == "bin" else folder
            # A program that lies in a home folder itself shows that one file only.
            if place != os.path.realpath(os.path.expanduser("~")):
                yield place


def _both(path: str) -> list[str]:
    """Return a path as given and as it really is, if it is there."""
    if not os.path.exists(path):
        return []
    return list(dict.fromkeys((os.path.abspath(path), os.path.realpath(path))))


def _needed(paths: list[str]) -> tuple[str, ...]:
    """Return the paths without those that lie in others, parents before children."""
    kept: list[str] = []
    for path in sorted(set(paths), key=lambda one: (one.count("/"), one)):
        # `/` as a whole would be no view at all.
        if path != "/" and not any(path == one or path.startswith(f"{one}/") for one in kept):
            kept.append(path)
    return tuple(kept)
