# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of what hostile files reach is made by looking, and says what it must."""

from __future__ import annotations

import pytest

from benchmarks.sandbox import measure


@pytest.mark.parametrize(
    ("attack", "without"),
    [
        ("PostScript: deletes", "file gone"),
        ("PostScript: reads", "secret in the output"),
        ("external entity, local", "secret in the output"),
        ("html: picture", "picture in the PDF"),
        ("docx: remote", " requests"),
    ],
)
def test_a_hostile_file_reaches_nothing_from_the_sandbox(attack: str, without: str) -> None:
    (row,) = measure(attack)
    assert row["none"].endswith(without), row
    assert (row["unshare"], row["bubblewrap"], row["settings"]) == ("", "", ""), row
