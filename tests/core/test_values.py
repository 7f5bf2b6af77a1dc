# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names, records and numbers that must come back as they went."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core import codec, paths
from pipeline.core.records import Basis, Identification, Message, Opinion, Severity

NAMES = st.binary(min_size=1, max_size=300).filter(lambda raw: b"\0" not in raw)


@given(NAMES)
def test_any_name_can_be_shown_and_found_again(raw: bytes) -> None:
    shown = paths.display(raw)
    assert paths.undisplay(shown) == raw
    assert "\n" not in shown
    shown.encode("utf-8")


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_names_never_give_one_output(names: list[bytes]) -> None:
    first, second = (paths.output_name(raw.replace(b"/", b"_"), ".pdf") for raw in names)
    if names[0].replace(b"/", b"_") != names[1].replace(b"/", b"_"):
        assert first != second
    assert max(len(part.encode()) for part in first.split("/")) <= 255


def test_names_stay_readable() -> None:
    name = "Års budget 100 %.docx"
    assert paths.output_name(name.encode(), ".pdf") == f"{name}.pdf"
    assert paths.display(b"br\xe5dskande\n.txt") == "br%E5dskande%0A.txt"
    assert paths.display(b"100%25") == "100%2525"


@given(st.text() | st.binary() | st.integers() | st.floats(allow_nan=False) | st.booleans())
def test_plain_values_cross(value: object) -> None:
    assert codec.loads(codec.dumps(value)) == value


def test_records_cross() -> None:
    opinion = Opinion("FIDO", "1", "v1", ("fmt/1",), Basis.EXTENSION)
    record = Identification("fmt/1", Basis.CONTAINER, "x", "y", opinions=(opinion,))
    nested = {"a": (record, Message("c", Severity.INFO, "\udce5")), "p": Path(os.fsdecode(b"\xe5"))}
    assert codec.loads(codec.dumps(nested)) == nested


def test_strangers_do_not_cross() -> None:
    with pytest.raises(TypeError):
        codec.dumps(object())
    with pytest.raises(ValueError, match="unknown record"):
        codec.loads(b'{"!record": "Popen", "v": {}}')
