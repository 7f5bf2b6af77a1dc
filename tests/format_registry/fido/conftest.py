# SPDX-License-Identifier: AGPL-3.0-or-later
"""The two signature sets, each made once, straight from its files: no home, no cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from format_registry.fido import container_file, droid_file, fido_file
from format_registry.fido.engine import Answer, Engine
from format_registry.fido.model import SignatureSet

Ask = Callable[[Path], Answer]


@pytest.fixture(scope="session")
def national(droid_files: tuple[Path, Path]) -> Engine:
    """The engine of The National Archives' signature files, v118."""
    version, formats, signatures = droid_file.parse(droid_files[0])
    containers = container_file.parse(droid_files[1])
    return Engine(SignatureSet("droid-v118", version, (), formats, signatures, containers))


@pytest.fixture(scope="session")
def shipped() -> Engine:
    """The engine of the signatures that opf-fido ships."""
    version, path, inner = fido_file.shipped()
    formats, signatures = fido_file.parse(path)
    containers = container_file.parse(inner)
    return Engine(SignatureSet("opf-fido", version, (), formats, signatures, containers))


@pytest.fixture(scope="session")
def both(national: Engine, shipped: Engine) -> tuple[Engine, Engine]:
    """Both engines."""
    return national, shipped


@pytest.fixture(scope="session")
def skeleton_files(skeletons: Path) -> list[Path]:
    """All skeleton files, in an order that does not change."""
    found = sorted(path for path in skeletons.rglob("*") if path.is_file())
    assert len(found) > 1000
    return found


@pytest.fixture(scope="session")
def corpus_files(corpus: Path, manifest: list[dict[str, str]]) -> list[Path]:
    """All files of the corpus, in the manifest's order."""
    found = [corpus / row["path"] for row in manifest]
    assert len(found) > 100
    return found


@pytest.fixture(scope="session")
def ask(national: Engine) -> Ask:
    """Ask the v118 engine about a file."""

    def answer(path: Path) -> Answer:
        with path.open("rb") as stream:
            return national.open(stream, path.name)

    return answer
