# SPDX-License-Identifier: AGPL-3.0-or-later
"""The attacks that `benchmarks.sandbox` makes, and how it sees that a tool worked at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import sandbox_attacks as attacks
from benchmarks.sandbox_attacks import FORKS, MARK, Attack, Place

_GIB = 1024**3

_FORK = f"""
import os, time
made = 0
for _ in range({FORKS}):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        time.sleep(3)
        os._exit(0)
    made += 1
print("forked", made)
"""
_GROW = """
import os, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
with open(sys.argv[1], "wb") as stream:
    stream.seek(10 * 1024**3 - 1)
    stream.write(b"x")
"""
_OTHERS = """
import os
print("sees", len([one for one in os.listdir("/proc") if one.isdigit()]))
"""


def _printed_secret(_place: Place, printed: str) -> str:
    return "secret in the output" if MARK in printed else ""


def _victim(place: Place, _printed: str) -> str:
    if not place.victim.exists():
        return "file gone"
    return "file written" if Path(f"{place.victim}.new").exists() else ""


def _count(word: str, beyond: int) -> Callable[[Place, str], str]:
    def reached(_place: Place, printed: str) -> str:
        for line in printed.splitlines():
            if line.startswith(f"{word} ") and int(line.split()[1]) >= beyond:
                return f"{line.split()[1]} processes"
        return ""

    return reached


def _grown(place: Place, _printed: str) -> str:
    path = place.work / "grown"
    size = path.stat().st_size if path.exists() else 0
    return f"{size / _GIB:.0f} GiB" if size >= _GIB else ""


def _setuid(place: Place) -> list[str]:
    path = place.work / "id"
    # Made outside, as a file that an archive holds or an administrator left: what counts
    # is whether the child gains by it.
    shutil.copy("/usr/bin/id", path)
    os.chown(path, 65534, -1)
    path.chmod(0o4755)
    return [str(path)]


def _gained(_place: Place, printed: str) -> str:
    return "another user's rights" if "euid=65534" in printed else ""


def _rights(_place: Place, printed: str) -> str:
    return "owner of a file changed" if "changed" in printed else ""


_CHOWN = """
import os, sys
open(sys.argv[1], "w").close()
os.chown(sys.argv[1], 65534, -1)
print("changed")
"""
_VISIT = "import sys, urllib.request as u; u.urlopen(sys.argv[1] + '/visit', timeout=5).read()"
_READ = "import sys; print(open(sys.argv[1]).read())"
_PS_READ = "({0}) (r) file 100 string readstring pop =="


def _nothing(_place: Place, _printed: str) -> str:
    return ""


def _pdf(place: Place, _printed: str) -> bool:
    return any(place.work.glob("*.pdf"))


def _judged(_place: Place, printed: str) -> bool:
    return "ValidationResult(" in printed


def _says(word: str) -> Callable[[Place, str], bool]:
    return lambda _place, printed: word in printed


def _postscript(program: str, safety: str, place: Place) -> list[str]:
    aim = place.secret if "readstring" in program else place.victim
    return attacks.postscript(place, program.format(aim), safety)


def all_attacks() -> list[Attack]:
    """Return the attacks, those that need root only where we are root."""
    found = [
        Attack("docx: remote picture", "soffice --convert-to",
               lambda p: attacks.convert(p, attacks.docx(p)), _nothing, visits=True,
               worked=_pdf, ours_worked=_pdf,
               ours=lambda p: attacks.by_us(p, attacks.docx(p), "MS Word 2007 XML", "writer")),
        Attack("odt: macro writes a file", "soffice, macros allowed", attacks.open_with_macros,
               _victim, seconds=8, ours_worked=_pdf,
               ours=lambda p: attacks.by_us(p, attacks.macro(p), "writer8", "writer")),
        Attack("html: picture of another folder", "soffice --convert-to",
               lambda p: attacks.convert(p, attacks.html(p)), attacks.shows_picture,
               worked=_pdf, ours_worked=_pdf,
               ours=lambda p: attacks.by_us(p, attacks.html(p), "HTML (StarWriter)", "writer")),
        Attack("svg: picture of another folder", "soffice --convert-to",
               lambda p: attacks.convert(p, attacks.svg(p)), attacks.shows_picture, worked=_pdf),
        Attack("svg: external entity", "lxml, entities resolved",
               lambda p: attacks.lxml(attacks.svg_entity(p)), _printed_secret,
               ours_worked=_judged,
               ours=lambda p: attacks.our_xml(attacks.svg_entity(p))),
        Attack("xml: external entity, local", "lxml, entities resolved",
               lambda p: attacks.lxml(attacks.xml(p, p.secret.as_uri())), _printed_secret,
               ours_worked=_judged,
               ours=lambda p: attacks.our_xml(attacks.xml(p, p.secret.as_uri()))),
        Attack("xml: external entity, remote", "lxml, entities resolved",
               lambda p: attacks.lxml(attacks.xml(p, f"{p.url}/e")), _nothing, visits=True,
               ours_worked=_judged,
               ours=lambda p: attacks.our_xml(attacks.xml(p, f"{p.url}/e"))),
    ]  # fmt: skip
    for name, program, reached in (
        ("deletes a file", "({0}) deletefile", _victim),
        ("renames a file", "({0}) ({0}.new) renamefile", _victim),
        ("reads a file", _PS_READ, _printed_secret),
    ):
        found.append(
            Attack(f"PostScript: {name}", "gs -dNOSAFER",
                   partial(_postscript, program, "-dNOSAFER"), reached,
                   ours=partial(_postscript, program, "-dSAFER"))
        )  # fmt: skip
    taken = "a program taken over"
    found += [
        Attack("reads another delivery", taken, lambda p: attacks.python(_READ, str(p.secret)),
               _printed_secret),
        Attack("uses the network", taken, lambda p: attacks.python(_VISIT, p.url), _nothing,
               visits=True),
        Attack("sees other processes", taken, lambda _: attacks.python(_OTHERS),
               _count("sees", 10), worked=_says("sees ")),
        Attack(f"forks {FORKS} times", taken, lambda _: attacks.python(_FORK),
               _count("forked", FORKS), seconds=20, worked=_says("forked ")),
        Attack("writes 10 GiB (sparse)", taken,
               lambda p: attacks.python(_GROW, str(p.work / "grown")), _grown),
    ]  # fmt: skip
    if os.geteuid() == 0:
        found += [
            Attack("runs a set-user-ID program", taken, _setuid, _gained,
                   worked=_says("uid=")),
            Attack("uses a right of root", taken,
                   lambda p: attacks.python(_CHOWN, str(p.work / "owned")), _rights),
        ]  # fmt: skip
    return found
