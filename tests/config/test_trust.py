# SPDX-License-Identifier: AGPL-3.0-or-later
"""The trust list is read at the start, whole, or the start fails and says why."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.config import settings, trust
from pipeline.core.errors import ConfigError
from tests.validators.signing import authority, clerk, party


def configured(tmp_path: Path, *certificates: Path) -> Path:
    path = tmp_path / "limits.toml"
    names = ", ".join(json.dumps(str(one)) for one in certificates)
    path.write_text(f"[signature_trust]\ncertificates = [{names}]\n", encoding="utf-8")
    return path


def test_files_and_folders_in_pem_and_der(tmp_path: Path) -> None:
    folder = tmp_path / "Betrodda åäö"
    folder.mkdir()
    (folder / "rot.pem").write_bytes(b"# exported by hand\n" + authority().pem + clerk().pem)
    (folder / "samma.cer").write_bytes(authority().der)
    (folder / ".gitignore").write_text("*")
    (folder / "deeper").mkdir()
    single = tmp_path / "annan.crt"
    single.write_bytes(party("Annan", kind="ca").der)
    found = trust.load([str(folder), str(single)])
    assert found[:2] == (authority().der, clerk().der)
    assert len(found) == 3


def test_children_learn_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rot.pem").write_bytes(authority().pem)
    monkeypatch.chdir(tmp_path)
    loaded = settings.load(configured(tmp_path, Path("rot.pem")))
    told = loaded.environment()["SKANEARKIV_SIGNATURE_TRUST"]
    assert json.loads(told) == [os.path.join(os.path.realpath(tmp_path), "rot.pem")]
    assert "SKANEARKIV_SIGNATURE_TRUST" not in settings.Settings().environment()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("gone.pem", None, "does not exist"),
        ("text.pem", b"not a certificate", "cannot be read as a certificate"),
        ("cut.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n", "cannot be read as a certificate"),
        ("nothing.der", b"", "cannot be read as a certificate"),
    ],
)
def test_what_cannot_be_read_stops_the_start(
    tmp_path: Path, name: str, data: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigError, match=said) as caught:
        settings.load(configured(tmp_path, path))
    assert name in str(caught.value)
    assert "limits.toml" in str(caught.value)


def test_a_folder_with_one_bad_file_or_none(tmp_path: Path) -> None:
    folder = tmp_path / "trust"
    folder.mkdir()
    with pytest.raises(ConfigError, match="holds no files"):
        trust.load([str(folder)])
    (folder / "rot.pem").write_bytes(authority().pem)
    (folder / "README").write_text("läs mig", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"README cannot be read.*take it out"):
        trust.load([str(folder)])
