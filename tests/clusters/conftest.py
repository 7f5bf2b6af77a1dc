# SPDX-License-Identifier: AGPL-3.0-or-later
"""The delivery, and what a run on this machine alone makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clusters.delivery import make
from tests.system.deliveries import finish


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,600 files: one host alone must not be done with them in the minute of a cut."""
    return make(tmp_path_factory.mktemp("clusters") / "leverans å", 1600)


@pytest.fixture(scope="session")
def undisturbed(delivery: Path) -> Path:
    """The output of a local run of it."""
    out = delivery.parent / "local"
    code, output = finish(delivery, out)
    assert code == 1, output
    return out
