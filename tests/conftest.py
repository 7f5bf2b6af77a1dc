# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the real files are, and what is said loudly when they are not."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import pytest

# A shell that starts the tests in the background has them ignore Ctrl-C, and all they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


# What starts whole runs, hosts or servers takes its turn: two of them at once would be load, not
# a test. They mostly wait, so that the others have the processor meanwhile.
_IN_TURN = {"clusters", "storage", "system"}


# First, since pytest-xdist reads the marks in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests stay in one process when several share them (`--dist loadgroup`)."""
    here = Path(__file__).parent
    for item in items:
        part = item.path.relative_to(here)
        group = "in turn" if part.parts[0] in _IN_TURN else str(part)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop where pytest-xdist has not read the groups: hosts of the same names would meet."""
    if getattr(session.config.option, "loadgroup", False):
        assert all("@" in item.nodeid for item in session.items), "groups of tests are not kept"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real files; the test is skipped, loudly, without it."""
    return _folder("SKANEARKIV_CORPUS", "a folder of real files with manifest.csv")


@pytest.fixture(scope="session")
def manifest(corpus: Path) -> list[dict[str, str]]:
    """What is known of each file of the corpus."""
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="session")
def schemas() -> Path:
    """The folder of XML schemas of METS and PREMIS."""
    return _folder("SKANEARKIV_TEST_SCHEMAS", "a folder with premis-3.0.xsd and xlink.xsd")


@pytest.fixture(scope="session")
def droid_files() -> tuple[Path, Path]:
    """The National Archives' signature file and container signature file, v118."""
    folder = _folder("SKANEARKIV_TEST_SIGNATURES", "a folder with DROID's two signature files")
    return (
        folder / "DROID_SignatureFile_V118.xml",
        folder / "container-signature-20240501.xml",
    )


@pytest.fixture(scope="session")
def skeletons() -> Path:
    """Skeleton files whose names carry the true PUID."""
    return _folder("SKANEARKIV_SKELETONS", "a folder of skeleton files")


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set: {what} is needed for this test")
    path = Path(value)
    # A variable that points nowhere is a mistake, not a machine without the files.
    assert path.is_dir(), f"{variable}={value} is not a folder"
    return path
