# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ghostscript's pdfwrite as the second resort: it rewrites every page.

Options as in ghostscript.readthedocs.io/en/latest/VectorDevices.html. Nothing is
downsampled, and no picture is compressed with loss; where colours must become RGB, they
are converted by the profiles in the file, and the migrator says so.
"""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.core import bounded
from pipeline.core.errors import ToolFailureError
from pipeline.core.probe import ToolProbe

PROBE = ToolProbe(
    name="ghostscript",
    programs=("gs",),
    version_args=("--version",),
    version_pattern=r"([\d.]+)",
    package="ghostscript",
    suffers="PDF files whose fonts or colours must be rewritten to become PDF/A",
)

_KEEP_PICTURES = (
    "-dPassThroughJPEGImages=true",
    "-dPassThroughJPXImages=true",
    "-dAutoFilterColorImages=false",
    "-dAutoFilterGrayImages=false",
    "-dColorImageFilter=/FlateEncode",
    "-dGrayImageFilter=/FlateEncode",
    "-dMonoImageFilter=/FlateEncode",
    "-dDownsampleColorImages=false",
    "-dDownsampleGrayImages=false",
    "-dDownsampleMonoImages=false",
)


def rewrite(
    source: Path, target: Path, flavour: str, *, strict: bool, to_rgb: bool, cwd: Path
) -> None:
    """Write `target` as Ghostscript sees `source`.

    `strict` stops at the first error in the PDF; otherwise Ghostscript carries on and
    may leave things out. `to_rgb` converts all colours to RGB, where they cannot stay as
    they are beside an sRGB output intent. Raises ToolFailureError, ToolTimeoutError,
    OutOfMemoryError, CrashError, ToolMissingError.
    """
    arguments = [
        str(PROBE.find()),
        "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER",
        *(["-dPDFSTOPONERROR"] if strict else []),
        "-sDEVICE=pdfwrite",
        f"-dPDFA={flavour[0]}",
        "-dPDFACompatibilityPolicy=1",
        "-dAutoRotatePages=/None",
        f"-sColorConversionStrategy={'RGB' if to_rgb else 'LeaveColorUnchanged'}",
        *_KEEP_PICTURES,
        f"-sOutputFile={target}",
        str(source),
    ]  # fmt: skip
    done = bounded.run(arguments, cwd=cwd, env={"TMPDIR": os.fspath(cwd)})
    if done.returncode != 0 or not target.exists():
        lines = [line for line in done.output.strip().splitlines() if line.strip()]
        said = (lines or ["no message"])[-1].replace(os.fspath(source), "")
        raise ToolFailureError(f"Ghostscript, exit code {done.returncode}: {said}"[:300])
