# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ready-made tools as a script calls them: a cold process for each file.

Not in the sandbox, as such a script runs them; with a limit of time and memory each.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import document_methods
from validators import verapdf_engine

_MEMORY = 8 * 1024**3  # bytes of address space
_OUTPUT = 4 * 1024**3  # bytes of a file that a tool writes
_TAIL = 16 * 1024
_FIDO = "%(info.puid)s\n"
# veraPDF's jar without its own command line has Rhino, with which its rules are written: a
# script for Rhino's shell is a whole Java program. A class compiled for it takes 0.2 s less of 3.
_RHINO = "org.mozilla.javascript.tools.shell.Main"
_JUDGE = """
importPackage(java.lang, java.io);
var code = 0;
try {
  Packages.org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider.initialise();
  java.util.logging.LogManager.getLogManager().reset();
  var foundry = Packages.org.verapdf.pdfa.Foundries.defaultInstance();
  var none = Packages.org.verapdf.pdfa.flavours.PDFAFlavour.NO_FLAVOUR;
  var parser = foundry.createParser(new File(arguments[0]));
  var claimed = parser.getFlavours().toArray(), said = [];
  for (var at = 0; at < claimed.length; at++) {
    if (claimed[at].equals(none)) continue;
    var result = foundry.createValidator(claimed[at], 1, false, true, false).validate(parser);
    said.push(claimed[at].getId() + " " + (result.isCompliant() ? "valid" : "invalid"));
  }
  parser.close();
  print(said.length ? said.join(", ") : "no claim");
} catch (error) { print("error " + error); code = 1; }
System.exit(code);
"""
_EXPORT = {
    "writer": "writer_pdf_Export", "calc": "calc_pdf_Export", "impress": "impress_pdf_Export",
    "draw": "draw_pdf_Export",
}  # fmt: skip
# Pillow as a script uses it, where Debian's ImageMagick is not installed.
_PILLOW = (
    "import sys; from PIL import Image; "
    "Image.open(sys.argv[1]).save(sys.argv[2], compression='tiff_deflate')"
)
_LXML = "import sys; from lxml import etree; etree.parse(sys.argv[1])"
_HAS_TEXT = 6  # OCRmyPDF's exit code for a PDF that has text already


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a call: exit code (-1: killed after its time), last words, seconds."""

    code: int
    text: str
    seconds: float


class Tools:
    """The tools of one script run; `scratch` is its folder, `seconds` its limit for a call."""

    def __init__(self, scratch: Path, seconds: float) -> None:
        self._scratch = scratch
        self._seconds = seconds
        self._ghostscript = document_methods.ghostscript(scratch)
        self._judge = scratch / "judge.js"
        self._judge.write_text(_JUDGE, encoding="ascii")
        self._environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}

    def do(self, tool: str, path: Path, made: Path, given: str) -> Said:
        """Call a tool on a file; what it makes goes to `made`."""
        call: Callable[[Path, Path, str], Said] = getattr(self, tool)
        return call(path, made, given)

    def fido(self, path: Path, made: Path, given: str) -> Said:
        """Identify with opf-fido's own command; its answer is the text."""
        del made, given
        program = str(Path(sys.executable).with_name("fido"))
        return self._run([program, "-q", "-matchprintf", _FIDO, "-nomatchprintf", "?\n", str(path)])

    def verapdf(self, path: Path, made: Path, given: str) -> Said:
        """Validate against what the file claims, in a Java machine of its own."""
        del made, given
        return self._run(
            ["java", f"-Xmx{verapdf_engine.HEAP}", "-XX:+UseSerialGC", "-Djava.awt.headless=true",
             "-cp", os.pathsep.join(verapdf_engine.class_path()), _RHINO, "-opt", "-1",
             str(self._judge), str(path)]
        )  # fmt: skip

    def jpylyzer(self, path: Path, made: Path, given: str) -> Said:
        """Validate a JPEG 2000 with jpylyzer's command."""
        del made, given
        return self._run([str(Path(sys.executable).with_name("jpylyzer")), str(path)])

    def xmllint(self, path: Path, made: Path, given: str) -> Said:
        """See whether XML is well-formed."""
        del made, given
        found = shutil.which("xmllint")
        words = [found, "--noout"] if found else [sys.executable, "-c", _LXML]
        return self._run([*words, str(path)])

    def ghostscript(self, path: Path, made: Path, given: str) -> Said:
        """Make PDF/A-2 of a PDF, as benchmarks/document_methods.py does."""
        del given
        started = time.monotonic()
        told = self._ghostscript(path, made)
        return Said(int(bool(told)), told, time.monotonic() - started)

    def ocrmypdf(self, path: Path, made: Path, given: str) -> Said:
        """Make searchable PDF/A-2 of a scan; one with text on some pages in two steps.

        OCRmyPDF 17 refuses PDF/A together with `--skip-text` on Ghostscript 10.00.
        """
        program = str(Path(sys.executable).with_name("ocrmypdf"))
        words = [program, "--quiet", "--jobs", "1", "-l", given, "--image-dpi", "300",
                 "--invalidate-digital-signatures"]  # fmt: skip
        first = self._run([*words, "--output-type", "pdfa-2", str(path), str(made)])
        if first.code != _HAS_TEXT:
            return first
        read = self._scratch / "read.pdf"
        read.unlink(missing_ok=True)
        again = self._run(
            [*words, "--skip-text", "--output-type", "pdf", str(path), str(read)]
        )  # fmt: skip
        last = self.ghostscript(read, made, "") if read.exists() else again
        seconds = first.seconds + again.seconds + (last.seconds if read.exists() else 0.0)
        return Said(last.code, last.text, seconds)

    def soffice(self, path: Path, made: Path, given: str) -> Said:
        """Convert with LibreOffice, started for this file, in a profile of the script's own."""
        options = json.dumps({"SelectPdfVersion": {"type": "long", "value": "2"}})
        wanted = f"pdf:{_EXPORT[given]}:{options}" if given in _EXPORT else given
        profile, out = self._scratch / "profile", self._scratch / "converted"
        shutil.rmtree(out, ignore_errors=True)
        said = self._run(
            ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore",
             "--convert-to", wanted, "--outdir", str(out), str(path)]
        )  # fmt: skip
        if said.code:
            # What was killed leaves a lock, and the next one would wait for a person.
            shutil.rmtree(profile, ignore_errors=True)
        for one in sorted(out.glob("*")) if out.is_dir() else ():
            os.replace(one, made)
        return said

    def image(self, path: Path, made: Path, given: str) -> Said:
        """Make TIFF of a picture: ImageMagick where it is installed, else Pillow."""
        del given
        found = imagemagick()
        if found:
            return self._run([found, str(path), "-compress", "zip", str(made)])
        return self._run([sys.executable, "-c", _PILLOW, str(path), str(made)])

    def _run(self, arguments: Sequence[str]) -> Said:
        started = time.monotonic()
        log = self._scratch / "said"
        with log.open("wb") as stream:
            child = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=_limit,  # noqa: PLW1509 - no threads here
                env=self._environment, cwd=self._scratch,
            )  # fmt: skip
            try:
                code = child.wait(self._seconds)
            except subprocess.TimeoutExpired:
                code = -1
            finally:
                # Also what it has left running.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        with log.open("rb") as stream:
            stream.seek(max(log.stat().st_size - _TAIL, 0))
            text = stream.read().decode("utf-8", "replace").strip()
        return Said(code, text, time.monotonic() - started)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_OUTPUT, _OUTPUT))


def imagemagick() -> str:
    """Return ImageMagick's program, "" where there is none: other programs have its name."""
    for name in ("magick", "convert"):
        found = shutil.which(name)
        if found:
            told = subprocess.run([found, "-version"], capture_output=True, check=False)
            if b"ImageMagick" in told.stdout and not told.returncode:
                return found
    return ""


def which() -> dict[str, str]:
    """Return which program stands for what, where there is a choice."""
    return {
        "image": "ImageMagick" if imagemagick() else "Pillow",
        "xmllint": "xmllint" if shutil.which("xmllint") else "lxml",
    }
