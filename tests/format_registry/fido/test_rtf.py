# SPDX-License-Identifier: AGPL-3.0-or-later
"""RTF tells its version by control words, which may stand far inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from format_registry.fido.engine import Engine
from pipeline.core.records import Basis
from tests.format_registry.fido.conftest import Ask

HEAD = rb"{\rtf1\adeflang1025\ansi\ansicpg1252\uc1"
PLAIN = rb"{\rtf1\ansi\ansicpg1252\uc1"
FONTS = rb"\stshfdbch0\stshfloch0\stshfhich0\stshfbi0"
LATENT = rb"{\*\latentstyles\lsdstimax156}"
THEME = rb"{\*\colorschememapping 3c3f}"


@pytest.mark.parametrize("depth", [3, 70_000, 1 << 20])
@pytest.mark.parametrize(
    ("parts", "puid"),
    [
        ((rb"{\rtf1\ansi\deff0", b" text"), "fmt/45"),
        ((PLAIN, b" text"), "fmt/50"),
        ((PLAIN, FONTS), "fmt/52"),
        ((HEAD, FONTS, LATENT), "fmt/53"),
        ((HEAD, FONTS, LATENT, THEME), "fmt/355"),
        ((HEAD, FONTS, THEME, LATENT), "fmt/355"),
    ],
)
def test_the_version_is_told_by_words_deep_inside(
    ask: Ask, tmp_path: Path, parts: tuple[bytes, ...], puid: str, depth: int
) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes((b" " * depth).join(parts) + b"}")
    answer = ask(path)
    assert ([one.puid for one in answer.matches], answer.basis) == ([puid], Basis.SIGNATURE)


def test_words_in_the_wrong_order_tell_nothing(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(PLAIN + b"   " + LATENT + b" " * 100 + THEME + b"}")
    assert [one.puid for one in ask(path).matches] == ["fmt/50"]


def test_real_files_are_what_siegfried_finds_them_to_be(
    national: Engine, corpus: Path, manifest: list[dict[str, str]]
) -> None:
    wrong, asked = [], 0
    for row in manifest:
        if row["path"].endswith(".rtf") and row["siegfried_puid_v125"] != "UNKNOWN":
            with (corpus / row["path"]).open("rb") as stream:
                found = [one.puid for one in national.open(stream, "a.rtf").matches]
            asked += 1
            if found != [row["siegfried_puid_v125"]]:
                wrong.append((row["path"], row["siegfried_puid_v125"], found))
    assert wrong == []
    assert asked > 10
