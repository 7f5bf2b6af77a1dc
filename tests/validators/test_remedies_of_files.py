# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import re
import tomllib
from pathlib import Path

import validators

HERE = Path(validators.__file__).parent
OURS = (
    "findings", "imaging", "tiff", "tiff_structure", "raster", "raster_structure", "jpeg2000",
    "xml", "xml_safe", "text", "zip_package", "ooxml", "odf", "ole",
)  # fmt: skip
MAKERS = HERE.parent / "migrators"
CODE = re.compile(
    r'"((?:image|tiff|jpeg2000|xml|text|zip|ooxml|odf|ole|package|file)\.[a-z_0-9]+)"'
)


def texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in ("images", "structured"):
        loaded = tomllib.loads((HERE / "remedies" / f"{name}.toml").read_text("utf-8"))
        assert not set(loaded) & set(found)
        found.update(loaded)
    return found


def used() -> set[str]:
    files = [HERE / f"{name}.py" for name in OURS]
    files += [
        MAKERS / "picture_to_pdfa.py",
        MAKERS / "image_to_tiff.py",
        *(MAKERS / "tiff").glob("*.py"),
    ]
    files += [HERE / "fidelity" / "image_reading.py"]
    return {code for file in files for code in CODE.findall(file.read_text("utf-8"))}


def test_every_code_has_a_text_and_every_text_a_code() -> None:
    assert used() == set(texts())


def test_every_text_is_complete_in_both_languages() -> None:
    for code, entry in texts().items():
        assert set(entry) == {"sv", "en", "remedy_sv", "remedy_en"}, code
        assert all(value.endswith((".", "?")) for value in entry.values()), code
