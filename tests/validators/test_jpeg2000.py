# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core.records import Outcome, Severity, Verdict
from validators.jpeg2000 import VALIDATOR

NOISE = np.random.default_rng(7).integers(0, 256, (120, 90, 3), dtype=np.uint8)


def make(name: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, "JPEG2000", no_jp2=name.endswith("j2c"))
    data = buffer.getvalue()
    return data.replace(b"ftypjp2 ", b"ftypjpx ") if name.endswith("jpf") else data


NAMES = ["a.jp2", "a.j2c", "a.jpf"]


@pytest.mark.parametrize("name", NAMES)
def test_whole_files_are_valid(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(make(name))
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.messages) == (Verdict.VALID, ())
    assert result.properties["width"] == 90
    assert result.properties["bands"] == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.1, 0.5, 0.9, 0.99, -20, -2, -1])
def test_truncated_files_are_never_valid(tmp_path: Path, name: str, keep: float) -> None:
    data = make(name)
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * keep) + 4] if keep >= 0 else data[: int(keep)])
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.DAMAGED)


def test_what_jpylyzer_rejects_is_invalid_but_not_damaged(tmp_path: Path) -> None:
    data = bytearray(make("a.jp2"))
    place = data.find(b"colr")
    data[place + 6] = 1  # APPROX, which shall be 0 in a JP2 file
    path = tmp_path / "a.jp2"
    path.write_bytes(data)
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome) == (Verdict.INVALID, Outcome.INVALID)
    assert result.messages[0].code == "jpeg2000.conformance"


def test_too_large_by_its_header(tmp_path: Path) -> None:
    data = bytearray(make("a.j2c"))
    struct.pack_into(">II", data, 8, 50_000, 50_000)
    path = tmp_path / "a.j2c"
    path.write_bytes(data)
    result = VALIDATOR.validate(path)
    assert (result.verdict, result.outcome) == (Verdict.UNDECIDED, Outcome.TOO_LARGE)


def test_trailing_data_and_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.j2c"
    path.write_bytes(make("a.j2c") + b"more")
    result = VALIDATOR.validate(path)
    assert [m.code for m in result.messages if m.severity is Severity.WARNING] == ["image.trailing"]
    path.write_bytes(b"")
    assert VALIDATOR.validate(path).outcome is Outcome.EMPTY
